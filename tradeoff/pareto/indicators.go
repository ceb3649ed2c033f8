package pareto

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// AdditiveEpsilon is how much every point of reference must be worsened in all objectives for points to be at least as
// good as each of them (Zitzler et al. 2003): 0 or less if they are already. The error wraps [tensor.ErrShape],
// [tensor.ErrNotFinite] or [tensor.ErrEmpty].
func AdditiveEpsilon(points, reference [][]float64, directions []tradeoff.Direction) (float64, error) {
	c := call("AdditiveEpsilon")
	p, r, err := c.sets(points, reference, directions)
	if err != nil {
		return 0, err
	}
	return epsilon(p, r, func(p, r []float64) float64 {
		most := math.Inf(-1)
		for k := range p {
			most = max(most, p[k]-r[k])
		}
		return most
	}), nil
}

// MultiplicativeEpsilon is AdditiveEpsilon by factors, for objectives above 0: 1 or less if points are at least as
// good. The error may wrap [tradeoff.ErrNonPositive] too.
func MultiplicativeEpsilon(points, reference [][]float64, directions []tradeoff.Direction) (float64, error) {
	c := call("MultiplicativeEpsilon")
	if _, _, err := c.sets(points, reference, directions); err != nil {
		return 0, err
	}
	for s, set := range [][][]float64{points, reference} {
		name := []string{"points", "reference"}[s]
		for i, p := range set {
			for k, v := range p {
				if v <= 0 {
					return 0, c.errorf("%s[%d][%d] = %v: %w", name, i, k, v, tradeoff.ErrNonPositive)
				}
			}
		}
	}
	return epsilon(points, reference, func(p, r []float64) float64 {
		most := 0.0
		for k := range p {
			if directions[k] == tradeoff.HigherBetter {
				most = max(most, r[k]/p[k])
			} else {
				most = max(most, p[k]/r[k])
			}
		}
		return most
	}), nil
}

// IGDPlus is the mean distance of the points of reference from what points dominate (Ishibuchi et al. 2015): 0 if they
// are at least as good everywhere. The error is that of [AdditiveEpsilon].
func IGDPlus(points, reference [][]float64, directions []tradeoff.Direction) (float64, error) {
	c := call("IGDPlus")
	p, r, err := c.sets(points, reference, directions)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, ref := range r {
		total += math.Sqrt(epsilon(p, [][]float64{ref}, func(p, r []float64) float64 {
			squares := 0.0
			for k := range p {
				d := max(0, p[k]-r[k])
				squares += float64(d * d)
			}
			return squares
		}))
	}
	return total / float64(len(r)), nil
}

// epsilon is the largest over the reference of the smallest distance from it.
func epsilon(points, reference [][]float64, distance func(p, r []float64) float64) float64 {
	most := math.Inf(-1)
	for _, r := range reference {
		least := math.Inf(1)
		for _, p := range points {
			least = min(least, distance(p, r))
		}
		most = max(most, least)
	}
	return most
}

// sets is two sets that are not empty, minimised.
func (c call) sets(points, reference [][]float64, directions []tradeoff.Direction) (p, r [][]float64, err error) {
	if len(points) == 0 || len(reference) == 0 {
		return nil, nil, c.errorf("%d points and %d of reference: %w", len(points), len(reference), tensor.ErrEmpty)
	}
	if p, err = c.minimised("points", points, directions); err == nil {
		r, err = c.minimised("reference", reference, directions)
	}
	return p, r, err
}
