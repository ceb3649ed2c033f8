package tradeoff

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/interp"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// WithPCHIP has [AverageSpeedup] read curves by monotone cubics (Fritsch and Butland 1984) instead of straight lines.
// They need two points that improve in every curve.
func WithPCHIP() AverageOption {
	return averageOption{func(c *config) error {
		c.pchip = true
		return nil
	}}
}

// AverageSpeedup is the speedup of method over base averaged over all qualities that all runs of both reach: the
// exponential of the mean difference of log costs, as Bjontegaard 2001 compares video codecs. One target can flatter
// a method, the average cannot. Curves are reduced to the points that are better than all before; in between, the
// logarithm of the cost is linear in the quality.
//
// The interval is Welch's of each run's mean log cost over the common range. [WithInterval] has
// others. The error wraps [ErrNoOverlap] if the qualities have no common range.
func AverageSpeedup(base, method Runs, opts ...AverageOption) (stats.Estimate, error) {
	c, err := configure("AverageSpeedup", opts)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return stats.Estimate{}, err
	}
	worst, best := CommonQualities(base, method)
	sign := base.Direction().Sign()
	lo, hi := sign*worst, sign*best
	if !(lo < hi) {
		return stats.Estimate{}, c.errorf("%q and %q: no run of one reaches a quality that another starts from%s: %w",
			base.Name, method.Name, failures(base, method), ErrNoOverlap)
	}
	var x [2][]float64
	for k, r := range []Runs{base, method} {
		for _, curve := range r.Curves {
			x[k] = append(x[k], meanLogCost(curve.Rises(), sign, lo, hi, c.pchip))
		}
	}
	e, err := stats.RatioOfLogs(x[0], x[1], c.interval...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	where := fmt.Sprintf(" later; this holds for qualities from %.6g to %.6g", worst, best)
	e.Warnings = append(e.Warnings, base.warnings(where)...)
	e.Warnings = append(e.Warnings, method.warnings(where)...)
	return e, nil
}

// CommonQualities is the range of qualities, the worse first, that all runs of both arms go through, over which
// [AverageSpeedup] compares: of a run that failed, up to its best before. Both are NaN if a run has none.
func CommonQualities(base, method Runs) (worst, best float64) {
	sign := base.Direction().Sign()
	lo, hi := math.Inf(-1), math.Inf(1) // of qualities times sign
	for _, curve := range slices.Concat(base.Curves, method.Curves) {
		if curve.Len() == 0 {
			return math.NaN(), math.NaN()
		}
		lo = max(lo, sign*curve.points[0].Quality)
		hi = min(hi, sign*curve.Best().Quality)
	}
	return sign * lo, sign * hi
}

// meanLogCost is the mean of log cost over qualities times sign from lo to hi.
func meanLogCost(rises []Point, sign, lo, hi float64, pchip bool) float64 {
	q, c := make([]float64, len(rises)), make([]float64, len(rises))
	knots := []float64{lo}
	for i, p := range rises {
		q[i], c[i] = sign*p.Quality, math.Log(p.Cost)
		if q[i] > lo && q[i] < hi {
			knots = append(knots, q[i])
		}
	}
	knots = append(knots, hi)
	at := func(v float64) float64 {
		i := min(max(sort.SearchFloat64s(q, v), 1), len(q)-1)
		return c[i-1] + float64((v-q[i-1])/(q[i]-q[i-1])*(c[i]-c[i-1]))
	}
	if pchip {
		var f interp.FritschButland
		if err := f.Fit(q, c); err != nil {
			panic(err) // there are two points or more, and they rise
		}
		at = f.Predict
	}
	area := 0.0
	for i, b := range knots[1:] {
		a := knots[i]
		area += float64((b - a) / 6 * (at(a) + 4*at((a+b)/2) + at(b))) // exact for cubics
	}
	return area / (hi - lo)
}
