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

// One whose event never comes is at risk at all times, and changes nothing else.
func TestCensoredForEver(t *testing.T) {
	late, never := events(1, 2, 3), events(1, 2, 3)
	late = append(late, Lifetime{4, false}, Lifetime{5, false})
	never = append(never, Lifetime{math.Inf(1), false}, Lifetime{math.Inf(1), false})
	a, err := KaplanMeier(late)
	require.NoError(t, err)
	b, err := KaplanMeier(never)
	require.NoError(t, err)
	require.Equal(t, a.steps, b.steps)
	require.Equal(t, 3.0, b.Last())
	x, err := LogRank(late, events(1, 1, 2))
	require.NoError(t, err)
	y, err := LogRank(never, events(1, 1, 2))
	require.NoError(t, err)
	require.Equal(t, x, y)
	c, err := KaplanMeier(never[3:])
	require.NoError(t, err)
	require.Equal(t, 1.0, c.At(1e300))
	require.Zero(t, c.Last())
}

func TestSurvivalRefuses(t *testing.T) {
	good := events(1, 2)
	for name, k := range map[string]struct {
		times []Lifetime
		want  error
	}{
		"none": {nil, tensor.ErrEmpty}, "NaN": {events(1, math.NaN()), tensor.ErrNotFinite},
		"infinite": {[]Lifetime{{math.Inf(1), true}}, tensor.ErrNotFinite}, "negative": {events(-1), tensor.ErrRange},
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

// What R gives where rules differ.
func TestSurvivalAsInR(t *testing.T) {
	median := func(times []Lifetime) Estimate {
		s, err := KaplanMeier(times)
		require.NoError(t, err)
		e, err := s.Median()
		require.NoError(t, err)
		return e
	}
	e := median(events(1, 2, 3))
	require.Equal(t, [3]float64{2, 1, math.Inf(1)}, [3]float64{e.Value, e.Lo, e.Hi}, "nothing bounds the upper end")
	e = median(events(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
	require.Equal(t, 6.5, e.Value, "S is one half from 6 to 7")
	require.Equal(t, 3.0, median([]Lifetime{{1, true}, {2, true}, {3, false}, {4, true}}).Value)
	require.Equal(t, 3.0, median([]Lifetime{{1, true}, {2, true}, {3, false}, {4, false}}).Value,
		"the end of the observation")
	e = median([]Lifetime{{1, true}, {2, false}, {3, false}})
	require.Equal(t, math.Inf(1), e.Value)
	require.ErrorIs(t, e.Warnings[0], ErrUnreached)

	a, b := events(2, 6, 1, 9, 0), events(3, 5, 4, 11)
	test, err := WeightedLogRank(FlemingHarrington(1, 0), [][]Lifetime{a, b})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{3.222222, 1.777778}, test.Observed, 1e-6)
	require.InDeltaSlice(t, []float64{2.333333, 2.666667}, test.Expected, 1e-6)
	require.InDelta(t, 0.927536, test.Statistic, 1e-6)
	test, err = LogRank(a, b)
	require.NoError(t, err)
	require.InDelta(t, 0.646421, test.Statistic, 1e-6)

	sum := 0.1
	sum += 0.2 // not .3
	s, err := KaplanMeier(events(0.3, sum, 0.5))
	require.NoError(t, err)
	require.Equal(t, 2, s.Steps()[0].Events, "times that differ by rounding alone")
}

// Several groups: the order of the groups does not matter, two are the usual test, and strata add up.
func TestLogRankOfGroupsAndStrata(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	rejected := 0
	const trials = 600
	for range trials {
		a, b, c := randomTimes(rng, 12, 0.3), randomTimes(rng, 15, 0.3), randomTimes(rng, 9, 0.3)
		x, err := LogRank(a, b, c)
		require.NoError(t, err)
		y, err := LogRank(c, a, b)
		require.NoError(t, err)
		require.Equal(t, 2, x.DF)
		require.InDelta(t, x.Statistic, y.Statistic, 1e-9)
		total := 0.0
		for g := range x.Observed {
			total += x.Observed[g] - x.Expected[g]
		}
		require.InDelta(t, 0, total, 1e-9)
		if x.P < 0.05 {
			rejected++
		}
	}
	require.InDelta(t, 0.05, float64(rejected)/trials, 0.03)

	a, b := randomTimes(rng, 12, 0.3), randomTimes(rng, 15, 0.3)
	shifted := func(times []Lifetime) []Lifetime {
		out := slices.Clone(times)
		for i := range out {
			out[i].Time += 1000
		}
		return out
	}
	one, err := LogRank(a, b)
	require.NoError(t, err)
	// Two strata of the same data, at different times: twice the statistic, whatever the times.
	two, err := WeightedLogRank(FlemingHarrington(0, 0), [][]Lifetime{a, b}, [][]Lifetime{shifted(a), shifted(b)})
	require.NoError(t, err)
	require.InDelta(t, 2*one.Statistic, two.Statistic, 1e-9)
	alone, err := WeightedLogRank(FlemingHarrington(0, 0), [][]Lifetime{a, b}, [][]Lifetime{shifted(a), nil})
	require.NoError(t, err)
	require.InDelta(t, one.Statistic, alone.Statistic, 1e-9, "a stratum of one group compares nothing")
	for name, err := range map[string]error{
		"no weight": second(WeightedLogRank(nil, [][]Lifetime{a, b})), "one group": second(LogRank(a)),
		"no strata": second(WeightedLogRank(Gehan)),
		"lengths":   second(WeightedLogRank(Gehan, [][]Lifetime{a, b}, [][]Lifetime{a})),
	} {
		require.Error(t, err, name)
	}
}

func TestSurvivalIntervals(t *testing.T) {
	s, err := KaplanMeier([]Lifetime{{2, true}, {3, false}, {5, true}, {7, false}})
	require.NoError(t, err)
	e, err := s.Interval(4)
	require.NoError(t, err)
	require.Equal(t, 0.75, e.Value)
	require.True(t, 0 < e.Lo && e.Lo < 0.75 && 0.75 < e.Hi && e.Hi < 1)
	for at, want := range map[float64]error{1: ErrDegenerate, 8: ErrUnreached} {
		require.ErrorIs(t, second(s.Interval(at)), want)
	}
	require.ErrorIs(t, second(s.Interval(math.NaN())), tensor.ErrNotFinite)
	for _, p := range []float64{0, 1, math.NaN()} {
		require.ErrorIs(t, second(s.Quantile(p)), tensor.ErrRange)
	}
	// Without censoring the integral of the survival is the mean of the times, and its error theirs.
	x := []float64{1, 4, 6, 9, 15}
	s, err = KaplanMeier(events(x...))
	require.NoError(t, err)
	rmst, se, err := s.RMST(20)
	require.NoError(t, err)
	m, v := moments(x)
	require.InDelta(t, m, rmst.Value, 1e-12)
	require.InDelta(t, math.Sqrt(v*4/5/5), se, 1e-12)
	require.InDelta(t, m-1.959963985*se, rmst.Lo, 1e-6)
}

func TestLifetimesWantFlags(t *testing.T) {
	times, err := Lifetimes([]float64{3, 1}, []float64{1, 0})
	require.NoError(t, err)
	require.Equal(t, []Lifetime{{3, true}, {1, false}}, times)
	for name, k := range map[string]struct {
		time, event []float64
		want        error
	}{
		"one and two":       {[]float64{3, 1}, []float64{1, 2}, tensor.ErrRange},
		"durations":         {[]float64{1, 0}, []float64{310.5, 455}, tensor.ErrRange},
		"NaN":               {[]float64{1}, []float64{math.NaN()}, tensor.ErrRange},
		"lengths":           {[]float64{1}, nil, tensor.ErrShape},
		"none":              {nil, nil, tensor.ErrEmpty},
		"negative time":     {[]float64{-1}, []float64{1}, tensor.ErrRange},
		"infinite and over": {[]float64{math.Inf(1)}, []float64{1}, tensor.ErrNotFinite},
	} {
		times, err := Lifetimes(k.time, k.event)
		require.ErrorIs(t, err, k.want, name)
		require.Nil(t, times, name)
	}
	_, err = Lifetimes([]float64{1, 2}, []float64{0, 455})
	require.EqualError(t, err, "stats: Lifetimes: event[1] = 455, want 0 or 1: out of range")
}

// Turned round, censorings are the events. At one time they come after the events, so that those who had their event
// are not at risk of being censored.
func TestReverseKaplanMeier(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for range 200 {
		times := randomTimes(rng, 1+rng.IntN(20), 0.4)
		g, err := ReverseKaplanMeier(times)
		require.NoError(t, err)
		turned := slices.Clone(times)
		for i := range turned {
			turned[i].Event = !turned[i].Event
			if turned[i].Event {
				turned[i].Time += 0.25
			}
		}
		want, err := KaplanMeier(turned)
		require.NoError(t, err)
		for at := 0.0; at < 22; at++ {
			require.InDelta(t, want.At(at+0.25), g.At(at), 1e-12)
			require.InDelta(t, want.At(at-0.5), g.Before(at), 1e-12)
		}
	}
	g, err := ReverseKaplanMeier([]Lifetime{{2, true}, {3, true}, {3, false}, {5, false}, {math.Inf(1), false}})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{2.0 / 3, 1.0 / 3}, []float64{g.At(3), g.At(5)}, 1e-15)
	require.Equal(t, 1.0, g.Before(3))
	require.InDelta(t, 1.0/3, g.At(1e9), 1e-15, "followed for ever")
	require.ErrorIs(t, second(ReverseKaplanMeier(nil)), tensor.ErrEmpty)
}

func TestMergeTimes(t *testing.T) {
	sum := 0.1
	sum += 0.2
	at := []float64{0.3, sum, sum, 0.5, 1e9, math.Inf(1)}
	require.True(t, MergeTimes(at), "a large mean makes rounding large")
	require.Equal(t, []float64{0.3, 0.3, 0.3, 0.3, 1e9, math.Inf(1)}, at)
	at = []float64{0.3, sum, sum, 0.5, 0.5}
	require.True(t, MergeTimes(at))
	require.Equal(t, []float64{0.3, 0.3, 0.3, 0.5, 0.5}, at)
	for _, apart := range [][]float64{nil, {1}, {1, 1, 2}, {0, 0}, {math.Inf(1), math.Inf(1)}} {
		want := slices.Clone(apart)
		require.False(t, MergeTimes(apart))
		require.Equal(t, want, apart)
	}
}

// A product of many fractions is one half only to rounding.
func TestPlateauOfManySteps(t *testing.T) {
	times := make([]Lifetime, 100_000)
	for i := range times {
		times[i] = Lifetime{float64(i + 1), true}
	}
	s, err := KaplanMeier(times)
	require.NoError(t, err)
	e, err := s.Median()
	require.NoError(t, err)
	require.Equal(t, 50_000.5, e.Value)
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

func TestCensoredTimes(t *testing.T) {
	inf := math.Inf(1)
	k, err := KaplanMeier([]Lifetime{{Time: 5}, {Time: 2, Event: true}, {Time: 2}, {Time: inf}, {Time: 3, Event: true},
		{Time: 2}})
	require.NoError(t, err)
	require.Equal(t, []float64{2, 2, 5, inf}, k.Censored())
}
