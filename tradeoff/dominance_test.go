package tradeoff

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func TestDominates(t *testing.T) {
	base := curve(t, HigherBetter, Point{1, 0.5}, Point{2, 0.7}, Point{4, 0.8})
	for name, k := range map[string]struct {
		points    []Point
		tolerance float64
		opts      []DominanceOption
		want      bool
	}{
		"better everywhere":       {[]Point{{1, 0.6}, {2, 0.8}, {4, 0.9}}, 0, nil, true},
		"better once":             {[]Point{{1, 0.5}, {2, 0.7}, {4, 0.81}}, 0, nil, true},
		"the same":                {base.points, 0, nil, false},
		"worse once":              {[]Point{{1, 0.6}, {2, 0.69}, {4, 0.9}}, 0, nil, false},
		"within the tolerance":    {[]Point{{1, 0.6}, {2, 0.69}, {4, 0.9}}, 0.02, nil, true},
		"never better, tolerated": {[]Point{{1, 0.49}, {2, 0.69}, {4, 0.79}}, 0.02, nil, false},
		"the best so far counts":  {[]Point{{1, 0.75}, {2, 0.1}, {4, 0.9}}, 0, nil, true},
		"common costs only":       {[]Point{{2, 0.75}, {3, 0.9}}, 0, nil, true},
		"late by evaluation":      {[]Point{{1, 0.55}, {2.5, 0.8}, {4, 0.9}}, 0, nil, false},
		"not late in between": {[]Point{{1, 0.55}, {2.5, 0.8}, {4, 0.9}}, 0,
			[]DominanceOption{WithInterpolation(Linear)}, true},
		"nor by logarithm of cost": {[]Point{{1, 0.55}, {2.5, 0.8}, {4, 0.9}}, 0,
			[]DominanceOption{WithInterpolation(LogCost)}, true},
	} {
		got, err := Dominates(base, curve(t, HigherBetter, k.points...), k.tolerance, k.opts...)
		require.NoError(t, err, name)
		require.Equal(t, k.want, got, name)
		got, err = Dominates(mirrored(base), mirrored(curve(t, HigherBetter, k.points...)), k.tolerance, k.opts...)
		require.NoError(t, err, name)
		require.Equal(t, k.want, got, "%s, lower is better", name)
	}
}

// By definition: at every one of many costs, and never both ways.
func TestDominatesByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	found := 0
	for range 2000 {
		a, b := randomCurve(rng, LowerBetter), randomCurve(rng, LowerBetter)
		first, last := commonCosts(Runs{Curves: []Curve{a}}, Runs{Curves: []Curve{b}})
		if first > last {
			continue
		}
		for _, how := range []Interpolation{FirstHit, Linear, LogCost} {
			got, err := Dominates(a, b, 0, WithInterpolation(how))
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
			back, err := Dominates(b, a, 0, WithInterpolation(how))
			require.NoError(t, err)
			require.False(t, back)
		}
	}
	require.Greater(t, found, 100)
}

func TestDominatesRefuses(t *testing.T) {
	a, b := curve(t, HigherBetter, Point{1, 1}, Point{2, 2}), curve(t, HigherBetter, Point{3, 1}, Point{4, 2})
	for name, k := range map[string]struct {
		a, b      Curve
		tolerance float64
		opts      []DominanceOption
		want      error
	}{
		"empty": {a, Curve{}, 0, nil, tensor.ErrEmpty}, "apart": {a, b, 0, nil, ErrNoOverlap}, "directions": {a, mirrored(a),
			0, nil, tensor.ErrShape},
		"negative": {a, a, -1, nil, tensor.ErrRange}, "NaN": {a, a, math.NaN(), nil, tensor.ErrRange},
		"infinite": {a, a, math.Inf(1), nil, tensor.ErrRange},
	} {
		got, err := Dominates(k.a, k.b, k.tolerance, k.opts...)
		require.ErrorIs(t, err, k.want, name)
		require.False(t, got, name)
	}
}
