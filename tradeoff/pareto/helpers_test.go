package pareto

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tradeoff"
)

var nan, inf = math.NaN(), math.Inf(1)

func curve(tb testing.TB, dir tradeoff.Direction, points ...tradeoff.Point) tradeoff.Curve {
	tb.Helper()
	var cost, quality []float64
	for _, p := range points {
		cost, quality = append(cost, p.Cost), append(quality, p.Quality)
	}
	c, err := tradeoff.NewCurve(cost, quality, dir)
	require.NoError(tb, err)
	return c
}

func randomCurve(rng *rand.Rand, dir tradeoff.Direction) tradeoff.Curve {
	n := 1 + rng.IntN(12)
	cost, quality := make([]float64, n), make([]float64, n)
	for i := range cost {
		cost[i], quality[i] = float64(1+rng.IntN(16)), float64(rng.IntN(9))/8
	}
	c, err := tradeoff.NewCurve(cost, quality, dir)
	if err != nil {
		panic(err)
	}
	return c
}

func mirrored(c tradeoff.Curve) tradeoff.Curve {
	var cost, quality []float64
	for _, p := range c.Points() {
		cost, quality = append(cost, p.Cost), append(quality, -p.Quality)
	}
	m, err := tradeoff.NewCurve(cost, quality, tradeoff.LowerBetter-c.Direction())
	if err != nil {
		panic(err)
	}
	return m
}
