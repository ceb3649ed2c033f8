package maddness

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// forecastOf is the forecast of a fit to a layer.
func forecastOf(t *testing.T, rows, columns, outputs, codebooks int) *forecast {
	a, b := layer(rows, columns, outputs)
	y, err := product(a, b)
	require.NoError(t, err)
	o, err := configure("test", []Option{WithCodebooks(codebooks)})
	require.NoError(t, err)
	l := newLearner(o, problem{a: a, b: b, meter: &meter{ctx: background}})
	l.setTargets(y)
	return newForecast(l)
}

// A column more or less is predicted as the groups with it or without it are, and what all bits explain together is at
// least what one tree's explain of all, and at most the variance of the product.
func TestForecastOfAMove(t *testing.T) {
	f := forecastOf(t, 300, 12, 3, 3)
	f = f.from(contiguous(12, 3))
	for j := range 12 {
		from := f.of[j]
		for k := range 3 {
			if k == from {
				continue
			}
			less, fewer := f.predict(from, -1, j)
			more, others := f.predict(k, j, -1)
			f.move(j, k)
			gotLess, gotFewer := f.predict(from, -1, -1)
			gotMore, gotOthers := f.predict(k, -1, -1)
			f.move(j, from)
			require.InEpsilon(t, gotLess, less, 1e-9)
			require.InEpsilon(t, gotMore, more, 1e-9)
			require.Equal(t, gotFewer.column, fewer.column)
			require.Equal(t, gotOthers.column, others.column)
		}
	}
	variance := 0.0
	for j := range 12 {
		variance += tensor.Dot(f.b.Row(j), f.product.Row(j))
	}
	trees := make([]observed, 3)
	for k := range trees {
		_, trees[k] = f.predict(k, -1, -1)
	}
	all := f.explained(trees)
	require.Less(t, all, variance)
	for k := range trees {
		require.Greater(t, all, f.explained(trees[k:k+1]))
	}
}

// A tree over everything there is leaves what its bits do not explain.
func TestForecastOfOneTree(t *testing.T) {
	f := forecastOf(t, 300, 9, 2, 1).from(contiguous(9, 1))
	variance := 0.0
	for j := range 9 {
		variance += tensor.Dot(f.b.Row(j), f.product.Row(j))
	}
	loss, bits := f.predict(0, -1, -1)
	require.InEpsilon(t, variance-loss, f.explained([]observed{bits}), 1e-9)
}

// Moves lower what the groups leave, and raise what they explain together.
func TestForecastImproves(t *testing.T) {
	f := forecastOf(t, 400, 24, 4, 6).from(contiguous(24, 6))
	before := tensor.Sum(f.loss)
	f.apart(6)
	require.Less(t, tensor.Sum(f.loss), 0.98*before)
	explained := func() float64 {
		trees := make([]observed, 6)
		for k := range trees {
			_, trees[k] = f.predict(k, -1, -1)
		}
		return f.explained(trees)
	}
	apart := explained()
	f.together(3)
	require.Greater(t, explained(), apart)
	requireGroups(t, f, 24)
}

// Whatever columns contribute, each codebook has one, none has two, and those that contribute have all been given.
func TestForecastGroups(t *testing.T) {
	for _, idle := range []int{0, 5, 9, 10} {
		a, b := layer(200, 10, 20)
		for j := range idle {
			clear(b.Row(j))
		}
		y, err := product(a, b)
		require.NoError(t, err)
		o, err := configure("test", []Option{WithCodebooks(7)})
		require.NoError(t, err)
		l := newLearner(o, problem{a: a, b: b, meter: &meter{ctx: background}})
		l.setTargets(y)
		f := newForecast(l)
		require.Len(t, f.order, 10-idle)
		for _, start := range [][][]int{contiguous(10, 7), f.balanced(7, 0), f.balanced(7, 0.5)} {
			g := f.from(start)
			requireGroups(t, g, max(7, 10-idle))
			g.apart(6)
			g.together(3)
			requireGroups(t, g, max(7, 10-idle))
		}
		_, err = Fit(background, a, b, WithCodebooks(7))
		require.NoError(t, err)
	}
}

func requireGroups(t *testing.T, f *forecast, columns int) {
	t.Helper()
	all := slices.Concat(f.groups...)
	require.Len(t, all, columns)
	slices.Sort(all)
	require.Len(t, slices.Compact(all), columns, "a column is in two groups")
	for k, g := range f.groups {
		require.NotEmpty(t, g, "group %d", k)
	}
}
