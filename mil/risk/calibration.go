package risk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// HosmerLemeshow is the test of Hosmer and Lemeshow 1980 that probabilities are right on average in groups of patients
// of about the same probability. It says little with few patients and always finds something with many; look at the
// groups.
type HosmerLemeshow struct {
	Groups    []CalibrationGroup // by ascending probability
	Statistic float64            // +Inf where what could not happen has
	DF        int                // groups - 2, as for a model that was fitted to the same patients
	P         float64
}

type hosmerLemeshowJSON struct {
	Groups    []CalibrationGroup `json:"groups"`
	Statistic report.Upper       `json:"statistic"`
	DF        int                `json:"df"`
	P         float64            `json:"p"`
}

// MarshalJSON writes an infinite statistic as null.
func (h HosmerLemeshow) MarshalJSON() ([]byte, error) {
	return json.Marshal(hosmerLemeshowJSON{h.Groups, report.Upper(h.Statistic), h.DF, h.P})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *HosmerLemeshow) UnmarshalJSON(b []byte) error {
	var j hosmerLemeshowJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*h = HosmerLemeshow{j.Groups, float64(j.Statistic), j.DF, j.P}
	return nil
}

// CalibrationGroup is patients of about the same probability.
type CalibrationGroup struct {
	N        int     `json:"n"`
	Observed int     `json:"observed"` // events
	Expected float64 `json:"expected"` // sum of the probabilities
}

// HosmerLemeshowOption is a choice of [TestCalibration].
type HosmerLemeshowOption func(*bool) error

// WithSplitTies cuts sorted patients into groups whose sizes differ by at most one, wherever that falls, as most
// programs do. Patients of equal probability then belong to one group or another by the order in which they are given,
// and so does the result. By default a group goes on until the probability changes.
func WithSplitTies() HosmerLemeshowOption {
	return func(split *bool) error {
		*split = true
		return nil
	}
}

// TestCalibration tests probabilities in up to so many groups, 3 or more. The one option is [WithSplitTies]. A group
// whose probabilities are all 0 or all 1 adds nothing if all came as predicted, and otherwise makes the statistic
// infinite with a P of 0. The error wraps [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite],
// [tensor.ErrRange] or, if there are fewer than 3 groups for want of patients or of different probabilities,
// [stats.ErrTooFew].
func TestCalibration(p []float64, event []bool, groups int, opts ...HosmerLemeshowOption) (HosmerLemeshow, error) {
	const call = "risk: TestCalibration"
	split := false
	if err := option.Apply(call, &split, opts); err != nil {
		return HosmerLemeshow{}, err
	}
	if groups < 3 {
		return HosmerLemeshow{}, fmt.Errorf("%s: %d groups, want 3 or more: %w", call, groups, tensor.ErrRange)
	}
	if err := checkProbabilities(call, "p", p, len(event)); err != nil {
		return HosmerLemeshow{}, err
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	var h HosmerLemeshow
	from := 0
	for k := range groups {
		to := groupEnd(len(p), groups, k)
		for !split && to > from && to < len(p) && p[order[to]] == p[order[to-1]] {
			to++
		}
		if to <= from {
			continue
		}
		var g CalibrationGroup
		for _, i := range order[from:to] {
			g.N++
			g.Expected += p[i]
			if event[i] {
				g.Observed++
			}
		}
		h.Groups = append(h.Groups, g)
		h.Statistic += g.statistic()
		from = to
	}
	if h.DF = len(h.Groups) - 2; h.DF < 1 {
		return HosmerLemeshow{}, fmt.Errorf("%s: %d groups of %d patients, want 3 or more: %w", call, len(h.Groups), len(p),
			stats.ErrTooFew)
	}
	if !math.IsInf(h.Statistic, 1) {
		h.P = distuv.ChiSquared{K: float64(h.DF)}.Survival(h.Statistic)
	}
	return h, nil
}

// groupEnd is the end of group k of n: the first n%groups of them have one more.
func groupEnd(n, groups, k int) int { return (k+1)*(n/groups) + min(k+1, n%groups) }

func (g CalibrationGroup) statistic() float64 {
	d := float64(g.Observed) - g.Expected
	if d == 0 {
		return 0
	}
	return d * d / (g.Expected * (1 - g.Expected/float64(g.N))) // infinite where all are 0 or 1
}

// Recalibration is the logistic regression of the event on the logit of its probability (Cox 1958; Steyerberg 2019). A
// slope below 1 is that of probabilities that are too extreme, as of a model that was fitted too closely.
type Recalibration struct {
	InTheLarge stats.Estimate `json:"in_the_large"` // intercept with a slope of 1: above 0, events are more than predicted
	Intercept  stats.Estimate `json:"intercept"`
	Slope      stats.Estimate `json:"slope"`
}

// Recalibrate fits the intercept and the slope, with Wald's intervals. Probabilities must be above 0 and below 1, which
// have logits. The error wraps [stats.ErrOneClass], [stats.ErrDegenerate] if the probabilities are all the same or
// separate the classes, [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] or [tensor.ErrRange].
func Recalibrate(p []float64, event []bool, opts ...stats.LevelOption) (Recalibration, error) {
	const call = "risk: Recalibrate"
	if err := checkProbabilities(call, "p", p, len(event)); err != nil {
		return Recalibration{}, err
	}
	if _, err := countEvents(call, event); err != nil {
		return Recalibration{}, err
	}
	logit := make([]float64, len(p))
	for i, v := range p {
		if v == 0 || v == 1 {
			return Recalibration{}, fmt.Errorf("%s: p[%d] is %v, want a number above 0 and below 1: %w", call, i, v,
				tensor.ErrRange)
		}
		logit[i] = math.Log(v) - math.Log1p(-v)
	}
	level, err := levelOf(call, opts)
	if err != nil {
		return Recalibration{}, err
	}
	large, err := logistic(logit, event, true)
	if err != nil {
		return Recalibration{}, fmt.Errorf("%s: %w", call, err)
	}
	both, err := logistic(logit, event, false)
	if err != nil {
		return Recalibration{}, fmt.Errorf("%s: %w", call, err)
	}
	estimate := func(value, variance float64) stats.Estimate {
		w := normalQuantile(level) * math.Sqrt(variance)
		return stats.Estimate{Value: value, Lo: value - w, Hi: value + w, Level: level, Interval: stats.Normal, N: len(p)}
	}
	return Recalibration{InTheLarge: estimate(large.intercept, large.varIntercept),
		Intercept: estimate(both.intercept, both.varIntercept), Slope: estimate(both.slope, both.varSlope)}, nil
}

type logisticFit struct{ intercept, slope, varIntercept, varSlope float64 }

// logistic fits an intercept, and a slope unless that is 1, by Newton's method with steps that are halved until the
// likelihood rises.
func logistic(x []float64, event []bool, offset bool) (logisticFit, error) {
	f := logisticFit{slope: 1}
	likelihood := func(a, b float64) (sum float64) {
		for i, v := range x {
			z := a + b*v
			if event[i] {
				z = -z
			}
			sum -= max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
		}
		return sum
	}
	at := likelihood(f.intercept, f.slope)
	for range 100 {
		g0, g1, h00, h01, h11 := 0.0, 0.0, 0.0, 0.0, 0.0
		for i, v := range x {
			q := 1 / (1 + math.Exp(-f.intercept-f.slope*v))
			r := -q
			if event[i] {
				r = 1 - q
			}
			w := q * (1 - q)
			g0, g1 = g0+r, g1+r*v
			h00, h01, h11 = h00+w, h01+w*v, h11+w*v*v
		}
		det := h00*h11 - h01*h01
		d0, d1 := g0/h00, 0.0
		f.varIntercept = 1 / h00
		if !offset {
			if !(det > 1e-12*h00*h11) {
				return f, fmt.Errorf("the probabilities are all the same, or separate those with the event: %w",
					stats.ErrDegenerate)
			}
			d0, d1 = (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
			f.varIntercept, f.varSlope = h11/det, h00/det
		}
		step, next := 1.0, math.Inf(-1)
		for ; step > 1e-10; step /= 2 {
			if next = likelihood(f.intercept+step*d0, f.slope+step*d1); next >= at-1e-12*math.Abs(at) {
				break
			}
		}
		f.intercept, f.slope = f.intercept+step*d0, f.slope+step*d1
		if math.Abs(f.slope) > 1e4 || math.Abs(f.intercept) > 1e4 {
			break
		}
		if math.Abs(step*d0) < 1e-12*(1+math.Abs(f.intercept)) && math.Abs(step*d1) < 1e-12*(1+math.Abs(f.slope)) {
			return f, nil
		}
		at = next
	}
	return f, fmt.Errorf("the probabilities separate those with the event, so that the slope is infinite: %w",
		stats.ErrDegenerate)
}
