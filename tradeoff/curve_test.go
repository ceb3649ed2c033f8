package tradeoff

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func curve(tb testing.TB, dir Direction, points ...Point) Curve {
	tb.Helper()
	var cost, quality []float64
	for _, p := range points {
		cost, quality = append(cost, p.Cost), append(quality, p.Quality)
	}
	c, err := NewCurve(cost, quality, dir)
	require.NoError(tb, err)
	return c
}

func TestNewCurve(t *testing.T) {
	c, err := NewCurve([]float64{3, 1, 2, 2, 4, 2}, []float64{0.3, 0.1, 0.15, 0.2, math.NaN(), 0.1}, HigherBetter)
	require.NoError(t, err)
	require.Equal(t, []Point{{1, 0.1}, {2, 0.2}, {3, 0.3}}, c.Points(), "sorted; the best of equal costs; NaN skipped")
	c, err = NewCurve([]float64{2, 2, 1}, []float64{5, 4, math.NaN()}, LowerBetter)
	require.NoError(t, err)
	require.Equal(t, []Point{{2, 4}}, c.Points())
	require.Equal(t, LowerBetter, c.Direction())
}

func TestNewCurveRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, k := range map[string]struct {
		cost, quality []float64
		dir           Direction
		want          error
		says          string
	}{
		"empty":         {nil, nil, 0, tensor.ErrEmpty, "no evaluations"},
		"lengths":       {[]float64{1, 2}, []float64{1}, 0, tensor.ErrShape, "2 costs and 1 qualities"},
		"NaN cost":      {[]float64{1, nan}, []float64{1, 2}, 0, tensor.ErrNotFinite, "cost[1]"},
		"infinite cost": {[]float64{inf}, []float64{1}, 0, tensor.ErrNotFinite, "cost[0]"},
		"zero cost":     {[]float64{1, 0}, []float64{1, 2}, 0, ErrNonPositive, "cost[1] = 0"},
		"negative cost": {[]float64{-1}, []float64{1}, 0, tensor.ErrRange, "cost[0] = -1"},
		"direction":     {[]float64{1}, []float64{1}, 2, tensor.ErrRange, "direction(2)"},
	} {
		c, err := NewCurve(k.cost, k.quality, k.dir)
		require.ErrorIs(t, err, k.want, name)
		require.ErrorContains(t, err, k.says, name)
		require.Zero(t, c.Len(), name)
	}
}

func TestCurveIsImmutable(t *testing.T) {
	cost, quality := []float64{1, 2}, []float64{3, 4}
	c, err := NewCurve(cost, quality, HigherBetter)
	require.NoError(t, err)
	want := []Point{{1, 3}, {2, 4}}
	cost[0], quality[0] = 7, 7
	c.Points()[0] = Point{8, 8}
	c.Envelope().points[0] = Point{9, 9}
	require.Equal(t, want, c.Points())
}

func TestEmptyCurve(t *testing.T) {
	var c Curve
	require.Zero(t, c.Len())
	require.Zero(t, c.Best())
	require.Empty(t, c.Envelope().Points())
	cost, reached := c.TimeToQuality(1, Linear)
	require.False(t, reached)
	require.Equal(t, math.Inf(1), cost)
	_, ok := c.QualityAt(1, Linear)
	require.False(t, ok)
	_, err := c.AUC(1, 2, LinearAxis)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

// randomCurve has qualities in eighths, ties among them.
func randomCurve(rng *rand.Rand, dir Direction) Curve {
	n := 1 + rng.IntN(12)
	cost, quality := make([]float64, n), make([]float64, n)
	for i := range cost {
		cost[i], quality[i] = float64(1+rng.IntN(16)), float64(rng.IntN(9))/8
	}
	c, err := NewCurve(cost, quality, dir)
	if err != nil {
		panic(err)
	}
	return c
}

func mirrored(c Curve) Curve {
	m := c
	m.points, m.direction = slices.Clone(c.points), LowerBetter-c.direction
	for i := range m.points {
		m.points[i].Quality *= -1
	}
	return m
}

func TestReadingsByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		c := randomCurve(rng, HigherBetter)
		e, m := c.Envelope(), mirrored(c)
		best := math.Inf(-1)
		for i, p := range c.points {
			best = max(best, p.Quality)
			require.Equal(t, Point{p.Cost, best}, e.points[i])
		}
		require.Equal(t, best, c.Best().Quality)
		for target := -1; target <= 10; target++ {
			q := float64(target)/8 + 0.01
			first := math.Inf(1)
			for _, p := range slices.Backward(c.points) {
				if p.Quality >= q {
					first = p.Cost
				}
			}
			hit, reached := c.TimeToQuality(q, FirstHit)
			require.Equal(t, first, hit)
			require.Equal(t, q <= best, reached)
			for _, how := range []Interpolation{FirstHit, Linear, LogCost} {
				cost, reached := c.TimeToQuality(q, how)
				require.Equal(t, q <= best, reached)
				require.LessOrEqual(t, cost, hit, "interpolated times are no later")
				back, reached := m.TimeToQuality(-q, how)
				require.Equal(t, q <= best, reached)
				require.Equal(t, cost, back, "lower is better the other way round")
				if !reached || how == FirstHit || cost == c.points[0].Cost {
					continue
				}
				at, ok := e.QualityAt(cost, how)
				require.True(t, ok)
				require.InDelta(t, q, at, 1e-12, "%v and back", how)
			}
		}
		for _, p := range c.points {
			for _, how := range []Interpolation{FirstHit, Linear, LogCost} {
				q, ok := c.QualityAt(p.Cost, how)
				require.True(t, ok)
				require.Equal(t, p.Quality, q, "points are what was measured")
			}
		}
		first, last := c.points[0].Cost, c.points[c.Len()-1].Cost
		for _, how := range []Interpolation{Linear, LogCost} {
			for _, cost := range []float64{math.Nextafter(first, 0), math.Nextafter(last, 99), math.NaN(), math.Inf(1), -1} {
				q, ok := c.QualityAt(cost, how)
				require.False(t, ok, "%v at %v", how, cost)
				require.True(t, math.IsNaN(q))
			}
		}
	}
}

func TestAUC(t *testing.T) {
	c := curve(t, HigherBetter, Point{1, 0}, Point{3, 1}, Point{9, 0.5})
	for _, k := range []struct {
		lo, hi float64
		axis   Axis
		want   float64
	}{
		{1, 3, LinearAxis, 0.5},
		{1, 9, LinearAxis, (1 + 6) / 8.0}, // the best so far stays 1
		{1, 3, LogAxis, 0.5},
		{1, 9, LogAxis, 0.75},
		{2, 3, LinearAxis, 0.75},
	} {
		got, err := c.AUC(k.lo, k.hi, k.axis)
		require.NoError(t, err)
		require.InDelta(t, k.want, got, 1e-15, "%v to %v", k.lo, k.hi)
	}
	for name, k := range map[string]struct {
		lo, hi float64
		want   error
	}{
		"before": {0.5, 2, ErrNoOverlap}, "after": {2, 10, ErrNoOverlap}, "nothing": {2, 2, tensor.ErrRange},
		"backwards": {3, 2, tensor.ErrRange}, "NaN": {math.NaN(), 2, tensor.ErrRange}, "NaN end": {1, math.NaN(),
			tensor.ErrRange},
	} {
		_, err := c.AUC(k.lo, k.hi, LinearAxis)
		require.ErrorIs(t, err, k.want, name)
	}
}

func TestNewRuns(t *testing.T) {
	up, down := curve(t, HigherBetter, Point{1, 2}), curve(t, LowerBetter, Point{1, 2})
	r, err := NewRuns("up", up, up)
	require.NoError(t, err)
	require.Equal(t, HigherBetter, r.Direction())
	for name, k := range map[string]struct {
		curves []Curve
		want   error
		says   string
	}{
		"none":       {nil, tensor.ErrEmpty, "no curves"},
		"empty":      {[]Curve{up, {}}, tensor.ErrEmpty, "curve 1"},
		"directions": {[]Curve{up, down}, tensor.ErrShape, "curve 1"},
	} {
		_, err := NewRuns("name", k.curves...)
		require.ErrorIs(t, err, k.want, name)
		require.ErrorContains(t, err, k.says, name)
		require.ErrorContains(t, err, `"name"`, name)
	}
}

func TestTimes(t *testing.T) {
	r, err := NewRuns("r", curve(t, HigherBetter, Point{1, 0}, Point{3, 1}), curve(t, HigherBetter, Point{1, 0},
		Point{7, 0.4}))
	require.NoError(t, err)
	require.Equal(t, []stats.Lifetime{{Time: 3, Event: true}, {Time: 7}}, r.Times(0.5, FirstHit),
		"censored at the end of its budget")
	require.Equal(t, []stats.Lifetime{{Time: 2, Event: true}, {Time: 7}}, r.Times(0.5, Linear))
	require.Equal(t, 0.4, r.CommonBest())
}

func BenchmarkTimeToQuality(b *testing.B) {
	var cost, quality []float64
	for i := range 1000 {
		cost, quality = append(cost, float64(1+i)), append(quality, 1-math.Exp(-float64(i)/300)+0.01*math.Sin(float64(i)))
	}
	c, err := NewCurve(cost, quality, HigherBetter)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.TimeToQuality(0.9, LogCost); !ok {
			b.Fatal("not reached")
		}
	}
}
