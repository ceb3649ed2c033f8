package causal

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// cells is labels with n00, n01, n10 and n11 rows of (y, v).
func cells(n ...int) (y, v []int) {
	for at, k := range n {
		for range k {
			y, v = append(y, at/2), append(v, at%2)
		}
	}
	return y, v
}

func fit(t *testing.T, y, v []int, opts ...WeightsOption) *Weights {
	t.Helper()
	w, err := FitWeights(y, v, opts...)
	require.NoError(t, err)
	return w
}

func TestWeightsAreThoseOfTheTarget(t *testing.T) {
	for seed := range uint64(50) {
		rng := tensor.Stream(seed)
		levels := [2]int{2 + rng.IntN(3), 2 + rng.IntN(3)}
		var y, v []int
		for i := range levels[0] {
			for j := range levels[1] {
				for range 1 + rng.IntN(20) {
					y, v = append(y, 3*i), append(v, 7*j+1)
				}
			}
		}
		w := fit(t, y, v)
		u, err := w.Apply(nil, y, v)
		require.NoError(t, err)
		n := float64(len(y))
		assert.InDelta(t, n, tensor.Sum(u), 1e-9, "weights sum to the rows")
		py, pv, pw := map[int]float64{}, map[int]float64{}, map[Cell]float64{}
		for i := range y {
			py[y[i]] += 1 / n
			pv[v[i]] += 1 / n
			pw[Cell{y[i], v[i]}] += u[i] / n
		}
		for c, p := range pw {
			assert.InDelta(t, py[c.Y]*pv[c.V], p, 1e-12, "the weighted labels are independent")
		}
		o := w.Overlap()
		assert.InDelta(t, 0, o.WeightedCramersV, 1e-7)
		assert.InDelta(t, 0, o.WeightedMutualInformation, 1e-12)
		balanced := fit(t, y, v, WithTarget(GroupBalanced()))
		table := map[Cell]float64{}
		for _, c := range o.Cells {
			table[c.Cell] = 1 / float64(len(o.Cells))
		}
		custom := fit(t, y, v, WithTarget(CustomTarget(table)))
		for _, c := range o.Cells {
			a, _ := balanced.At(c.Y, c.V)
			b, _ := custom.At(c.Y, c.V)
			assert.InDelta(t, a, b, 1e-12)
		}
	}
}

func TestIndependentLabelsHaveWeightOne(t *testing.T) {
	w := fit(t, []int{0, 0, 1, 1}, []int{0, 7, 0, 7})
	for _, c := range w.Overlap().Cells {
		assert.Equal(t, 1.0, c.Weight)
	}
	assert.Len(t, w.Overlap().Cells, 4, "codes between the levels are no levels")
}

func TestLabelsAreKeysAndNotSizes(t *testing.T) {
	big := math.MaxInt - 3
	w := fit(t, []int{0, big, 0, big}, []int{big - 1, 0, 0, big - 1})
	u, known := w.At(big, 0)
	assert.True(t, known)
	assert.Equal(t, 1.0, u)
	_, known = w.At(1, 0)
	assert.False(t, known)
}

func TestSmoothingDoesNotHideAMissingCell(t *testing.T) {
	y, v := cells(45, 5, 0, 50)
	_, err := FitWeights(y, v)
	require.ErrorIs(t, err, ErrNoOverlap)
	assert.ErrorContains(t, err, "y=1 v=0")
	w := fit(t, y, v, WithSmoothing(1))
	o := w.Overlap()
	for k, want := range []float64{.5108696, 4.75, 23.5, .5588235} {
		assert.InDelta(t, want, o.Cells[k].Weight, 5e-8*want*2)
	}
	u, err := w.Apply(nil, y, v)
	require.NoError(t, err)
	assert.InDelta(t, 74.68031, tensor.Sum(u), 1e-5)
	assert.Equal(t, []Cell{{1, 0}}, o.Empty)
	assert.InDelta(t, .9045, o.CramersV, 5e-5)
	assert.InDelta(t, .5156, o.WeightedCramersV, 5e-5)
	assert.Contains(t, o.String(), "no row has y=1 v=0")
}

func TestClippingTradesBalanceForSize(t *testing.T) {
	y, v := cells(45, 5, 5, 45)
	plain := fit(t, y, v).Overlap()
	assert.InDelta(t, 36, plain.ESS, 1e-9)
	assert.Zero(t, plain.Clipped)
	w := fit(t, y, v, WithClip(2))
	o := w.Overlap()
	assert.InDelta(t, 72.295, o.ESS, 1e-3)
	assert.Equal(t, 10, o.Clipped)
	same, all := 0.0, 0.0
	for _, c := range o.Cells {
		all += float64(c.Rows) * c.Weight
		if c.Y == c.V {
			same += float64(c.Rows) * c.Weight
		}
	}
	assert.InDelta(t, .7142857, same/all, 1e-7)
	assert.Greater(t, o.WeightedCramersV, 0.3)
	// The quantile is the smallest weight that the share of rows does not exceed.
	for q, most := range map[float64]float64{.95: 5, .9: 5. / 9, .91: 5, 1: 5} {
		assert.InDelta(t, most, fit(t, y, v, WithQuantileClip(q)).Overlap().MaxWeight, 1e-12, q)
	}
	_, err := FitWeights(y, v, WithClip(2), WithQuantileClip(.9))
	assert.ErrorIs(t, err, tensor.ErrConflict)
}

func TestEffectiveSizeCountsBaseWeights(t *testing.T) {
	y, v, base := []int{0, 0, 1, 1}, []int{0, 1, 0, 1}, []float64{1, 1, 2, 4}
	// Weights in the proportions 2 : .5 : .5 : 1.
	target := CustomTarget(map[Cell]float64{{0, 0}: 4. / 15, {0, 1}: 1. / 15, {1, 0}: 2. / 15, {1, 1}: 8. / 15})
	o := fit(t, y, v, WithBase(base), WithTarget(target)).Overlap()
	assert.InDelta(t, 2.6470588, o.ESS, 1e-7)
	assert.InDelta(t, 2.9090909, o.BaseESS, 1e-7)
	assert.Equal(t, 1.0, o.Cells[3].ESS, "one row is one row")
	// Rows without a base weight are not there.
	o = fit(t, append(y, 5), append(v, 9), WithBase(append(base, 0))).Overlap()
	assert.Equal(t, 4, o.Rows)
	assert.Len(t, o.Cells, 4)
}

func TestUnknownLabels(t *testing.T) {
	y, v := []int{0, 0, 1, 1, 0, 1}, []int{0, 1, 0, 1, Unknown, Unknown}
	_, err := FitWeights(y, v)
	require.ErrorIs(t, err, ErrLabelRange)
	assert.ErrorContains(t, err, "v[4] = -1")
	w := fit(t, y, v, WithUnknownRows())
	assert.Equal(t, 2, w.Overlap().Unknown)
	assert.Equal(t, 4, w.Overlap().Rows)
	u, err := w.Apply(nil, y, v)
	require.NoError(t, err)
	assert.Equal(t, []float64{1, 1, 1, 1, 1, 1}, u)
	_, err = FitWeights(y, []int{0, 1, 0, 1, -2, 0}, WithUnknownRows())
	assert.ErrorIs(t, err, ErrLabelRange)
}

func TestWeightsRefuse(t *testing.T) {
	y, v := cells(3, 3, 3, 3)
	for name, c := range map[string]struct {
		y, v []int
		opts []WeightsOption
		want error
	}{
		"lengths":        {y[1:], v, nil, tensor.ErrShape},
		"nothing":        {nil, nil, nil, tensor.ErrEmpty},
		"negative y":     {[]int{-1, 0}, []int{0, 1}, nil, ErrLabelRange},
		"base length":    {y, v, []WeightsOption{WithBase([]float64{1})}, tensor.ErrShape},
		"base NaN":       {[]int{0}, []int{0}, []WeightsOption{WithBase([]float64{math.NaN()})}, tensor.ErrNotFinite},
		"base negative":  {[]int{0}, []int{0}, []WeightsOption{WithBase([]float64{-1})}, tensor.ErrRange},
		"all base 0":     {[]int{0}, []int{0}, []WeightsOption{WithBase([]float64{0})}, tensor.ErrEmpty},
		"smoothing":      {y, v, []WeightsOption{WithSmoothing(-1)}, tensor.ErrRange},
		"clip":           {y, v, []WeightsOption{WithClip(math.NaN())}, tensor.ErrRange},
		"quantile":       {y, v, []WeightsOption{WithQuantileClip(1.5)}, tensor.ErrRange},
		"target sum":     {y, v, []WeightsOption{WithTarget(CustomTarget(map[Cell]float64{{0, 0}: .5}))}, tensor.ErrRange},
		"target unknown": {y, v, []WeightsOption{WithTarget(CustomTarget(map[Cell]float64{{0, 9}: 1}))}, ErrNoOverlap},
		"target negative": {y, v, []WeightsOption{WithTarget(CustomTarget(map[Cell]float64{{0, 0}: -1, {1, 1}: 2}))},
			tensor.ErrRange},
	} {
		_, err := FitWeights(c.y, c.v, c.opts...)
		assert.ErrorIs(t, err, c.want, name)
	}
	w := fit(t, y, v)
	dst := []float64{7, 7}
	_, err := w.Apply(dst, []int{0, 2}, []int{0, 0})
	assert.ErrorIs(t, err, ErrLabelRange)
	assert.Equal(t, []float64{7, 7}, dst, "nothing is half-written")
	_, err = w.Apply(dst, []int{0}, []int{0})
	assert.ErrorIs(t, err, tensor.ErrShape)
	// Only what the target needs has to be there.
	yy, vv := cells(3, 3, 0, 3)
	fit(t, yy, vv, WithTarget(CustomTarget(map[Cell]float64{{0, 0}: .5, {0, 1}: .2, {1, 1}: .3})))
}
