package pareto

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

func TestDominates(t *testing.T) {
	base := curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: 1, Quality: 0.5}, tradeoff.Point{Cost: 2, Quality: 0.7},
		tradeoff.Point{Cost: 4, Quality: 0.8})
	for name, k := range map[string]struct {
		points    []tradeoff.Point
		tolerance float64
		how       tradeoff.Interpolation
		want      bool
	}{
		"better everywhere": {[]tradeoff.Point{{Cost: 1, Quality: 0.6}, {Cost: 2, Quality: 0.8}, {Cost: 4,
			Quality: 0.9}}, 0, tradeoff.FirstHit, true},
		"better once": {[]tradeoff.Point{{Cost: 1, Quality: 0.5}, {Cost: 2, Quality: 0.7}, {Cost: 4,
			Quality: 0.81}}, 0, tradeoff.FirstHit, true},
		"the same": {base.Points(), 0, tradeoff.FirstHit, false},
		"worse once": {[]tradeoff.Point{{Cost: 1, Quality: 0.6}, {Cost: 2, Quality: 0.69}, {Cost: 4,
			Quality: 0.9}}, 0, tradeoff.FirstHit, false},
		"within the tolerance": {[]tradeoff.Point{{Cost: 1, Quality: 0.6}, {Cost: 2, Quality: 0.69}, {Cost: 4,
			Quality: 0.9}}, 0.02, tradeoff.FirstHit, true},
		"never better, tolerated": {[]tradeoff.Point{{Cost: 1, Quality: 0.49}, {Cost: 2, Quality: 0.69}, {Cost: 4,
			Quality: 0.79}}, 0.02, tradeoff.FirstHit, false},
		"the best so far counts": {[]tradeoff.Point{{Cost: 1, Quality: 0.75}, {Cost: 2, Quality: 0.1}, {Cost: 4,
			Quality: 0.9}}, 0, tradeoff.FirstHit, true},
		"common costs only": {[]tradeoff.Point{{Cost: 2, Quality: 0.75}, {Cost: 3, Quality: 0.9}}, 0,
			tradeoff.FirstHit, true},
		"late by evaluation": {[]tradeoff.Point{{Cost: 1, Quality: 0.55}, {Cost: 2.5, Quality: 0.8}, {Cost: 4,
			Quality: 0.9}}, 0, tradeoff.FirstHit, false},
		"not late in between": {[]tradeoff.Point{{Cost: 1, Quality: 0.55}, {Cost: 2.5, Quality: 0.8}, {Cost: 4,
			Quality: 0.9}}, 0,
			tradeoff.Linear, true},
		"nor by logarithm of cost": {[]tradeoff.Point{{Cost: 1, Quality: 0.55}, {Cost: 2.5, Quality: 0.8}, {Cost: 4,
			Quality: 0.9}}, 0,
			tradeoff.LogCost, true},
	} {
		got, err := Dominates(base, curve(t, tradeoff.HigherBetter, k.points...), k.tolerance, k.how)
		require.NoError(t, err, name)
		require.Equal(t, k.want, got, name)
		got, err = Dominates(mirrored(base), mirrored(curve(t, tradeoff.HigherBetter, k.points...)), k.tolerance, k.how)
		require.NoError(t, err, name)
		require.Equal(t, k.want, got, "%s, lower is better", name)
	}
}

// By definition: at every one of many costs, and never both ways.
func TestDominatesByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	found := 0
	for range 2000 {
		a, b := randomCurve(rng, tradeoff.LowerBetter), randomCurve(rng, tradeoff.LowerBetter)
		first, last := a.Costs()
		from, to := b.Costs()
		first, last = max(first, from), min(last, to)
		if first > last {
			continue
		}
		for _, how := range []tradeoff.Interpolation{tradeoff.FirstHit, tradeoff.Linear, tradeoff.LogCost} {
			got, err := Dominates(a, b, 0, how)
			require.NoError(t, err)
			worst, best := math.Inf(1), math.Inf(-1)
			for cost := first; cost <= last; cost++ { // all points have whole costs
				qa, _ := a.Envelope().QualityAt(cost, how)
				qb, _ := b.Envelope().QualityAt(cost, how)
				worst, best = min(worst, qa-qb), max(best, qa-qb)
			}
			require.Equal(t, worst >= 0 && best > 0, got, "%v %v %v", a, b, how)
			if !got {
				continue
			}
			found++
			for cost := first; cost <= last; cost += 0.125 {
				qa, _ := a.Envelope().QualityAt(cost, how)
				qb, _ := b.Envelope().QualityAt(cost, how)
				require.GreaterOrEqual(t, qa-qb, -1e-12, "in between")
			}
			back, err := Dominates(b, a, 0, how)
			require.NoError(t, err)
			require.False(t, back)
		}
	}
	require.Greater(t, found, 100)
}

func TestDominatesRefuses(t *testing.T) {
	a, b := curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: 1, Quality: 1}, tradeoff.Point{Cost: 2, Quality: 2}),
		curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: 3, Quality: 1}, tradeoff.Point{Cost: 4, Quality: 2})
	for name, k := range map[string]struct {
		a, b      tradeoff.Curve
		tolerance float64
		how       tradeoff.Interpolation
		want      error
	}{
		"empty": {a, tradeoff.Curve{}, 0, tradeoff.FirstHit, tensor.ErrEmpty}, "apart": {a, b, 0, tradeoff.FirstHit,
			tradeoff.ErrNoOverlap}, "directions": {a, mirrored(a),
			0, tradeoff.FirstHit, tensor.ErrShape},
		"negative": {a, a, -1, tradeoff.FirstHit, tensor.ErrRange}, "NaN": {a, a, math.NaN(), tradeoff.FirstHit,
			tensor.ErrRange},
		"infinite": {a, a, math.Inf(1), tradeoff.FirstHit, tensor.ErrRange},
	} {
		got, err := Dominates(k.a, k.b, k.tolerance, k.how)
		require.ErrorIs(t, err, k.want, name)
		require.False(t, got, name)
	}
}
