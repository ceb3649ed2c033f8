package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// AtCost sets the cost at which [Gain] compares. Default: the largest that all runs of both arms have reached.
func AtCost(cost float64) GainOption {
	return costOption{func(c *config) error {
		c.given.Mark("AtCost")
		if cost-cost != 0 || cost <= 0 {
			return fmt.Errorf("AtCost(%v): want a finite cost above 0: %w", cost, tensor.ErrRange)
		}
		c.cost = cost
		return nil
	}}
}

// Gain is by how much method is better than base at matched cost: the difference of the mean best qualities so far,
// above 0 if method is better, whichever way the quality improves. The interval is Welch's, or
// by [WithInterval] one of the bootstrap. The error wraps [ErrNoOverlap] if a run has no quality at the cost.
func Gain(base, method Runs, opts ...GainOption) (stats.Estimate, error) {
	c, err := configure("Gain", opts)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return stats.Estimate{}, err
	}
	first, last := CommonCosts(base, method)
	cost := c.cost
	if !c.given.Has("AtCost") {
		cost = last
	}
	if cost < first || cost > last {
		return stats.Estimate{}, c.errorf("cost %v: the runs of %q and %q have %v to %v in common%s: %w", cost, base.Name,
			method.Name, first, last, failures(base, method), ErrNoOverlap)
	}
	return c.gain(base, method, cost, cost, c.interval, func(curve Curve) float64 {
		q, _ := curve.Envelope().QualityAt(cost, c.interpolation)
		return q
	})
}

// AverageGain is [Gain] averaged over the logarithms of all costs that all runs have in common: the difference of the
// mean heights of the best qualities so far (see [Curve.AUC]). It takes the options of
// [stats.Difference].
func AverageGain(base, method Runs, opts ...stats.Option) (stats.Estimate, error) {
	c := call("AverageGain")
	if err := pair(base, method); err != nil {
		return stats.Estimate{}, err
	}
	first, last := CommonCosts(base, method)
	if !(first < last) {
		return stats.Estimate{}, c.errorf("the runs of %q and %q have no costs in common%s: %w", base.Name, method.Name,
			failures(base, method), ErrNoOverlap)
	}
	return c.gain(base, method, first, last, opts, func(curve Curve) float64 {
		q, _ := curve.AUC(first, last, LogAxis)
		return q
	})
}

// gain is the difference of qualities that hold from one cost to another.
func (c call) gain(
	base, method Runs, from, to float64, opts []stats.Option, quality func(Curve) float64,
) (stats.Estimate, error) {
	var x [2][]float64
	for k, r := range []Runs{base, method} {
		for _, curve := range r.Curves {
			x[k] = append(x[k], base.Direction().Sign()*quality(curve))
		}
	}
	e, err := stats.Difference(x[1], x[0], opts...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	where := fmt.Sprintf(" later; this holds from cost %.6g to %.6g", from, to)
	if from == to {
		where = fmt.Sprintf(" later; this holds at cost %.6g", from)
	}
	e.Warnings = append(e.Warnings, base.warnings(where)...)
	e.Warnings = append(e.Warnings, method.warnings(where)...)
	return e, nil
}

// failures says in an error how many runs of each arm failed.
func failures(base, method Runs) string {
	text := ""
	for _, r := range []Runs{base, method} {
		if n := r.Failed(); n > 0 {
			text += fmt.Sprintf(", %d of %d of %q failed", n, len(r.Curves), r.Name)
		}
	}
	return text
}

// CommonCosts is the range of costs that all runs of both arms cover, at which [Gain] and [AverageGain] compare: of a
// run that failed, up to its last finite quality. The first is larger than the last if there is none.
func CommonCosts(base, method Runs) (first, last float64) {
	first, last = 0, math.Inf(1)
	for _, curve := range slices.Concat(base.Curves, method.Curves) {
		if curve.Len() == 0 {
			return math.Inf(1), 0
		}
		from, to := curve.Costs()
		first, last = max(first, from), min(last, to)
	}
	return first, last
}
