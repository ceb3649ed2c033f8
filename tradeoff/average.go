package tradeoff

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/interp"

	"github.com/espalier-ml/espalier/tensor"
)

// WithPCHIP has [AverageSpeedup] read curves by monotone cubics (Fritsch and Butland 1984) instead of straight lines.
// They need two points that improve in every curve.
func WithPCHIP() Option {
	return func(c *config) error {
		c.given = append(c.given, "WithPCHIP")
		c.pchip = true
		return nil
	}
}

// AverageSpeedup is the speedup of method over base averaged over all qualities that all runs of both reach: the
// exponential of the mean difference of log costs, as Bjontegaard 2001 compares video codecs. One target can flatter
// a method, the average cannot. Curves are reduced to the points that are better than all before; in between, the
// logarithm of the cost is linear in the quality.
//
// The interval is Welch's of each run's mean log cost over the common range. It takes WithPCHIP, WithMethod(LogT,
// Percentile, Basic, BC or BCa) and the other options of the bootstrap. The error wraps [ErrNoOverlap] if the
// qualities have no common range.
func AverageSpeedup(base, method Runs, opts ...Option) (Estimate, error) {
	c, err := configure("AverageSpeedup", opts, append([]string{"WithPCHIP"}, bootstrapOptions...)...)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return Estimate{}, err
	}
	sign := base.Direction().sign()
	lo, hi := math.Inf(-1), math.Inf(1) // of qualities times sign
	for _, r := range []Runs{base, method} {
		for _, curve := range r.Curves {
			rises := curve.rises()
			lo = max(lo, sign*rises[0].Quality)
			hi = min(hi, sign*rises[len(rises)-1].Quality)
		}
	}
	if !(lo < hi) {
		return Estimate{}, c.errorf("%q and %q: no run of one reaches a quality that another starts from: %w", base.Name, method.Name, ErrNoOverlap)
	}
	var x [2][]float64
	for k, r := range []Runs{base, method} {
		for _, curve := range r.Curves {
			x[k] = append(x[k], meanLogCost(curve.rises(), sign, lo, hi, c.pchip))
		}
	}
	return c.ratio(x[0], x[1])
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

// AtCost sets the cost at which [Gain] compares. Default: the largest that all runs of both arms have reached.
func AtCost(cost float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "AtCost")
		if cost-cost != 0 || cost <= 0 {
			return fmt.Errorf("AtCost(%v): want a finite cost above 0: %w", cost, tensor.ErrRange)
		}
		c.target, c.targeted = cost, true
		return nil
	}
}

// Gain is by how much method is better than base at matched cost: the difference of the mean best qualities so far,
// above 0 if method is better, whichever way the quality improves. The interval is Welch's. It takes AtCost,
// WithInterpolation, WithMethod(TInterval, Percentile, Basic, BC or BCa) and the other options of the bootstrap. The
// error wraps [ErrNoOverlap] if a run has no quality at the cost.
func Gain(base, method Runs, opts ...Option) (Estimate, error) {
	c, err := configure("Gain", opts, append([]string{"AtCost", "WithInterpolation"}, bootstrapOptions...)...)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return Estimate{}, err
	}
	first, last := commonCosts(base, method)
	cost := c.target
	if !c.targeted {
		cost = last
	}
	if cost < first || cost > last {
		return Estimate{}, c.errorf("cost %v: the runs of %q and %q have %v to %v in common: %w", cost, base.Name, method.Name, first, last, ErrNoOverlap)
	}
	return c.gain(base, method, func(curve Curve) float64 {
		q, _ := curve.Envelope().QualityAt(cost, c.interpolation)
		return q
	})
}

// AverageGain is [Gain] averaged over the logarithms of all costs that all runs have in common: the difference of the
// mean heights of the best qualities so far (see [Curve.AUC]). It takes WithMethod and the other options of the
// bootstrap.
func AverageGain(base, method Runs, opts ...Option) (Estimate, error) {
	c, err := configure("AverageGain", opts, bootstrapOptions...)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return Estimate{}, err
	}
	first, last := commonCosts(base, method)
	if !(first < last) {
		return Estimate{}, c.errorf("the runs of %q and %q have no costs in common: %w", base.Name, method.Name, ErrNoOverlap)
	}
	return c.gain(base, method, func(curve Curve) float64 {
		q, _ := curve.AUC(first, last, LogAxis)
		return q
	})
}

func (c *config) gain(base, method Runs, quality func(Curve) float64) (Estimate, error) {
	var x [2][]float64
	for k, r := range []Runs{base, method} {
		for _, curve := range r.Curves {
			x[k] = append(x[k], base.Direction().sign()*quality(curve))
		}
	}
	return c.difference(x[1], x[0], TInterval)
}

// commonCosts is the range of costs that all runs cover.
func commonCosts(base, method Runs) (first, last float64) {
	first, last = 0, math.Inf(1)
	for _, curve := range slices.Concat(base.Curves, method.Curves) {
		first = max(first, curve.points[0].Cost)
		last = min(last, curve.points[curve.Len()-1].Cost)
	}
	return first, last
}

// ratio is the ratio of geometric means of two samples, given their logarithms.
func (c *config) ratio(x, y []float64) (Estimate, error) {
	e, err := c.difference(x, y, LogT)
	if err != nil {
		return Estimate{}, err
	}
	e.Value, e.Lo, e.Hi = math.Exp(e.Value), math.Exp(e.Lo), math.Exp(e.Hi)
	return e, nil
}

// difference is the difference of means of x and y, by default with Welch's interval, which goes by the name of welch.
func (c *config) difference(x, y []float64, welch Method) (Estimate, error) {
	e := Estimate{Level: c.level, Method: c.method, N: min(len(x), len(y))}
	if c.method == Auto || c.method == welch {
		e.Method = welch
		e.Value, e.Lo, e.Hi = c.welch(x, y)
		e.Warnings = warnings(welch, e.N, equal(x) && equal(y))
		return e, nil
	}
	mean := func(v []float64) float64 { m, _ := moments(v); return m }
	e.Value = mean(x) - mean(y)
	replicates := c.twoSamples(x, y, func(x, y []float64) float64 { return mean(x) - mean(y) })
	var influence [][]float64
	if c.method == BCa {
		influence = [][]float64{
			influences(jackknife(x, func(x []float64) float64 { return mean(x) - mean(y) })),
			influences(jackknife(y, func(y []float64) float64 { return mean(x) - mean(y) })),
		}
	}
	var err error
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, replicates, influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	if e.N < 2 {
		e.Lo, e.Hi = math.Inf(-1), math.Inf(1) // a run drawn from one run is always the same
	}
	e.Warnings = warnings(e.Method, e.N, equal(x) && equal(y))
	return e, nil
}
