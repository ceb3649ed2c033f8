package stats

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// sums is the sum of the values of drawn units, and of their numbers.
func sums(x []float64) func() func([]int, []float64) {
	return func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			out[0], out[1] = 0, 0
			for _, i := range drawn {
				out[0] += x[i]
				out[1] += float64(i)
			}
		}
	}
}

// drawsOf collects what a design draws.
func drawsOf(t *testing.T, d Design, replicates int) [][]int {
	t.Helper()
	draws := make([][]int, 0, replicates)
	_, err := Resample(t.Context(), d, 1, func() func([]int, []float64) {
		return func(drawn []int, out []float64) { draws = append(draws, slices.Clone(drawn)) }
	}, WithReplicates(replicates), WithWorkers(1))
	require.NoError(t, err)
	require.Len(t, draws, replicates+1)
	return draws
}

func TestDesigns(t *testing.T) {
	strata, clusters := []int{7, 3, 7, 3, 3}, []int{1, 2, 1, 2, 9}
	draws := drawsOf(t, Strata(strata), 50)
	require.Equal(t, []int{1, 3, 4, 0, 2}, draws[0], "the sample itself comes first")
	for _, d := range draws {
		require.Len(t, d, 5)
		for i, unit := range d {
			require.Equal(t, []int{3, 3, 3, 7, 7}[i], strata[unit], "stratum by stratum")
		}
	}
	for _, d := range drawsOf(t, Clusters(clusters), 50) {
		for i := 0; i < len(d); {
			members := map[int][]int{1: {0, 2}, 2: {1, 3}, 9: {4}}[clusters[d[i]]]
			require.Equal(t, members, d[i:i+len(members)], "whole clusters")
			i += len(members)
		}
	}
	for _, d := range drawsOf(t, StratifiedClusters([]int{0, 1, 0, 1, 1}, clusters), 50) {
		require.Equal(t, []int{0, 2}, d[:2], "the only cluster of its stratum")
	}
	for _, d := range drawsOf(t, Samples(2, 3), 50) {
		require.Less(t, max(d[0], d[1]), 2)
		require.GreaterOrEqual(t, slices.Min(d[2:]), 2)
	}
	split := false
	for _, d := range drawsOf(t, Nested([]int{0, 0, 0, 1, 1, 1}), 50)[1:] {
		for k := 0; k < len(d); k += 3 {
			require.Equal(t, d[k]/3, d[k+1]/3)
			require.Equal(t, d[k]/3, d[k+2]/3)
			split = split || d[k] != d[k+1]
		}
	}
	require.True(t, split, "units are drawn too")
	for name, k := range map[string]struct {
		d    Design
		want error
	}{
		"nothing": {Design{}, tensor.ErrEmpty}, "no units": {Units(0), tensor.ErrRange}, "negative": {Samples(3, -1),
			tensor.ErrRange},
		"no labels": {Strata(nil), tensor.ErrEmpty}, "lengths": {StratifiedClusters([]int{1}, []int{1, 2}), tensor.ErrShape},
		"torn": {StratifiedClusters([]int{1, 2}, []int{5, 5}), tensor.ErrConflict}, "huge": {Samples(math.MaxInt32, 1),
			tensor.ErrRange},
	} {
		_, err := Resample(t.Context(), k.d, 2, sums(nil))
		require.ErrorIs(t, err, k.want, name)
	}
}

// The spread of a mean over resamples is that of theory: of whole clusters it is that of their means.
func TestSpreadOfResamples(t *testing.T) {
	x := []float64{1, 1.1, 0.9, 5, 5.1, 4.9, 9, 9.1, 8.9}
	clusters := []int{0, 0, 0, 1, 1, 1, 2, 2, 2}
	stat := func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			out[0] = 0
			for _, i := range drawn {
				out[0] += x[i] / float64(len(drawn))
			}
		}
	}
	spread := func(d Design) float64 {
		b, err := Resample(t.Context(), d, 1, stat)
		require.NoError(t, err)
		_, v := moments(b.Replicates[0])
		return math.Sqrt(v)
	}
	population := func(x ...float64) float64 {
		_, v := moments(x)
		return v * float64(len(x)-1) / float64(len(x))
	}
	require.InEpsilon(t, math.Sqrt(population(x...)/9), spread(Units(9)), 0.03)
	require.InEpsilon(t, math.Sqrt(population(1, 5, 9)/3), spread(Clusters(clusters)), 0.03)
	require.InEpsilon(t, math.Sqrt(population(1, 1.1, 0.9)/9), spread(Strata(clusters)), 0.03)
	require.InEpsilon(t, math.Sqrt(population(1, 5, 9)/3+population(1, 1.1, 0.9)/9), spread(Nested(clusters)), 0.03)
}

// Counting gives what indices give for the same draws, jackknife and all, and the same distribution for its own.
func TestCountsAndIndices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		n := 2 + rng.IntN(12)
		x, labels := make([]float64, n), make([]int, n)
		for i := range x {
			x[i], labels[i] = rng.NormFloat64(), rng.IntN(3)
		}
		byCounts := func() func([]int32, []float64) {
			return func(counts []int32, out []float64) {
				out[0], out[1] = 0, 0
				for i, n := range counts {
					out[0] += float64(n) * x[i]
					out[1] += float64(int(n) * i)
				}
			}
		}
		for _, d := range []Design{Units(n), Strata(labels), Clusters(labels), Nested(labels)} {
			var draws [][]int
			for b := range 30 {
				draws = append(draws, d.draw(nil, tensor.Stream(5, uint64(b))))
			}
			a, err := Resample(t.Context(), d, 2, sums(x), WithDraws(draws), WithInterval(BCa))
			require.NoError(t, err)
			b, err := ResampleCounts(t.Context(), d, 2, byCounts, WithDraws(draws), WithInterval(BCa))
			require.NoError(t, err)
			require.InDeltaSlice(t, a.Replicates[0], b.Replicates[0], 1e-12)
			require.Equal(t, a.Replicates[1], b.Replicates[1])
			require.InDeltaSlice(t, a.Values, b.Values, 1e-12)
			require.Equal(t, len(a.influence[1]), len(b.influence[1]))
			a, err = Resample(t.Context(), d, 2, sums(x), WithReplicates(4000))
			require.NoError(t, err)
			b, err = ResampleCounts(t.Context(), d, 2, byCounts, WithReplicates(4000))
			require.NoError(t, err)
			ma, va := moments(a.Replicates[1])
			mb, vb := moments(b.Replicates[1])
			require.InDelta(t, ma, mb, 5*math.Sqrt((va+vb)/4000)+1e-9)
		}
	}
}

// The jackknife of the engine gives the interval that a mean has by definition.
func TestBCaOfResamples(t *testing.T) {
	x := []float64{0.3, 1.9, 0.2, 7, 1.1, 2.5, 0.8, 0.4, 3.3, 1.2}
	want, err := Mean(x, WithInterval(BCa))
	require.NoError(t, err)
	b, err := Resample(t.Context(), Units(len(x)), 2, func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			y := make([]float64, len(drawn))
			for i, unit := range drawn {
				y[i] = x[unit]
			}
			out[0], out[1] = mean(y), -mean(y)
		}
	}, WithInterval(BCa))
	require.NoError(t, err)
	got, err := b.Estimate(0)
	require.NoError(t, err)
	require.Equal(t, want, got)
	mirror, err := b.Estimate(1)
	require.NoError(t, err)
	require.InDelta(t, -want.Hi, mirror.Lo, 0.05, "up to replicates that equal the estimate")
	require.InDelta(t, -want.Lo, mirror.Hi, 0.05)
	_, err = b.Estimate(2)
	require.ErrorIs(t, err, tensor.ErrRange)

	without := make([]float64, len(x))
	for i := range x {
		without[i] = mean(slices.Delete(slices.Clone(x), i, i+1))
	}
	got, err = FromReplicates(mean(x), b.Replicates[0], len(x), [][]float64{without}, WithInterval(BCa))
	require.NoError(t, err)
	require.InDelta(t, want.Lo, got.Lo, 1e-9)
	require.InDelta(t, want.Hi, got.Hi, 1e-9)
	_, err = FromReplicates(1, b.Replicates[0], len(x), nil, WithInterval(BCa))
	require.ErrorIs(t, err, tensor.ErrConflict)
	_, err = FromReplicates(1, nil, 3, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

// Same seed, same bits for any number of workers; another seed, other bits.
func TestResamplingIsDeterministic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	x := []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}
	all := func(seed uint64, workers int) []float64 {
		opts := []Option{WithSeed(seed), WithWorkers(workers), WithReplicates(500)}
		var got []float64
		keep := func(e Estimate, err error) {
			require.NoError(t, err)
			got = append(got, e.Lo, e.Hi)
		}
		for _, i := range []Interval{Percentile, Basic, BC, BCa, Studentized} {
			keep(Mean(x, append(opts, WithInterval(i))...))
		}
		keep(GeoMean(x, append(opts, WithInterval(BCa))...))
		keep(Quantile(x, 0.3, append(opts, WithInterval(Basic))...))
		keep(Difference(x, x[:5], append(opts, WithInterval(BCa))...))
		keep(Ratio(x, x[:5], append(opts, WithInterval(BCa))...))
		b, err := ResampleCounts(t.Context(), Units(len(x)), 1, func() func([]int32, []float64) {
			return func(counts []int32, out []float64) { out[0] = float64(counts[0]) }
		}, opts...)
		require.NoError(t, err)
		p, err := PermutationTest(t.Context(), []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, nil, func() func([]int) float64 {
			return func(assigned []int) float64 { return x[assigned[0]] + x[assigned[1]] }
		}, WithSeed(seed), WithWorkers(workers), WithReplicates(100))
		require.NoError(t, err)
		return append(append(got, b.Replicates[0]...), p.Null...)
	}
	want := all(1, 0)
	for _, procs := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(procs)
		for _, workers := range []int{0, 1, 3} {
			require.Equal(t, want, all(1, workers), "%d processors, %d workers", procs, workers)
		}
	}
	require.NotEqual(t, want, all(2, 0))
}

func TestResamplingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	calls := 0
	_, err := Resample(ctx, Units(3), 2, sums([]float64{1, 2, 3}), WithWorkers(1), WithProgress(func(done, total int) {
		calls++
		require.Equal(t, 10_000, total)
		require.Equal(t, 64*calls, done)
		if calls == 5 {
			cancel(context.DeadlineExceeded)
		}
	}))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 5, calls)

	last := 0
	_, err = Replicate(t.Context(), 1, func() func(int, *rand.Rand, []float64) {
		return func(b int, rng *rand.Rand, out []float64) { out[0] = rng.Float64() }
	}, WithReplicates(1000), WithProgress(func(done, total int) {
		require.Greater(t, done, last)
		last = done
	}))
	require.NoError(t, err)
	require.Equal(t, 1000, last)
}

func TestResampleRefuses(t *testing.T) {
	x := []float64{1, 2}
	resample := func(outputs int, opts ...Option) error {
		_, err := Resample(t.Context(), Units(2), outputs, sums(x), opts...)
		return err
	}
	for name, k := range map[string]struct{ err, want error }{
		"no outputs":     {resample(0), tensor.ErrRange},
		"unit":           {resample(2, WithDraws([][]int{{0, 2}})), tensor.ErrRange},
		"negative unit":  {resample(2, WithDraws([][]int{{-1}})), tensor.ErrRange},
		"no draws":       {resample(2, WithDraws(nil)), tensor.ErrEmpty},
		"no progress":    {resample(2, WithProgress(nil)), tensor.ErrEmpty},
		"nil":            {resample(2, nil), tensor.ErrEmpty},
		"workers":        {resample(2, WithWorkers(-1)), tensor.ErrRange},
		"replicates":     {resample(2, WithReplicates(0)), tensor.ErrRange},
		"not finite":     {second(Resample(t.Context(), Units(2), 2, sums([]float64{1, nan}))), tensor.ErrNotFinite},
		"counts, nobody": {second(ResampleCounts(t.Context(), Design{}, 1, nil)), tensor.ErrEmpty},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
	b, err := Resample(t.Context(), Units(2), 2, sums(x), WithInterval(TInterval))
	require.NoError(t, err)
	_, err = b.Estimate(0)
	require.ErrorIs(t, err, tensor.ErrConflict)
	one, err := Resample(t.Context(), Units(1), 2, sums(x))
	require.NoError(t, err)
	e, err := one.Estimate(0)
	require.NoError(t, err)
	require.Equal(t, [2]float64{-inf, inf}, [2]float64{e.Lo, e.Hi}, "one unit bounds nothing")
	require.ErrorIs(t, e.Warnings[0], ErrTooFew)

	// A later option wins.
	s, err := Read(WithLevel(0.8), WithReplicates(10), WithDraws([][]int{{1}}), WithReplicates(7), WithLevel(0.9),
		WithInterval(BC))
	require.NoError(t, err)
	require.Equal(t, []any{0.9, 7, BC}, []any{s.Level, s.Replicates, s.Interval})
	require.Nil(t, s.config.draws)
	_, err = Read(WithLevel(1), WithWorkers(-3))
	require.ErrorContains(t, err, "stats: WithLevel(1): want a value in (0, 1)")
	require.ErrorContains(t, err, "WithWorkers(-3)", "all faults at once")
}

func TestEstimatesAsJSON(t *testing.T) {
	for _, e := range []Estimate{
		{1.5, 1, 2, 0.95, LogT, 5, nil},
		{1.5, -inf, inf, 0.9, OrderStatistics, 2, warnings(Percentile, 2, true)},
		{inf, 3, inf, 0.9, LogLog, 2, []error{ErrUnreached}},
	} {
		b, err := json.Marshal(e)
		require.NoError(t, err)
		var back Estimate
		require.NoError(t, json.Unmarshal(b, &back))
		require.Len(t, back.Warnings, len(e.Warnings))
		for i, w := range back.Warnings {
			require.EqualError(t, w, e.Warnings[i].Error())
			for _, s := range sentinels {
				require.Equal(t, errorIs(e.Warnings[i], s), errorIs(w, s), "%v is %v", w, s)
			}
		}
		back.Warnings = e.Warnings
		require.Equal(t, e, back)
	}
	b, err := json.Marshal(Estimate{Value: 1, Lo: -inf, Hi: 2, Level: 0.95, Interval: BCa, N: 3})
	require.NoError(t, err)
	require.JSONEq(t, `{"value": 1, "lo": null, "hi": 2, "level": 0.95, "interval": "bca", "n": 3}`, string(b))
	for i := Auto; i <= LogLog; i++ {
		text, err := i.MarshalText()
		require.NoError(t, err)
		var back Interval
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, i, back)
	}
	require.Error(t, new(Interval).UnmarshalText([]byte("student")))
	for _, v := range []any{
		&UTest{U: 3, P: 0.1, Less: 0.05, Greater: 1, NA: 3, NB: 3, Exact: true},
		&SignedRankTest{W: 3, P: 0.5, N: 4, Exact: true},
		&Permutation{Statistic: 1, P: 0.25, Smallest: 0.125, Assignments: inf, Drawn: 2, Null: []float64{1, 2}},
		&SurvivalStep{Time: 2, S: 0.5, SE: 0.1, AtRisk: 3, Events: 1},
		&McNemarTest{1, 2, 0.3, 0.2}, &TTest{1, 2, 3}, &NonInferiority{1, 2, 3, 4, 5, 6, 7}, &HazardStep{1, 2, 3, 4, 5},
		&LogRankTest{1, 2, 3, []float64{4}, []float64{5}}, &CalibrationBin{1, 2, 3},
		&AUCComparison{A: Estimate{Value: 1, Interval: DeLong}, Z: 1, P: 0.1},
	} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		back := newLike(v)
		require.NoError(t, json.Unmarshal(b, back))
		require.Equal(t, v, back, string(b))
	}
}
