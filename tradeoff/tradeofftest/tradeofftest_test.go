package tradeofftest_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/score"
	"github.com/espalier-ml/espalier/tradeoff/tradeofftest"
)

func TestSyntheticSpeedupIsKnown(t *testing.T) {
	for _, dir := range []tradeoff.Direction{tradeoff.HigherBetter, tradeoff.LowerBetter} {
		for _, speedup := range []float64{0.5, 1, 1.7} {
			base, method := tradeofftest.Synthetic{Speedup: speedup, N: 3, Direction: dir}.Curves(t)
			e, err := tradeoff.Speedup(base, method)
			require.NoError(t, err)
			require.InDelta(t, speedup, e.Value, 1e-12, "at the best quality")
			for _, how := range []tradeoff.Interpolation{tradeoff.FirstHit, tradeoff.Linear, tradeoff.LogCost} {
				e, err = tradeoff.Speedup(base, method, tradeoff.AtQuality(0.5), tradeoff.WithInterpolation(how))
				require.NoError(t, err)
				require.InDelta(t, speedup, e.Value, 1e-12, "%v", how)
			}
			for _, opts := range [][]tradeoff.AverageOption{nil, {tradeoff.WithPCHIP()}} {
				e, err = tradeoff.AverageSpeedup(base, method, opts...)
				require.NoError(t, err)
				require.InDelta(t, speedup, e.Value, 1e-12, "on average")
			}
		}
	}
	base, _ := tradeofftest.Synthetic{Speedup: 1, N: 2000, Noise: 0.3, Seed: 5}.Curves(t)
	var logs []float64
	for _, time := range base.Times(0.7, tradeoff.Linear) {
		logs = append(logs, math.Log(time.Time))
	}
	mean, squares := 0.0, 0.0
	for _, v := range logs {
		mean += v / 2000
	}
	for _, v := range logs {
		squares += (v - mean) * (v - mean) / 1999
	}
	require.InDelta(t, 0.3, math.Sqrt(squares), 0.02)
	again, _ := tradeofftest.Synthetic{Speedup: 1, N: 2000, Noise: 0.3, Seed: 5}.Curves(t)
	require.Equal(t, base, again)
}

func TestSyntheticRefuses(t *testing.T) {
	for _, s := range []tradeofftest.Synthetic{
		{Speedup: 1}, {N: 3}, {Speedup: -1, N: 3}, {Speedup: math.NaN(), N: 3}, {Speedup: math.Inf(1), N: 3},
		{Speedup: 1, N: 3, Noise: -1}, {Speedup: 1, N: 3, Noise: math.NaN()}, {Speedup: 1, N: 3, Noise: math.Inf(1)},
		{Speedup: 1, N: 3, Direction: 7},
	} {
		require.NotEmpty(t, recorder.Failures(t, func(tb testing.TB) { s.Curves(tb) }), "%+v", s)
	}
}

// skipper is a test that notes that it was skipped.
type skipper struct {
	testing.TB
	skipped string
}

func (s *skipper) Skipf(format string, args ...any) { s.skipped = fmt.Sprintf(format, args...) }

func TestRequireFaster(t *testing.T) {
	base, method := tradeofftest.Synthetic{Speedup: 1.5, N: 5, Noise: 0.02, Seed: 1}.Curves(t)
	tradeofftest.RequireFaster(t, base, method, 1.3)
	tradeofftest.RequireFaster(t, base, method, 1.3, tradeoff.AtQuality(0.8), tradeoff.WithInterpolation(tradeoff.Linear))

	few, fewer := tradeoff.Runs{Name: "base", Curves: base.Curves[:2]}, tradeoff.Runs{Name: "method",
		Curves: method.Curves[:2]}
	noisy, noisyToo := tradeofftest.Synthetic{Speedup: 1.5, N: 3, Noise: 0.2, Seed: 2}.Curves(t)
	for name, k := range map[string]struct {
		base, method tradeoff.Runs
		minSpeedup   float64
		opts         []tradeoff.SpeedupOption
		want         string
	}{
		"slower":      {method, base, 1, nil, "more runs will not help"},
		"not so fast": {base, method, 1.7, nil, "more runs will not help"},
		"not certain": {noisy, noisyToo, 1.2, nil, "run more seeds"},
		"few":         {few, fewer, 1.1, nil, "2 runs of an arm"},
		"not reached": {base, method, 1.1, []tradeoff.SpeedupOption{tradeoff.AtQuality(0.99)}, "did not reach"},
		"no runs":     {tradeoff.Runs{}, method, 1.1, nil, "0 runs"},
		"minSpeedup":  {base, method, math.NaN(), nil, "minSpeedup is NaN"},
		"option":      {base, method, 1.1, []tradeoff.SpeedupOption{tradeoff.WithInterval(stats.WithLevel(2))}, "WithLevel"},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
			tradeofftest.RequireFaster(tb, k.base, k.method,
				k.minSpeedup, k.opts...)
		}), k.want, name)
	}
}

func TestRequireNoSlowdown(t *testing.T) {
	base, same := tradeofftest.Synthetic{Speedup: 1, N: 5, Noise: 0.02, Seed: 1}.Curves(t)
	tradeofftest.RequireNoSlowdown(t, base, same, 0.1)
	_, slow := tradeofftest.Synthetic{Speedup: 0.8, N: 5, Noise: 0.02, Seed: 1}.Curves(t)
	noisy, noisyToo := tradeofftest.Synthetic{Speedup: 1, N: 3, Noise: 0.3, Seed: 2}.Curves(t)
	for name, k := range map[string]struct {
		base, method tradeoff.Runs
		tolerance    float64
		opts         []tradeoff.SpeedupOption
		want         string
	}{
		"slower":      {base, slow, 0.1, nil, "may take more than 1.1 times as long"},
		"not certain": {noisy, noisyToo, 0.1, nil, "may take more"},
		"tolerance":   {base, same, 0, nil, "tolerance is 0"},
		"not reached": {base, same, 0.1, []tradeoff.SpeedupOption{tradeoff.AtQuality(0.99)}, "did not reach"},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
			tradeofftest.RequireNoSlowdown(tb, k.base, k.method,
				k.tolerance, k.opts...)
		}), k.want, name)
	}
	s := &skipper{TB: t}
	tradeofftest.RequireNoSlowdown(s, tradeoff.Runs{Curves: base.Curves[:2]}, same, 0.1)
	require.Contains(t, s.skipped, "2 runs of an arm")
}

// The requirement passes a method that is just at the bound as rarely as the level says.
func TestRequireFasterErrsAtItsLevel(t *testing.T) {
	const trials = 2000
	passed := 0
	for seed := range uint64(trials) {
		base, method := tradeofftest.Synthetic{Speedup: 1.2, N: 4, Noise: 0.1, Seed: seed}.Curves(t)
		if recorder.Failures(t, func(tb testing.TB) { tradeofftest.RequireFaster(tb, base, method, 1.2) }) == "" {
			passed++
		}
	}
	require.Less(t, passed, trials*35/1000, "2.5 %% expected")
	require.Greater(t, passed, trials*10/1000)
}

func TestOurStatistics(t *testing.T) {
	scores := func(x []float64) score.Scores {
		s, err := score.NewScores([]string{"task"}, [][]float64{x})
		require.NoError(t, err)
		return s
	}
	for name, f := range map[string]func([]float64) float64{
		"mean":     func(x []float64) float64 { return scores(x).Mean() },
		"median":   func(x []float64) float64 { return scores(x).Median() },
		"IQM":      func(x []float64) float64 { return scores(x).IQM() },
		"quantile": func(x []float64) float64 { q, err := stats.Quantiles(x, 0.3); require.NoError(t, err); return q[0] },
		"geometric mean": func(x []float64) float64 {
			e, err := stats.GeoMean(x)
			require.NoError(t, err)
			return e.Value
		},
	} {
		t.Run(name, func(t *testing.T) { tradeofftest.CheckStatistic(t, f) })
	}
	tradeofftest.CheckStatistic(t, func(x []float64) float64 { return scores(x).OptimalityGap(1) }, tradeofftest.Scale,
		tradeofftest.Monotone)
}

func TestCheckStatisticFinds(t *testing.T) {
	mean := func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return sum / float64(len(x))
	}
	calls := 0
	for want, f := range map[string]func([]float64) float64{
		"in another order":         func(x []float64) float64 { return x[0] },
		"of 8 times these scores":  func(x []float64) float64 { return mean(x) * mean(x) },
		"it is less":               func(x []float64) float64 { return slices.Max(x) - slices.Min(x) },
		"changed its scores":       func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] },
		"called again":             func(x []float64) float64 { calls++; return mean(x) + float64(calls)*1e-13 },
		"needs a finite number":    func(x []float64) float64 { return mean(x) / float64(len(x)-1) },
		"give randomness a fixed ": func(x []float64) float64 { calls++; return mean(x) * float64(calls) },
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { tradeofftest.CheckStatistic(tb, f) }), want)
	}
	spread := func(x []float64) float64 { return slices.Max(x) - slices.Min(x) }
	require.Empty(t, recorder.Failures(t, func(tb testing.TB) {
		tradeofftest.CheckStatistic(tb, spread,
			tradeofftest.Monotone)
	}))
}

func TestClock(t *testing.T) {
	var c tradeofftest.Clock
	start := c.Now()
	require.Zero(t, c.Seconds())
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { c.Advance(150 * time.Millisecond) })
	}
	wg.Wait()
	require.Equal(t, 1.5, c.Seconds())
	require.Equal(t, 1500*time.Millisecond, c.Now().Sub(start))
}

func BenchmarkSynthetic(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tradeofftest.Synthetic{Speedup: 1.5, N: 10, Noise: 0.1}.Curves(b)
	}
}
