package score

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// levels draws n values of few, so that ties are likely.
func levels(rng *rand.Rand, n, few int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(rng.IntN(few))
	}
	return x
}

// raggedScores have tasks with different numbers of runs and ties.
func raggedScores(tb testing.TB, rng *rand.Rand) Scores {
	tb.Helper()
	names, byTask := []string{}, [][]float64{}
	for k := range 1 + rng.IntN(5) {
		names = append(names, fmt.Sprint(k))
		byTask = append(byTask, levels(rng, 1+rng.IntN(7), 9))
	}
	s, err := NewScores(names, byTask)
	require.NoError(tb, err)
	return s
}

// Counting ranks gives what the definitions give for the same draws.
func TestScoresByCounting(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 60 {
		s := raggedScores(t, rng)
		draws := make([][]int, 40)
		for b := range draws {
			r := tensor.Stream(99, uint64(b))
			first := 0
			for _, runs := range s.byTask {
				for range runs {
					draws[b] = append(draws[b], first+r.IntN(len(runs)))
				}
				first += len(runs)
			}
		}
		for _, stat := range []Statistic{IQM, MeanScore, MedianScore, OptimalityGap(4), shareAbove(4)} {
			counted, err := s.replicates(t.Context(), false, stat, stats.WithDraws(draws))
			require.NoError(t, err)
			direct, err := s.replicates(t.Context(), false, NewStatistic("", stat.of), stats.WithDraws(draws))
			require.NoError(t, err)
			for b := range counted {
				golden.Same(t, direct[b], counted[b], 1e-12, "%v of %v", stat, s.byTask)
			}
		}
	}
}

// The probability of improvement is the share of pairs won, and its replicates are those of scores drawn one by one.
func TestImprovementByPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 60 {
		x := raggedScores(t, rng)
		var byTask [][]float64
		for range x.tasks {
			byTask = append(byTask, levels(rng, 1+rng.IntN(7), 9))
		}
		y, err := NewScores(x.tasks, byTask)
		require.NoError(t, err)
		want := 0.0
		for k := range x.tasks {
			u, err := stats.MannWhitney(x.byTask[k], y.byTask[k])
			require.NoError(t, err)
			want += u.U / float64(u.NA*u.NB*len(x.tasks))
		}
		got, err := ProbabilityOfImprovement(x, y, WithInterval(stats.WithReplicates(50)))
		require.NoError(t, err)
		golden.Same(t, want, got.Value, 1e-14, "improvement")
		back, err := ProbabilityOfImprovement(y, x, WithInterval(stats.WithReplicates(50)))
		require.NoError(t, err)
		golden.Same(t, 1-want, back.Value, 1e-14, "the other way")
		require.True(t, 0 <= got.Lo && got.Lo <= got.Hi && got.Hi <= 1)
	}
}

// Statistics do not depend on the order of runs or tasks, follow shifts and scales, and rise with the scores.
func TestScoresProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for range 60 {
		s := raggedScores(t, rng)
		change := func(f func(float64) float64, reverse bool) Scores {
			var byTask [][]float64
			for _, runs := range s.byTask {
				var row []float64
				for _, v := range runs {
					row = append(row, f(v))
				}
				if reverse {
					slices.Reverse(row)
				}
				byTask = append(byTask, row)
			}
			names := s.Tasks()
			if reverse {
				slices.Reverse(byTask)
				slices.Reverse(names)
			}
			changed, err := NewScores(names, byTask)
			require.NoError(t, err)
			return changed
		}
		reversed := change(func(v float64) float64 { return v }, true)
		affine := change(func(v float64) float64 { return 3*v - 5 }, false)
		better := change(func(v float64) float64 { return v + float64(rng.IntN(3)) }, false)
		for _, stat := range []Statistic{IQM, MeanScore, MedianScore} {
			v := stat.of(s.byTask)
			golden.Same(t, v, stat.of(reversed.byTask), 1e-13, "%v reversed", stat)
			golden.Same(t, 3*v-5, stat.of(affine.byTask), 1e-13, "%v scaled", stat)
			require.GreaterOrEqual(t, stat.of(better.byTask), v-1e-12)
		}
		require.LessOrEqual(t, better.OptimalityGap(4), s.OptimalityGap(4)+1e-12)
		golden.Same(t, 9-s.Mean(), s.OptimalityGap(9), 1e-13, "gap to what no score exceeds")
		taus := []float64{-1, 0, 2.5, 4, 8}
		p := s.Profile(taus)
		require.Equal(t, 1.0, math.Round(p[0]*1e12)/1e12)
		require.Zero(t, p[len(p)-1])
		require.True(t, slices.IsSortedFunc(p, func(a, b float64) int { return cmp.Compare(b, a) * boolInt(a != b) }))
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Intervals hold the profile, which they are around.
func TestProfileIntervals(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	s := raggedScores(t, rng)
	taus := []float64{-1, 0, 3, 4.5, 9}
	estimates, err := s.ProfileIntervals(t.Context(), taus, WithInterval(stats.WithReplicates(300)))
	require.NoError(t, err)
	for k, want := range s.Profile(taus) {
		e := estimates[k]
		require.InDelta(t, want, e.Value, 1e-12)
		require.True(t, e.Lo <= want+1e-12 && want <= e.Hi+1e-12 && e.Lo >= 0 && e.Hi <= 1+1e-12, "%v", e)
	}
	require.InDelta(t, 1, estimates[0].Lo, 1e-12)
	require.Zero(t, estimates[4].Hi)
	_, err = s.ProfileIntervals(t.Context(), []float64{math.NaN()})
	require.ErrorIs(t, err, tensor.ErrNotFinite)
}

// The score is the integral of the profile.
func TestProfileIntegrates(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	table := randomTable(t, rng, 6, 9, 3)
	for _, most := range []float64{1.5, 4, 10} {
		p, err := table.Profile(WithMaxRatio(most))
		require.NoError(t, err)
		require.Equal(t, most, p.MaxRatio())
		for s := range p.Submissions() {
			// Between the ratios the profile is constant.
			steps := slices.Sorted(slices.Values(append(p.Ratios(s), 1, most)))
			area := 0.0
			for i, a := range steps[:len(steps)-1] {
				if b := min(steps[i+1], most); a < b {
					area += (b - a) * p.Rho(s, (a+b)/2)
				}
			}
			golden.Same(t, area/(most-1), p.BenchmarkScores()[s], 1e-13, "score of %d up to %v", s, most)
			require.LessOrEqual(t, p.Rho(s, 1), p.Rho(s, most))
		}
	}
}

func TestProfileVariants(t *testing.T) {
	workloads := []Workload{{Name: "a"}, {Name: "a'", VariantOf: "a"}, {Name: "b"}}
	table, err := NewTimeTable([]string{"x", "y", "z"}, workloads, [][][]float64{
		{{10}, {10}, {20}},
		{{20}, {50}, {10}}, // the variant takes more than 4 times as long as the fastest
		{{10}, {15}, {inf}},
	})
	require.NoError(t, err)
	p, err := table.Profile()
	require.NoError(t, err)
	require.Equal(t, [][]float64{{1, 2}, {inf, 1}, {1, inf}}, p.ratios)
	scores := p.BenchmarkScores()
	require.InDeltaSlice(t, []float64{(3 + 2) / 6.0, 0.5, 0.5}, scores, 1e-15)
	s, err := table.BenchmarkScores(WithInterval(stats.WithReplicates(10)))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0, 0}, []float64{s[0].First, s[1].First, s[2].First})
	require.Equal(t, s[0].Score.Value, s[0].Score.Lo)
	require.ErrorIs(t, s[0].Score.Warnings[0], tradeoff.ErrTooFewRuns)

	// Equal submissions share the first place.
	twins, err := NewTimeTable([]string{"x", "y"}, workloads[:1], [][][]float64{{{10}}, {{10}}})
	require.NoError(t, err)
	s, err = twins.BenchmarkScores(WithInterval(stats.WithReplicates(10)))
	require.NoError(t, err)
	require.InDelta(t, 0.5, s[0].First, 1e-15)
	require.InDelta(t, 0.5, s[1].First, 1e-15)
}

// randomTable has workloads that some studies do not reach and some submissions did not run.
func randomTable(tb testing.TB, rng *rand.Rand, submissions, workloads, studies int) TimeTable {
	tb.Helper()
	var names []string
	var loads []Workload
	var times [][][]float64
	for w := range workloads {
		loads = append(loads, Workload{Name: fmt.Sprint("w", w)})
	}
	for s := range submissions {
		names = append(names, fmt.Sprint("s", s))
		row := make([][]float64, workloads)
		for w := range row {
			for range studies {
				v := math.Exp(rng.NormFloat64() / 2)
				if rng.IntN(10) == 0 {
					v = inf
				}
				row[w] = append(row[w], v)
			}
			if rng.IntN(20) == 0 {
				row[w] = nil
			}
		}
		times = append(times, row)
	}
	t, err := NewTimeTable(names, loads, times)
	require.NoError(tb, err)
	return t
}

// The accelerated interval of x over y mirrors that of y over x.
func TestImprovementBCa(t *testing.T) {
	x, y := randomScores(t, 3, 3, 9), randomScores(t, 4, 3, 7)
	for _, m := range []stats.Interval{stats.BC, stats.BCa, stats.Basic} {
		got, err := ProbabilityOfImprovement(x, y, WithInterval(stats.WithInterval(m)))
		require.NoError(t, err)
		back, err := ProbabilityOfImprovement(y, x, WithInterval(stats.WithInterval(m)))
		require.NoError(t, err)
		require.Equal(t, m, got.Interval)
		require.InDelta(t, 1-got.Hi, back.Lo, 0.03)
		require.InDelta(t, 1-got.Lo, back.Hi, 0.03)
		require.Less(t, got.Lo, got.Value)
		require.Less(t, got.Value, got.Hi)
	}
	one, err := NewScores([]string{"a"}, [][]float64{{1, 2, 3}})
	require.NoError(t, err)
	two, err := NewScores([]string{"a"}, [][]float64{{4, 5, 6}})
	require.NoError(t, err)
	_, err = ProbabilityOfImprovement(one, two, WithInterval(stats.WithInterval(stats.BCa)))
	require.ErrorIs(t, err, tradeoff.ErrDegenerate, "all replicates are 0")
}

// One trial needs fewer evaluations, the other less time.
func TestTrialTable(t *testing.T) {
	trials := []Trial{
		{Submission: "s", Workload: "w", Study: "1", Name: "few", Time: []float64{50, 100}, Value: []float64{nan, 1}},
		{Submission: "s", Workload: "w", Study: "1", Name: "fast", Time: []float64{20, 40, 60}, Value: []float64{0, 0.5, 2}},
		{Submission: "s", Workload: "w", Study: "2", Name: "never", Time: []float64{10}, Value: []float64{0.9}},
		{Submission: "s", Workload: "w", Study: "3", Name: "thinned", Time: []float64{30}, Value: []float64{1},
			Index: []int{7}},
		{Submission: "r", Workload: "v", Study: "1", Name: "loss", Time: []float64{5, 6}, Value: []float64{0.3, 0.2}},
	}
	workloads := []Workload{{Name: "w", Target: 1}, {Name: "v", Target: 0.2, Direction: tradeoff.LowerBetter}}
	for _, k := range []struct {
		opts    []TrialOption
		studies []float64
	}{{nil, []float64{100, inf, 30}}, {[]TrialOption{ByTime()}, []float64{60, inf, 30}}} {
		table, err := NewTrialTable(trials, workloads, k.opts...)
		require.NoError(t, err)
		require.Equal(t, []string{"s", "r"}, table.Submissions())
		require.Equal(t, workloads, table.Workloads())
		require.Equal(t, k.studies, table.studies[0][0])
		require.Equal(t, 6.0, table.Times()[1][1])
		require.True(t, math.IsNaN(table.Times()[0][1]))
	}
	_, err := NewTrialTable(trials, workloads, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}
