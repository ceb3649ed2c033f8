package pareto

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// fault is an error with what it must say and be.
type fault struct {
	err  error
	says string
	is   error
}

func requireFaults(t *testing.T, faults map[string]fault) {
	t.Helper()
	for name, k := range faults {
		require.ErrorContains(t, k.err, k.says, name)
		require.ErrorIs(t, k.err, k.is, name)
		require.ErrorContains(t, k.err, "pareto: ", name)
	}
}

func second[T any](_ T, err error) error { return err }

func TestParetoRefuses(t *testing.T) {
	points, two := [][]float64{{1, 2}, {2, 1}}, []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter}
	ragged, undefined := [][]float64{{1, 2}, {3}}, [][]float64{{1, 2}, {1, nan}}
	ref := []float64{3, 0}
	method := func(cost, quality []float64) []Measured { return []Measured{{Name: "m", Cost: cost, Quality: quality}} }
	one := []float64{1}
	requireFaults(t, map[string]fault{
		"Frontier directions": {second(Frontier(points, nil)), "no directions", tensor.ErrEmpty},
		"Frontier direction": {second(Frontier(points, []tradeoff.Direction{tradeoff.LowerBetter, 7})),
			"directions[1] = 7", tensor.ErrRange},
		"Frontier ragged": {second(Frontier(ragged, two)), "points[1] has 1 values for 2 directions", tensor.ErrShape},
		"Frontier NaN":    {second(Frontier(undefined, two)), "points[1][1] = NaN", tensor.ErrNotFinite},
		"Frontier nil":    {second(Frontier(points, two, nil)), "option 0 is nil", tensor.ErrEmpty},
		"Ranks":           {second(Ranks(ragged, two)), "Ranks: points[1]", tensor.ErrShape},
		"Hypervolume ref": {second(Hypervolume(points, one, two)), "ref has 1 values for 2 directions",
			tensor.ErrShape},
		"Hypervolume infinite": {second(Hypervolume(points, []float64{inf, 0}, two)), "ref[0] = +Inf",
			tensor.ErrNotFinite},
		"Hypervolume points": {second(Hypervolume(undefined, ref, two)), "points[1][1] = NaN", tensor.ErrNotFinite},
		"Contributions":      {second(Contributions(ragged, ref, two)), "Contributions: points[1]", tensor.ErrShape},
		"Contributions ref":  {second(Contributions(points, nil, two)), "ref has 0 values", tensor.ErrShape},
		"AdditiveEpsilon": {second(AdditiveEpsilon(nil, points, two)), "0 points and 2 of reference",
			tensor.ErrEmpty},
		"AdditiveEpsilon ref": {second(AdditiveEpsilon(points, ragged, two)), "reference[1]", tensor.ErrShape},
		"MultiplicativeEpsilon": {second(MultiplicativeEpsilon(points, [][]float64{{1, 0}}, two)), "reference[0][1] = 0",
			tradeoff.ErrNonPositive},
		"MultiplicativeEpsilon NaN": {second(MultiplicativeEpsilon(undefined, points, two)), "points[1][1] = NaN",
			tensor.ErrNotFinite},
		"IGDPlus":       {second(IGDPlus(points, nil, two)), "2 points and 0 of reference", tensor.ErrEmpty},
		"Verdicts none": {second(Verdicts(nil, tradeoff.HigherBetter)), "no methods", tensor.ErrEmpty},
		"Verdicts shape": {second(Verdicts(method(one, nil), tradeoff.HigherBetter)),
			`"m" has 1 costs and 0 qualities`, tensor.ErrShape},
		"Verdicts empty": {second(Verdicts(method(nil, nil), tradeoff.HigherBetter)), `the cost of "m"`,
			tensor.ErrEmpty},
		"Verdicts NaN": {second(Verdicts(method(one, []float64{nan}), tradeoff.HigherBetter)),
			`the quality of "m"[0] = NaN`, tensor.ErrNotFinite},
		"Verdicts direction": {second(Verdicts(method(one, one), tradeoff.Direction(2))), "direction(2)", tensor.ErrRange},
		"Verdicts level": {second(Verdicts(method(one, one), tradeoff.HigherBetter, WithLevel(1))), "WithLevel(1)",
			tensor.ErrRange},
	})
	empty, err := Frontier(nil, two)
	require.NoError(t, err)
	require.Empty(t, empty)
	v, err := Hypervolume(nil, ref, two)
	require.NoError(t, err)
	require.Zero(t, v)
}
