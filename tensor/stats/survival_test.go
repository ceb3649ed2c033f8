package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func randomTimes(rng *rand.Rand, n int, censored float64) []Lifetime {
	times := make([]Lifetime, n)
	for i := range times {
		times[i] = Lifetime{float64(1 + rng.IntN(20)), rng.Float64() >= censored}
	}
	return times
}

// Without censored runs S is the share of runs that have not reached the target, and its integral their mean time.
func TestSurvivalWithoutCensoring(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 30; n++ {
		times := randomTimes(rng, n, 0)
		s, err := KaplanMeier(times)
		require.NoError(t, err)
		mean := 0.0
		for cost := 0.0; cost < 22; cost += 0.5 {
			left := 0.0
			for _, v := range times {
				if v.Time > cost {
					left++
				}
			}
			require.InDelta(t, left/float64(n), s.At(cost), 1e-12)
		}
		costs := make([]float64, n)
		for i, v := range times {
			costs[i] = v.Time
			mean += v.Time / float64(n)
		}
		for _, tau := range []float64{slices.Max(costs), 1e6} {
			rmst, _, err := s.RMST(tau)
			require.NoError(t, err)
			require.InDelta(t, mean, rmst.Value, 1e-9)
		}
		slices.Sort(costs)
		for k := 1; k <= n; k++ {
			at, ok := s.Reached(float64(k) / float64(n))
			require.True(t, ok)
			require.Equal(t, costs[k-1], at, "%d of %d", k, n)
		}
	}
}

// The product of Kaplan and Meier spreads the weight of a censored run over those after it (Efron 1967,
// redistribution to the right).
func TestSurvivalByRedistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		times := randomTimes(rng, 1+rng.IntN(15), 0.4)
		s, err := KaplanMeier(times)
		require.NoError(t, err)
		sorted := slices.Clone(times) // at the same cost, those that reach it first
		slices.SortFunc(sorted, func(a, b Lifetime) int {
			switch {
			case a.Time != b.Time:
				return cmp.Compare(a.Time, b.Time)
			case a.Event == b.Event:
				return 0
			case a.Event:
				return -1
			}
			return 1
		})
		weight := make([]float64, len(sorted))
		for i := range weight {
			weight[i] = 1 / float64(len(sorted))
		}
		for i, v := range sorted {
			if rest := len(sorted) - i - 1; !v.Event && rest > 0 {
				for j := i + 1; j < len(sorted); j++ {
					weight[j] += weight[i] / float64(rest)
				}
				weight[i] = 0
			}
		}
		for cost := 0.0; cost < 22; cost++ {
			left := 1.0
			for i, v := range sorted {
				if v.Event && v.Time <= cost {
					left -= weight[i]
				}
			}
			require.InDelta(t, left, s.At(cost), 1e-12)
		}
	}
}

func events(times ...float64) []Lifetime {
	all := make([]Lifetime, len(times))
	for i, v := range times {
		all[i] = Lifetime{v, true}
	}
	return all
}

func twoGroups(a, b []Lifetime) (LogRankTest, error) { return LogRank(a, b) }

func gehan(a, b []Lifetime) (LogRankTest, error) { return WeightedLogRank(Gehan, [][]Lifetime{a, b}) }

func TestLogRankProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 100 {
		a, b := randomTimes(rng, 3+rng.IntN(10), 0.3), randomTimes(rng, 3+rng.IntN(10), 0.3)
		for _, test := range []func(a, b []Lifetime) (LogRankTest, error){twoGroups, gehan} {
			x, err := test(a, b)
			if err != nil {
				require.ErrorIs(t, err, ErrDegenerate)
				continue
			}
			y, err := test(b, a)
			require.NoError(t, err)
			require.InDelta(t, x.Statistic, y.Statistic, 1e-9, "neither comes first")
			require.True(t, x.P > 0 && x.P <= 1 && x.Statistic >= 0)
			squared := func(times []Lifetime) []Lifetime { // order is all that counts
				out := slices.Clone(times)
				for i := range out {
					out[i].Time *= out[i].Time
				}
				rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
				return out
			}
			y, err = test(squared(a), squared(b))
			require.NoError(t, err)
			require.InDelta(t, x.Statistic, y.Statistic, 1e-9)
		}
	}
	same := events(1, 2, 3, 4)
	x, err := LogRank(same, same)
	require.NoError(t, err)
	require.InDelta(t, 1, x.P, 1e-12)
}

// The test rejects what is the same as rarely as it says.
func TestLogRankLevel(t *testing.T) {
	const trials = 3000
	rejected := 0
	for trial := range trials {
		rng := tensor.Stream(4, uint64(trial))
		draw := func() (times []Lifetime) {
			for range 30 {
				c := rng.ExpFloat64()
				times = append(times, Lifetime{min(c, 1.5), c <= 1.5})
			}
			return times
		}
		x, err := LogRank(draw(), draw())
		require.NoError(t, err)
		if x.P < 0.05 {
			rejected++
		}
	}
	require.InDelta(t, 0.05, float64(rejected)/trials, 0.015)
}

func TestSurvivalRefuses(t *testing.T) {
	good := events(1, 2)
	for name, k := range map[string]struct {
		times []Lifetime
		want  error
	}{
		"none": {nil, tensor.ErrEmpty}, "NaN": {events(1, math.NaN()), tensor.ErrNotFinite},
		"infinite": {[]Lifetime{{math.Inf(1), false}}, tensor.ErrNotFinite}, "negative": {events(-1), tensor.ErrRange},
	} {
		_, err := KaplanMeier(k.times)
		require.ErrorIs(t, err, k.want, name)
		for _, test := range []func(a, b []Lifetime) (LogRankTest, error){twoGroups, gehan} {
			_, err = test(k.times, good)
			require.ErrorIs(t, err, k.want, name)
			_, err = test(good, k.times)
			require.ErrorIs(t, err, k.want, name)
		}
	}
	_, err := LogRank([]Lifetime{{0.5, false}}, good)
	require.ErrorIs(t, err, ErrDegenerate, "nothing of a was left when b reached it")

	s, err := KaplanMeier([]Lifetime{{1, true}, {2, true}, {5, false}})
	require.NoError(t, err)
	at, ok := s.Reached(0.9)
	require.False(t, ok, "a third never did")
	require.Equal(t, math.Inf(1), at)
	_, _, err = s.RMST(5.1)
	require.ErrorIs(t, err, ErrUnreached)
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		_, _, err = s.RMST(tau)
		require.ErrorIs(t, err, tensor.ErrRange, "%v", tau)
	}
	for _, level := range []float64{0, 1, math.NaN()} {
		_, err = s.Median(WithLevel(level))
		require.ErrorIs(t, err, tensor.ErrRange, "%v", level)
	}
	s.Steps()[0].S = 7
	require.NotEqual(t, 7.0, s.Steps()[0].S, "a copy")
}

func BenchmarkKaplanMeier(b *testing.B) {
	times := randomTimes(rand.New(rand.NewPCG(1, 1)), 1000, 0.3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := KaplanMeier(times); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogRank(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := randomTimes(rng, 100, 0.3), randomTimes(rng, 100, 0.3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LogRank(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
