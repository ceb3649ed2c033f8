package tradeoff

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func reachedAt(costs ...float64) []stats.Lifetime {
	times := make([]stats.Lifetime, len(costs))
	for i, c := range costs {
		times[i] = stats.Lifetime{Time: c, Event: true}
	}
	return times
}

func geometric(x ...float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Log(v) / float64(len(x))
	}
	return math.Exp(sum)
}

func TestSpeedupOfMatchedTimes(t *testing.T) {
	base, method := hits(t, "base", 100, 110, 130), hits(t, "method", 80, 70, 75, 60)
	e, err := Speedup(base, method)
	require.NoError(t, err)
	require.InDelta(t, geometric(100, 110, 130)/geometric(80, 70, 75, 60), e.Value, 1e-12)
	require.Equal(t, stats.LogT, e.Interval)
	require.Equal(t, 3, e.N)
	require.Empty(t, e.Warnings)
	require.True(t, 1 < e.Lo && e.Lo < e.Value && e.Value < e.Hi)

	times, err := SpeedupOfTimes(base.Times(1, FirstHit), method.Times(1, FirstHit))
	require.NoError(t, err)
	require.Equal(t, e, times)
	back, err := Speedup(method, base)
	require.NoError(t, err)
	require.InDelta(t, 1, e.Value*back.Value, 1e-12)
	require.InDelta(t, 1, e.Lo*back.Hi, 1e-12)
	wide, err := Speedup(base, method, WithInterval(stats.WithLevel(0.99)))
	require.NoError(t, err)
	require.True(t, wide.Lo < e.Lo && e.Hi < wide.Hi)
}

// The default target is what all runs of the baseline reach.
func TestSpeedupDefaultTarget(t *testing.T) {
	base, err := NewRuns("base",
		curve(t, HigherBetter, Point{10, 0.5}, Point{20, 0.9}),
		curve(t, HigherBetter, Point{10, 0.5}, Point{40, 0.8}, Point{50, 0.7}))
	require.NoError(t, err)
	method, err := NewRuns("method", curve(t, HigherBetter, Point{1, 0.5}, Point{5, 0.8}, Point{30, 0.95}))
	require.NoError(t, err)
	require.Equal(t, 0.8, base.CommonBest())
	e, err := Speedup(base, method)
	require.NoError(t, err)
	require.InDelta(t, geometric(20, 40)/5, e.Value, 1e-12)
}

func TestSpeedupCensored(t *testing.T) {
	base := append(reachedAt(100, 120), stats.Lifetime{Time: 500, Event: false})
	method := append(reachedAt(50, 60, 40), stats.Lifetime{Time: 300, Event: false})
	e, err := SpeedupOfTimes(base, method, stats.WithSeed(3))
	require.NoError(t, err)
	require.InDelta(t, 120/55.0, e.Value, 1e-12, "ratio of medians: 120 of 100, 120, inf and 55 of 40, 50, 60, inf")
	require.Equal(t, stats.Percentile, e.Interval)
	require.Equal(t, math.Inf(1), e.Hi, "the baseline's median may be out of its budget")
	require.Zero(t, e.Lo, "so may the method's")
	require.Len(t, e.Warnings, 2)
	require.ErrorIs(t, e.Warnings[0], ErrTooFewRuns)
	require.ErrorIs(t, e.Warnings[1], ErrNotReached)
	require.ErrorContains(t, e.Warnings[1], "2 of 7 runs")

	// How far the budget goes says nothing.
	more := slices.Clone(base)
	more[2].Time = 1e6
	again, err := SpeedupOfTimes(more, method, stats.WithSeed(3))
	require.NoError(t, err)
	require.Equal(t, e.Value, again.Value)
	require.Equal(t, e.Lo, again.Lo)

	_, err = SpeedupOfTimes(base, method, stats.WithInterval(stats.LogT))
	require.ErrorIs(t, err, ErrNotReached)
	_, err = SpeedupOfTimes(append(base, stats.Lifetime{Time: 500, Event: false}), method)
	require.ErrorIs(t, err, ErrNotReached, "half of the baseline")
	_, err = SpeedupOfTimes(base, []stats.Lifetime{{Time: 1}})
	require.ErrorIs(t, err, ErrNotReached)
	require.ErrorContains(t, err, "1 of the 1 runs of the method")
	_, err = Speedup(hits(t, "base", 1, 2), hits(t, "method", 1), AtQuality(94))
	require.ErrorIs(t, err, ErrNotReached)
	require.ErrorContains(t, err, "their best are 1 and 1", "percent where there are shares")

	var fine []stats.Lifetime
	for i := range 12 {
		fine = append(fine, stats.Lifetime{Time: 100 + float64(i*i), Event: i != 4})
	}
	for _, m := range []stats.Interval{stats.Percentile, stats.BC} {
		e, err := SpeedupOfTimes(fine, fine[:7], stats.WithInterval(m))
		require.NoError(t, err)
		require.True(t, e.Lo < e.Value && e.Value < e.Hi, "%v", e)
	}
	_, err = SpeedupOfTimes(fine, reachedAt(1, 2, 3), stats.WithInterval(stats.BCa))
	require.NoError(t, err)
	_, err = SpeedupOfTimes(fine[2:5], fine[2:5], stats.WithInterval(stats.BCa))
	require.ErrorIs(t, err, ErrDegenerate, "without one run the ratio is not finite")
	_, err = SpeedupOfTimes(fine, fine, stats.WithInterval(stats.Studentized))
	require.ErrorIs(t, err, tensor.ErrConflict)
}

func TestSpeedupWarnsOfTheFirstPoint(t *testing.T) {
	base, method := hits(t, "base", 100, 110, 130), hits(t, "method", 80, 70, 75)
	early, err := NewRuns("early", curve(t, HigherBetter, Point{60, 1}), curve(t, HigherBetter, Point{10, 0},
		Point{62, 1}), curve(t, HigherBetter, Point{61, 1}))
	require.NoError(t, err)
	e, err := Speedup(base, early)
	require.NoError(t, err)
	require.Len(t, e.Warnings, 1)
	require.ErrorContains(t, e.Warnings[0], `2 of 3 runs of "early"`)
	require.ErrorContains(t, e.Warnings[0], "a lower bound")
	e, err = Speedup(early, method)
	require.NoError(t, err)
	require.Len(t, e.Warnings, 1)
	require.ErrorContains(t, e.Warnings[0], "an upper bound")
}

func TestSpeedupOfFewRuns(t *testing.T) {
	e, err := SpeedupOfTimes(reachedAt(10), reachedAt(5))
	require.NoError(t, err)
	require.Equal(t, 2.0, math.Round(e.Value*1e12)/1e12)
	require.Equal(t, [2]float64{0, math.Inf(1)}, [2]float64{e.Lo, e.Hi}, "one run bounds nothing")
	require.ErrorIs(t, e.Warnings[0], ErrTooFewRuns)
	for _, m := range []stats.Interval{stats.Percentile, stats.Basic} {
		e, err = SpeedupOfTimes(reachedAt(10), reachedAt(5, 6, 7), stats.WithInterval(m))
		require.NoError(t, err)
		require.Equal(t, [2]float64{0, math.Inf(1)}, [2]float64{e.Lo, e.Hi}, "nor does drawing it again and again")
	}
	e, err = SpeedupOfTimes(reachedAt(10), []stats.Lifetime{{Time: 5, Event: true}, {Time: 6, Event: true}, {Time: 7}})
	require.NoError(t, err)
	require.Equal(t, [2]float64{0, math.Inf(1)}, [2]float64{e.Lo, e.Hi})
	e, err = SpeedupOfTimes(reachedAt(10, 10, 10), reachedAt(5, 5, 5))
	require.NoError(t, err)
	require.ErrorIs(t, e.Warnings[0], ErrDegenerate, "an interval without width is no certainty")
	for _, n := range []int{9, 10} {
		var b, m []float64
		for i := range n {
			b, m = append(b, 10+float64(i)), append(m, 5+float64(i))
		}
		for _, method := range []stats.Interval{stats.Percentile, stats.Basic, stats.BC, stats.BCa} {
			e, err := SpeedupOfTimes(reachedAt(b...), reachedAt(m...), stats.WithInterval(method), stats.WithReplicates(500))
			require.NoError(t, err)
			require.Equal(t, method, e.Interval)
			require.True(t, e.Lo < e.Value && e.Value < e.Hi, "%v", e)
			require.Equal(t, n < 10, len(e.Warnings) == 1, "%v of %d runs", method, n)
		}
	}
}

func TestSpeedupRefuses(t *testing.T) {
	base, method := hits(t, "base", 100, 110, 130), hits(t, "method", 80, 70, 75)
	down, err := NewRuns("down", curve(t, LowerBetter, Point{1, 1}))
	require.NoError(t, err)
	for name, k := range map[string]struct {
		base, method Runs
		opts         []SpeedupOption
		want         error
	}{
		"no base":       {Runs{}, method, nil, tensor.ErrEmpty},
		"no method":     {base, Runs{}, nil, tensor.ErrEmpty},
		"directions":    {base, down, nil, tensor.ErrShape},
		"NaN target":    {base, method, []SpeedupOption{AtQuality(math.NaN())}, tensor.ErrNotFinite},
		"never":         {base, method, []SpeedupOption{AtQuality(2)}, ErrNotReached},
		"interpolation": {base, method, []SpeedupOption{WithInterpolation(7)}, tensor.ErrRange},
		"t": {base, method, []SpeedupOption{WithInterval(stats.WithInterval(stats.TInterval))},
			tensor.ErrConflict},
		"studentized": {base, method, []SpeedupOption{WithInterval(stats.WithInterval(stats.Studentized))},
			tensor.ErrConflict},
		"method":     {base, method, []SpeedupOption{WithInterval(stats.WithInterval(99))}, tensor.ErrRange},
		"nil":        {base, method, []SpeedupOption{nil}, tensor.ErrEmpty},
		"replicates": {base, method, []SpeedupOption{WithInterval(stats.WithReplicates(0))}, tensor.ErrRange},
		"workers":    {base, method, []SpeedupOption{WithInterval(stats.WithWorkers(-1))}, tensor.ErrRange},
	} {
		e, err := Speedup(k.base, k.method, k.opts...)
		require.ErrorIs(t, err, k.want, name)
		require.Zero(t, e, name)
	}
	_, err = Speedup(base, method, WithInterval(stats.WithLevel(0), stats.WithReplicates(0)))
	require.ErrorContains(t, err, "WithLevel")
	require.ErrorContains(t, err, "WithReplicates", "all faults at once")
	for name, k := range map[string]struct {
		times []stats.Lifetime
		want  error
	}{
		"none": {nil, tensor.ErrEmpty}, "NaN": {reachedAt(1, math.NaN()), tensor.ErrNotFinite},
		"inf":      {[]stats.Lifetime{{Time: math.Inf(1), Event: true}}, tensor.ErrNotFinite},
		"negative": {reachedAt(-1), tensor.ErrRange}, "zero": {reachedAt(0), ErrNonPositive},
	} {
		_, err := SpeedupOfTimes(k.times, reachedAt(1))
		require.ErrorIs(t, err, k.want, name)
		_, err = SpeedupOfTimes(reachedAt(1), k.times)
		require.ErrorIs(t, err, k.want, name)
	}
}

// Curves that are fitted are read where they say, and not beyond their data.
func TestSpeedupByFit(t *testing.T) {
	fitted := func(name string, from float64, paces ...float64) Runs {
		r := Runs{Name: name}
		for _, pace := range paces {
			var p []Point
			for i := range 12 {
				cost := from * math.Pow(1.5, float64(i))
				p = append(p, Point{cost, 0.9 - 0.6*math.Exp(-math.Pow(cost/pace, 0.8))})
			}
			r.Curves = append(r.Curves, curve(t, HigherBetter, p...))
		}
		return r
	}
	base, method := fitted("base", 10, 100, 110, 90), fitted("method", 10, 50, 55, 48)
	for _, q := range []float64{0.6, 0.7, 0.85} {
		e, err := Speedup(base, method, AtQuality(q), WithFit())
		require.NoError(t, err)
		require.InEpsilon(t, geometric(100, 110, 90)/geometric(50, 55, 48), e.Value, 1e-6, "at %v", q)
	}
	n, err := RunsNeeded(base, method, AtQuality(0.7), WithFit())
	require.NoError(t, err)
	require.InEpsilon(t, geometric(100, 110, 90)/geometric(50, 55, 48), n.Speedup, 1e-6)

	_, err = Speedup(base, method, AtQuality(0.895), WithFit())
	require.NoError(t, err)
	_, err = Speedup(base, method, AtQuality(0.9), WithFit())
	require.ErrorIs(t, err, ErrNotReached, "an asymptote is never reached")
	e, err := Speedup(base, fitted("late", 100, 50, 55, 48), AtQuality(0.7), WithFit())
	require.NoError(t, err)
	require.InEpsilon(t, geometric(100, 110, 90)*math.Pow(-math.Log(0.2/0.6), 1/0.8)/100, e.Value, 1e-6,
		"the first point counts")
	require.ErrorContains(t, e.Warnings[0], "a lower bound")
	_, err = Speedup(base, hits(t, "few", 1, 2), WithFit())
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorContains(t, err, `curve 0 of "few"`)
	_, err = Speedup(base, method, WithFit(), WithInterpolation(Linear))
	require.ErrorIs(t, err, tensor.ErrConflict)
}

// The same numbers for any number of processors and workers.
func TestSpeedupDeterminism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	base := append(reachedAt(100, 120, 90, 95, 130), stats.Lifetime{Time: 500, Event: false})
	method := append(reachedAt(50, 60, 40, 70), stats.Lifetime{Time: 300, Event: false})
	r := hits(t, "r", 100, 110, 130, 90, 95)
	var want []any
	for _, procs := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(procs)
		for _, workers := range []int{0, 1, 3} {
			var got []any
			for _, m := range []stats.Interval{stats.Percentile, stats.Basic} {
				e, err := SpeedupOfTimes(base, method, stats.WithInterval(m), stats.WithSeed(5), stats.WithWorkers(workers),
					stats.WithReplicates(3000))
				require.NoError(t, err)
				got = append(got, e.Lo, e.Hi)
			}
			e, err := AverageGain(r, r, stats.WithInterval(stats.BCa), stats.WithSeed(5), stats.WithWorkers(workers),
				stats.WithReplicates(3000))
			require.NoError(t, err)
			got = append(got, e.Lo, e.Hi)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "GOMAXPROCS %d, %d workers", procs, workers)
		}
	}
	other, err := SpeedupOfTimes(base[:5], method[:4], stats.WithInterval(stats.BCa), stats.WithReplicates(100),
		stats.WithSeed(6))
	require.NoError(t, err)
	again, err := SpeedupOfTimes(base[:5], method[:4], stats.WithInterval(stats.BCa), stats.WithReplicates(100),
		stats.WithSeed(7))
	require.NoError(t, err)
	require.NotEqual(t, other.Lo, again.Lo, "another seed is another draw")
}

// The default interval covers the true speedup as often as it says, from 3 runs on and with unequal spreads;
// quantiles of the bootstrap do not, which is what their warning is about.
func TestSpeedupCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	const truth = 1.5
	coverage := func(n, m int, spreadBase, spreadMethod float64, trials int, opts ...stats.Option) float64 {
		covered := 0
		for trial := range trials {
			rng := tensor.Stream(11, uint64(n), uint64(m), uint64(trial))
			base, method := make([]stats.Lifetime, n), make([]stats.Lifetime, m)
			for i := range base {
				base[i] = stats.Lifetime{Time: 300 * math.Exp(spreadBase*rng.NormFloat64()), Event: true}
			}
			for i := range method {
				method[i] = stats.Lifetime{Time: 200 * math.Exp(spreadMethod*rng.NormFloat64()), Event: true}
			}
			e, err := SpeedupOfTimes(base, method, opts...)
			require.NoError(t, err)
			if e.Lo <= truth && truth <= e.Hi {
				covered++
			}
		}
		return float64(covered) / float64(trials)
	}
	for _, n := range []int{3, 4, 5, 10, 20} {
		share := coverage(n, n, 0.1, 0.1, 4000)
		require.True(t, 0.93 <= share && share <= 0.97, "%d runs: %v", n, share)
		share = coverage(n, n, 0.2, 0.1, 4000)
		require.True(t, 0.93 <= share && share <= 0.97, "%d runs, unequal spreads: %v", n, share)
	}
	share := coverage(20, 5, 0.1, 0.2, 4000)
	require.True(t, 0.93 <= share && share <= 0.97, "20 and 5 runs: %v", share)
	require.Less(t, coverage(3, 3, 0.1, 0.1, 400, stats.WithInterval(stats.Percentile), stats.WithReplicates(200)), 0.88)
}

func BenchmarkSpeedup(b *testing.B) {
	base, method := hits(b, "base", 100, 110, 130, 120, 115), hits(b, "method", 80, 70, 75, 60, 66)
	for name, opts := range map[string][]SpeedupOption{"log-t": nil,
		"percentile": {WithInterval(stats.WithInterval(stats.Percentile))}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Speedup(base, method, opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
