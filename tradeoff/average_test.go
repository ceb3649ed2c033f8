package tradeoff

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// rising is n runs whose quality rises with the logarithm of the cost, with noise of their own.
func rising(tb testing.TB, name string, seed uint64, n int, faster, better float64, dir Direction) Runs {
	tb.Helper()
	r := Runs{Name: name}
	for run := range n {
		rng := tensor.Stream(seed, uint64(run))
		scale := math.Exp(rng.NormFloat64() / 10)
		var cost, quality []float64
		for i := range 12 {
			c := 10 * math.Pow(1.5, float64(i))
			cost = append(cost, c*scale/faster)
			quality = append(quality, dir.Sign()*(math.Log(c)+better))
		}
		c, err := NewCurve(cost, quality, dir)
		require.NoError(tb, err)
		r.Curves = append(r.Curves, c)
	}
	return r
}

// Where quality is linear in log cost, a factor of cost and a sum of quality are the same thing, at every quality and
// cost.
func TestAveragesOfStraightLines(t *testing.T) {
	for _, dir := range []Direction{HigherBetter, LowerBetter} {
		base := rising(t, "base", 1, 4, 1, 0, dir)
		for _, k := range []struct{ faster, better float64 }{{1, 0}, {2, 0}, {0.5, 0}, {1, math.Log(2)}, {2, math.Log(2)}} {
			method := rising(t, "method", 1, 4, k.faster, k.better, dir)
			want := k.faster * math.Exp(k.better)
			for _, opts := range [][]AverageOption{nil, {WithPCHIP()}} {
				e, err := AverageSpeedup(base, method, opts...)
				require.NoError(t, err)
				require.InDelta(t, want, e.Value, 1e-9, "%v %v", k, dir)
				require.Equal(t, stats.LogT, e.Interval)
				require.True(t, e.Lo <= e.Value && e.Value <= e.Hi)
			}
			e, err := AverageGain(base, method)
			require.NoError(t, err)
			require.InDelta(t, math.Log(want), e.Value, 1e-9, "%v %v", k, dir)
			require.Equal(t, stats.TInterval, e.Interval)
			e, err = Gain(base, method, AtCost(100), WithInterpolation(LogCost))
			require.NoError(t, err)
			require.InDelta(t, math.Log(want), e.Value, 1e-9, "%v %v", k, dir)
		}
	}
}

// Units of cost and of quality do not matter, nor which of the two comes first.
func TestAverageInvariances(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	random := func() Runs {
		var r Runs
		for range 3 {
			var cost, quality []float64
			for i := range 10 {
				cost, quality = append(cost, float64(i+1)*(1+rng.Float64())), append(quality, float64(i)/10+rng.Float64()/3)
			}
			r.Curves = append(r.Curves, curve(t, HigherBetter, func() (p []Point) {
				for i := range cost {
					p = append(p, Point{cost[i], quality[i]})
				}
				return p
			}()...))
		}
		return r
	}
	scaled := func(r Runs, cost, quality float64) Runs {
		var s Runs
		for _, c := range r.Curves {
			var p []Point
			for _, v := range c.Points() {
				p = append(p, Point{v.Cost * cost, v.Quality * quality})
			}
			s.Curves = append(s.Curves, curve(t, HigherBetter, p...))
		}
		return s
	}
	for range 20 {
		base, method := random(), random()
		for _, opts := range [][]AverageOption{nil, {WithPCHIP()}} {
			e, err := AverageSpeedup(base, method, opts...)
			require.NoError(t, err)
			back, err := AverageSpeedup(method, base, opts...)
			require.NoError(t, err)
			require.InDelta(t, 1, e.Value*back.Value, 1e-9)
			require.InDelta(t, 1, e.Lo*back.Hi, 1e-9)
			percent, err := AverageSpeedup(scaled(base, 3600, 100), scaled(method, 3600, 100), opts...)
			require.NoError(t, err)
			require.InDelta(t, e.Value, percent.Value, 1e-9)
			twice, err := AverageSpeedup(base, scaled(method, 0.5, 1), opts...)
			require.NoError(t, err)
			require.InDelta(t, 2*e.Value, twice.Value, 1e-9)
		}
		g, err := AverageGain(base, method)
		require.NoError(t, err)
		back, err := AverageGain(method, base)
		require.NoError(t, err)
		require.InDelta(t, 0, g.Value+back.Value, 1e-12)
		percent, err := AverageGain(scaled(base, 3600, 100), scaled(method, 3600, 100))
		require.NoError(t, err)
		require.InDelta(t, 100*g.Value, percent.Value, 1e-9)
	}
}

// One target flatters a method that is slower everywhere else.
func TestAverageSpeedupIsNotOneTarget(t *testing.T) {
	base := oneRun(t, "base", []float64{10, 20, 40, 80}, []float64{0.5, 0.7, 0.8, 0.82}, HigherBetter)
	method := oneRun(t, "method", []float64{15, 30, 60, 80}, []float64{0.5, 0.7, 0.82, 0.85}, HigherBetter)
	at, err := Speedup(base, method)
	require.NoError(t, err)
	require.Greater(t, at.Value, 1.3)
	average, err := AverageSpeedup(base, method)
	require.NoError(t, err)
	require.Less(t, average.Value, 0.8)
}

// Two points make a straight line, cubics or not, and three the line of the two that improve.
func TestAverageSpeedupOfTwoPoints(t *testing.T) {
	base := oneRun(t, "base", []float64{2, 8}, []float64{0.1, 0.3}, HigherBetter)
	method := oneRun(t, "method", []float64{1, 2, 4}, []float64{0.1, 0.05, 0.3}, HigherBetter)
	for _, opts := range [][]AverageOption{nil, {WithPCHIP()}} {
		e, err := AverageSpeedup(base, method, opts...)
		require.NoError(t, err)
		require.InDelta(t, 2, e.Value, 1e-12)
		require.ErrorIs(t, e.Warnings[0], ErrTooFewRuns)
	}
}

func TestAverageRefuses(t *testing.T) {
	low := oneRun(t, "low", []float64{1, 2}, []float64{0.1, 0.2}, HigherBetter)
	high := oneRun(t, "high", []float64{3, 4}, []float64{0.3, 0.4}, HigherBetter)
	point := oneRun(t, "point", []float64{1.5}, []float64{0.15}, HigherBetter)
	down := oneRun(t, "down", []float64{1, 2}, []float64{0.1, 0.2}, LowerBetter)
	speedup := func(a, b Runs, opts ...AverageOption) error { return second(AverageSpeedup(a, b, opts...)) }
	average := func(a, b Runs, opts ...stats.Option) error { return second(AverageGain(a, b, opts...)) }
	gain := func(cost float64) error { return second(Gain(low, low, AtCost(cost))) }
	for name, k := range map[string]struct{ err, want error }{
		"speedup apart":       {speedup(low, high), ErrNoOverlap},
		"speedup of a point":  {speedup(low, point), ErrNoOverlap},
		"speedup directions":  {speedup(low, down), tensor.ErrShape},
		"speedup empty":       {speedup(low, Runs{}), tensor.ErrEmpty},
		"speedup t":           {speedup(low, low, WithInterval(stats.WithInterval(stats.TInterval))), tensor.ErrConflict},
		"speedup nil":         {speedup(low, low, nil), tensor.ErrEmpty},
		"gain apart":          {average(low, high), ErrNoOverlap},
		"gain of a point":     {average(low, point), ErrNoOverlap},
		"gain empty":          {average(Runs{}, low), tensor.ErrEmpty},
		"gain log-t":          {average(low, low, stats.WithInterval(stats.LogT)), tensor.ErrConflict},
		"gain beyond":         {gain(3), ErrNoOverlap},
		"gain before":         {gain(0.5), ErrNoOverlap},
		"gain at nothing":     {gain(0), tensor.ErrRange},
		"gain at infinity":    {gain(math.Inf(1)), tensor.ErrRange},
		"gain at NaN":         {gain(math.NaN()), tensor.ErrRange},
		"gain without common": {second(Gain(low, high)), ErrNoOverlap},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
}

func TestGainReadsTheBestSoFar(t *testing.T) {
	base := oneRun(t, "base", []float64{1, 2, 3}, []float64{0.5, 0.9, 0.4}, HigherBetter)
	method := oneRun(t, "method", []float64{1, 2, 4}, []float64{0.5, 0.6, 0.95}, HigherBetter)
	e, err := Gain(base, method)
	require.NoError(t, err)
	require.InDelta(t, 0.6-0.9, e.Value, 1e-15, "at cost 3, the last in common")
	loss := oneRun(t, "loss", []float64{1, 2}, []float64{3, 2}, LowerBetter)
	better := oneRun(t, "better", []float64{1, 2}, []float64{3, 1.5}, LowerBetter)
	e, err = Gain(loss, better)
	require.NoError(t, err)
	require.InDelta(t, 0.5, e.Value, 1e-15, "a lower loss is a gain above 0")
}

func BenchmarkAverageSpeedup(b *testing.B) {
	base, method := rising(b, "base", 1, 10, 1, 0, HigherBetter), rising(b, "method", 2, 10, 1.3, 0, HigherBetter)
	for name, opts := range map[string][]AverageOption{"linear": nil, "pchip": {WithPCHIP()}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := AverageSpeedup(base, method, opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
