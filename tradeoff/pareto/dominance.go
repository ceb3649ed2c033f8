package pareto

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Dominates reports whether method is a Pareto improvement over base: at no cost that both curves cover is its best
// quality so far worse by more than tolerance, and at some it is better. By [tradeoff.FirstHit] the
// best evaluation up to a cost counts, which suits curves of the same costs. It says nothing of chance: for runs of
// several seeds see [Verdicts] and [MedianBand]. The error wraps [tensor.ErrEmpty], [tensor.ErrShape] if the
// directions differ, [tradeoff.ErrNoOverlap] or [tensor.ErrRange] for a tolerance that is not finite or below 0.
func Dominates(base, method tradeoff.Curve, tolerance float64, how tradeoff.Interpolation) (bool, error) {
	c := call("Dominates")
	if base.Len() == 0 || method.Len() == 0 {
		return false, c.errorf("curves of %d and %d points: %w", base.Len(), method.Len(), tensor.ErrEmpty)
	}
	if base.Direction() != method.Direction() {
		return false, c.errorf("the quality of base is better when %v, that of method when %v: %w", base.Direction(),
			method.Direction(), tensor.ErrShape)
	}
	if !(tolerance >= 0) || math.IsInf(tolerance, 1) {
		return false, c.errorf("tolerance is %v, want a finite number of at least 0: %w", tolerance, tensor.ErrRange)
	}
	first, last := base.Costs()
	from, to := method.Costs()
	first, last = max(first, from), min(last, to)
	if first > last {
		return false, c.errorf("the curves have no costs in common: %w", tradeoff.ErrNoOverlap)
	}
	b, m, better := base.Envelope(), method.Envelope(), false
	costs := []float64{first, last}
	for _, p := range slices.Concat(base.Points(), method.Points()) {
		if p.Cost > first && p.Cost < last {
			costs = append(costs, p.Cost) // between these, both curves are steps or straight lines
		}
	}
	for _, cost := range costs {
		qb, okB := b.QualityAt(cost, how)
		qm, okM := m.QualityAt(cost, how)
		if !okB || !okM {
			panic(fmt.Sprintf("pareto: Dominates: cost %v is not common", cost))
		}
		gain := base.Direction().Sign() * (qm - qb)
		if gain < -tolerance {
			return false, nil
		}
		better = better || gain > 0
	}
	return better, nil
}
