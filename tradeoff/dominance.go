package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Dominates reports whether method is a Pareto improvement over base: at no cost that both curves cover is its best
// quality so far worse by more than tolerance, and at some it is better. It takes WithInterpolation; by default the
// best evaluation up to a cost counts, which suits curves of the same costs. It says nothing of chance: for runs of
// several seeds see [ParetoVerdicts] and [MedianBand]. The error wraps [tensor.ErrEmpty], [tensor.ErrShape] if the
// directions differ, [ErrNoOverlap] or [tensor.ErrRange] for a tolerance that is not finite or below 0.
func Dominates(base, method Curve, tolerance float64, opts ...DominanceOption) (bool, error) {
	c, err := configure("Dominates", opts)
	if err == nil {
		err = pair(Runs{"base", []Curve{base}}, Runs{"method", []Curve{method}})
	}
	if err != nil {
		return false, err
	}
	if !(tolerance >= 0) || math.IsInf(tolerance, 1) {
		return false, c.errorf("tolerance is %v, want a finite number of at least 0: %w", tolerance, tensor.ErrRange)
	}
	first, last := commonCosts(Runs{Curves: []Curve{base}}, Runs{Curves: []Curve{method}})
	if first > last {
		return false, c.errorf("the curves have no costs in common: %w", ErrNoOverlap)
	}
	b, m, better := base.Envelope(), method.Envelope(), false
	costs := []float64{first, last}
	for _, p := range slices.Concat(base.points, method.points) {
		if p.Cost > first && p.Cost < last {
			costs = append(costs, p.Cost) // between these, both curves are steps or straight lines
		}
	}
	for _, cost := range costs {
		qb, okB := b.QualityAt(cost, c.interpolation)
		qm, okM := m.QualityAt(cost, c.interpolation)
		if !okB || !okM {
			panic(fmt.Sprintf("tradeoff: Dominates: cost %v is not common", cost))
		}
		gain := base.direction.sign() * (qm - qb)
		if gain < -tolerance {
			return false, nil
		}
		better = better || gain > 0
	}
	return better, nil
}
