package tradeoff

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// levels draws n values of few, so that ties are likely.
func levels(rng *rand.Rand, n, few int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(rng.IntN(few))
	}
	return x
}

// The exact distribution of U is that over all ways to choose a's values out of all.
func TestMannWhitneyByEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 150 {
		na, nb := 1+rng.IntN(6), 1+rng.IntN(6)
		a, b := levels(rng, na, 2+rng.IntN(6)), levels(rng, nb, 2+rng.IntN(6))
		all := slices.Concat(a, b)
		twiceU := func(chosen uint) int {
			u := 0
			for i, x := range all {
				for j, y := range all {
					if chosen>>i&1 == 1 && chosen>>j&1 == 0 {
						switch {
						case x > y:
							u += 2
						case x == y:
							u++
						}
					}
				}
			}
			return u
		}
		observed, middle := twiceU(1<<na-1), na*nb
		var total, less, greater, far int
		for chosen := uint(0); chosen < 1<<len(all); chosen++ {
			if bits.OnesCount(chosen) != na {
				continue
			}
			u := twiceU(chosen)
			total++
			if u <= observed {
				less++
			}
			if u >= observed {
				greater++
			}
			if abs(u-middle) >= abs(observed-middle) {
				far++
			}
		}
		got, err := MannWhitney(a, b)
		require.NoError(t, err)
		require.True(t, got.Exact)
		require.Equal(t, float64(observed)/2, got.U)
		same(t, float64(less)/float64(total), got.Less, 1e-14, "less of %v and %v", a, b)
		same(t, float64(greater)/float64(total), got.Greater, 1e-14, "greater of %v and %v", a, b)
		same(t, float64(far)/float64(total), got.P, 1e-14, "p of %v and %v", a, b)
	}
}

// At the size where the exact distribution ends, the normal one is close, with ties and without.
func TestMannWhitneyApproximation(t *testing.T) {
	for few, tol := range map[int]float64{3: 0.06, 10: 0.005, 1 << 30: 0.002} { // of few values U takes few, far apart
		rng := rand.New(rand.NewPCG(9, uint64(few)))
		a, b := levels(rng, 50, few), levels(rng, 50, few)
		for i := range a {
			a[i] += float64(few/4) * float64(i%2)
		}
		exact, err := MannWhitney(a, b)
		require.NoError(t, err)
		require.True(t, exact.Exact)
		groups, _ := rankSum(a, b)
		p, less, greater := normalU(groups, 50, 50, exact.U)
		require.InDelta(t, exact.P, p, tol)
		require.InDelta(t, exact.Less, less, tol)
		require.InDelta(t, exact.Greater, greater, tol)
		more, err := MannWhitney(append(a, 0), b)
		require.NoError(t, err)
		require.False(t, more.Exact)
	}
	equal, err := MannWhitney(make([]float64, 60), make([]float64, 60))
	require.NoError(t, err)
	require.Equal(t, [3]float64{1, 1, 1}, [3]float64{equal.P, equal.Less, equal.Greater})
	require.ErrorIs(t, equal.Warnings[0], ErrDegenerate)
	few, err := MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6})
	require.NoError(t, err)
	require.Equal(t, 0.1, few.P)
	require.ErrorIs(t, few.Warnings[0], ErrTooFewRuns)
}

// Holm's adjusted P is the largest Bonferroni P of all sets of hypotheses that contain the one in question (closed
// testing), and Hochberg rejects, at any level, what its steps say.
func TestAdjustmentsByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		p := make([]float64, 1+rng.IntN(6))
		for i := range p {
			p[i] = math.Round(rng.Float64()*rng.Float64()*40) / 40
		}
		holm, err := Holm(p)
		require.NoError(t, err)
		hochberg, err := Hochberg(p)
		require.NoError(t, err)
		want := make([]float64, len(p))
		for set := uint(1); set < 1<<len(p); set++ {
			least := 1.0
			for i, v := range p {
				if set>>i&1 == 1 {
					least = min(least, v)
				}
			}
			for i := range p {
				if set>>i&1 == 1 {
					want[i] = max(want[i], min(1, least*float64(bits.OnesCount(set))))
				}
			}
		}
		for i := range p {
			same(t, want[i], holm[i], 1e-15, "Holm %d of %v", i, p)
		}
		sorted := slices.Sorted(slices.Values(p))
		for _, alpha := range []float64{0.013, 0.051, 0.11, 0.37} {
			cut := -1.0 // the largest P that is rejected
			for k, v := range sorted {
				if v <= alpha/float64(len(p)-k) {
					cut = v
				}
			}
			for i, v := range p {
				require.Equal(t, v <= cut, hochberg[i] <= alpha, "Hochberg %d of %v at %v", i, p, alpha)
			}
		}
	}
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
		fixed := func(c *config) { // draws that depend on the replicate alone
			c.replicates = 40
			c.draws = func(b int, drawn [][]int) {
				r := tensor.Stream(99, uint64(b))
				for _, runs := range drawn {
					for i := range runs {
						runs[i] = r.IntN(len(runs))
					}
				}
			}
		}
		for _, stat := range []Statistic{IQM, MeanScore, MedianScore, OptimalityGap(4)} {
			var c config
			fixed(&c)
			counted, direct := s.replicates(&c, stat), s.replicates(&c, NewStatistic("", stat.of))
			for b := range counted {
				same(t, direct[b], counted[b], 1e-12, "%v of %v", stat, s.byTask)
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
			u, err := MannWhitney(x.byTask[k], y.byTask[k])
			require.NoError(t, err)
			want += u.U / float64(u.NA*u.NB*len(x.tasks))
		}
		got, err := ProbabilityOfImprovement(x, y, WithReplicates(50))
		require.NoError(t, err)
		same(t, want, got.Value, 1e-14, "improvement")
		back, err := ProbabilityOfImprovement(y, x, WithReplicates(50))
		require.NoError(t, err)
		same(t, 1-want, back.Value, 1e-14, "the other way")
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
			same(t, v, stat.of(reversed.byTask), 1e-13, "%v reversed", stat)
			same(t, 3*v-5, stat.of(affine.byTask), 1e-13, "%v scaled", stat)
			require.GreaterOrEqual(t, stat.of(better.byTask), v-1e-12)
		}
		require.LessOrEqual(t, better.OptimalityGap(4), s.OptimalityGap(4)+1e-12)
		same(t, 9-s.Mean(), s.OptimalityGap(9), 1e-13, "gap to what no score exceeds")
		taus := []float64{-1, 0, 2.5, 4, 8}
		p := s.Profile(taus)
		require.Equal(t, 1.0, math.Round(p[0]*1e12)/1e12)
		require.Zero(t, p[len(p)-1])
		require.True(t, slices.IsSortedFunc(p, func(a, b float64) int { return order(b, a) * boolInt(a != b) }))
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Large sets, with objectives to be small and large, against the definitions.
func TestParetoOfManyPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for d := 1; d <= 5; d++ {
		senses := []Sense{Min, Max, Max, Min, Max}[:d]
		points := make([][]float64, 250)
		for i := range points {
			for k := range d {
				// Half of them near a plane, so that the frontier is long, and some equal.
				v := math.Round(rng.Float64()*200) / 20
				if i%2 == 0 && k == d-1 {
					for _, u := range points[i] {
						v += u / 3
					}
				}
				points[i] = append(points[i], v)
			}
		}
		worse := func(p, q []float64) bool { // p than q
			strictly := false
			for k, s := range senses {
				a, b := p[k], q[k]
				if s == Max {
					a, b = -a, -b
				}
				if a < b {
					return false
				}
				strictly = strictly || a > b
			}
			return strictly
		}
		var want []int
		for i, p := range points {
			if !slices.ContainsFunc(points, func(q []float64) bool { return worse(p, q) }) {
				want = append(want, i)
			}
		}
		front, err := Frontier(points, senses)
		require.NoError(t, err)
		require.Equal(t, want, front)
		ranks, err := Ranks(points, senses)
		require.NoError(t, err)
		for i, p := range points {
			least := 0 // one more than the largest rank of those that dominate it
			for j, q := range points {
				if worse(p, q) {
					least = max(least, ranks[j]+1)
				}
			}
			require.Equal(t, least, ranks[i])
		}
		if d > 3 {
			points, front = points[:60], nil
			if front, err = Frontier(points, senses); err != nil {
				t.Fatal(err)
			}
		}
		ref := []float64{11, -1, -1, 11, -1}[:d]
		all, err := Hypervolume(points, ref, senses)
		require.NoError(t, err)
		share, err := Contributions(points, ref, senses)
		require.NoError(t, err)
		for i := range points {
			if !slices.Contains(front, i) {
				require.Zero(t, share[i])
				continue
			}
			var others [][]float64
			for _, j := range front {
				if j != i {
					others = append(others, points[j])
				}
			}
			without, err := Hypervolume(others, ref, senses)
			require.NoError(t, err)
			same(t, (all-without)/all, share[i]/all, 1e-12, "share of point %d in %d objectives", i, d)
		}
	}
}

func TestIndicators(t *testing.T) {
	senses := []Sense{Min, Max}
	reference := [][]float64{{1, 1}, {3, 3}}
	points := [][]float64{{2, 1}, {5, 4}}
	// (1, 1) is 1 from what (2, 1) dominates; (3, 3) is 2 from what (5, 4) does and sqrt 4 from (2, 1).
	d, err := IGDPlus(points, reference, senses)
	require.NoError(t, err)
	same(t, 1.5, d, 1e-15, "IGD+")
	e, err := AdditiveEpsilon(points, reference, senses)
	require.NoError(t, err)
	require.Equal(t, 2.0, e)
	m, err := MultiplicativeEpsilon(points, reference, senses)
	require.NoError(t, err)
	require.Equal(t, 2.0, m) // (2, 1) of (1, 1), and 5/3 of (3, 3)
	for _, f := range []func(p, r [][]float64, s []Sense) (float64, error){AdditiveEpsilon, IGDPlus} {
		v, err := f(reference, reference, senses)
		require.NoError(t, err)
		require.Zero(t, v)
	}
	v, err := MultiplicativeEpsilon(reference, reference, senses)
	require.NoError(t, err)
	require.Equal(t, 1.0, v)
}

func TestVerdictsOfFewRuns(t *testing.T) {
	// Far apart, but one run of each tells nothing of chance.
	s, err := ParetoVerdicts([]Measured{{"good", []float64{1}, []float64{9}}, {"bad", []float64{5}, []float64{2}}}, HigherBetter)
	require.NoError(t, err)
	require.Equal(t, []Verdict{OnFrontier, Ambiguous}, []Verdict{s[0].Verdict, s[1].Verdict})
	require.ErrorIs(t, s[1].Warnings[0], ErrTooFewRuns)
	s, err = ParetoVerdicts([]Measured{{"good", []float64{1, 2, 3}, []float64{1, 2, 3}}, {"bad", []float64{5, 6, 7}, []float64{8, 8, 9}}}, LowerBetter)
	require.NoError(t, err)
	require.Equal(t, []Verdict{OnFrontier, Dominated}, []Verdict{s[0].Verdict, s[1].Verdict})
	require.Equal(t, 1.0, s[0].Optimal)
	alone, err := ParetoVerdicts([]Measured{{"alone", []float64{1, 1}, []float64{1, 1}}}, LowerBetter)
	require.NoError(t, err)
	require.Equal(t, OnFrontier, alone[0].Verdict)
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
			same(t, area/(most-1), p.Scores()[s], 1e-13, "score of %d up to %v", s, most)
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
	scores := p.Scores()
	require.InDeltaSlice(t, []float64{(3 + 2) / 6.0, 0.5, 0.5}, scores, 1e-15)
	s, err := table.Scores(WithReplicates(10))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0, 0}, []float64{s[0].First, s[1].First, s[2].First})
	require.Equal(t, s[0].Score.Value, s[0].Score.Lo)
	require.ErrorIs(t, s[0].Score.Warnings[0], ErrTooFewRuns)

	// Equal submissions share the first place.
	twins, err := NewTimeTable([]string{"x", "y"}, workloads[:1], [][][]float64{{{10}}, {{10}}})
	require.NoError(t, err)
	s, err = twins.Scores(WithReplicates(10))
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

// Same seed, same bits: whatever the number of processors and workers. Another seed, other bits.
func TestBootstrapIsDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	x, y := randomScores(t, 1, 7, 5), randomScores(t, 2, 7, 5)
	table := randomTable(t, rng, 5, 6, 3)
	var methods []Measured
	var sample []float64
	for i := range 4 {
		m := Measured{Name: fmt.Sprint(i)}
		for range 6 {
			m.Cost = append(m.Cost, 5+rng.NormFloat64())
			m.Quality = append(m.Quality, rng.NormFloat64())
		}
		methods = append(methods, m)
		sample = append(sample, m.Cost...)
	}
	all := func(seed uint64, workers int) []any {
		opts := []Option{WithSeed(seed), WithWorkers(workers), WithReplicates(500)}
		with := func(more ...Option) []Option { return append(slices.Clone(opts), more...) }
		var got []any
		keep := func(v any, err error) {
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%v", v))
		}
		for _, stat := range []Statistic{IQM, MeanScore, MedianScore, OptimalityGap(1)} {
			keep2(keep)(x.Interval(stat, opts...))
			keep2(keep)(x.Interval(stat, with(WithTasks(), WithMethod(BCa))...))
		}
		keep2(keep)(ProbabilityOfImprovement(x, y, opts...))
		keep2(keep)(ProbabilityOfImprovement(x, y, with(WithTasks())...))
		keep2(keep)(Mean(sample, with(WithMethod(Studentized))...))
		keep2(keep)(GeometricMean(sample, with(WithMethod(BCa))...))
		keep2(keep)(Median(sample, with(WithMethod(Basic))...))
		standings, err := ParetoVerdicts(methods, HigherBetter, opts...)
		keep(standings, err)
		scores, err := table.Scores(with(WithTasks())...)
		keep(scores, err)
		return got
	}
	want := all(1, 0)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for _, workers := range []int{0, 1, 3} {
				require.Equal(t, want, all(1, workers), "%d processors, %d workers", procs, workers)
			}
		}()
	}
	other := all(2, 0)
	for i := range want {
		require.NotEqual(t, want[i], other[i])
	}
}

// keep2 keeps all digits of an estimate.
func keep2(keep func(any, error)) func(Estimate, error) {
	return func(e Estimate, err error) { keep([3]float64{e.Value, e.Lo, e.Hi}, err) }
}

func TestFormatDelta(t *testing.T) {
	for want, k := range map[string][3]float64{
		"~": {1, 2, 0.051}, "+100.00%": {1, 2, 0.05}, "-50.00%": {2, 1, 0.01}, "-100.00%": {2, 0, 0.01}, "0.00%": {3, 3, 0.01},
		"?": {0, 1, 0.01}, "+25.00%": {-4, -3, 0.01},
	} {
		require.Equal(t, want, FormatDelta(k[0], k[1], k[2]))
	}
	require.Equal(t, "?", FormatDelta(-1, 1, 0))
	require.Equal(t, "?", FormatDelta(1, -1, 0))
	require.Equal(t, "~", FormatDelta(1, 2, nan))
}

func TestStudentizedOfFewRuns(t *testing.T) {
	for _, x := range [][]float64{{5}, {5, 5, 5}, {1, 2, 4}} {
		e, err := Mean(x, WithMethod(Studentized))
		require.NoError(t, err)
		require.Equal(t, [2]float64{math.Inf(-1), inf}, [2]float64{e.Lo, e.Hi}, "%v", x)
		require.NotEmpty(t, e.Warnings, "%v", x)
	}
	// The pivot of a replicate is the mean's distance in standard errors: the interval follows shifts and scales.
	x := []float64{3, 1, 4, 1, 5, 9, 2, 6}
	e, err := Mean(x, WithMethod(Studentized))
	require.NoError(t, err)
	require.Empty(t, e.Warnings)
	var y []float64
	for _, v := range x {
		y = append(y, 10-2*v)
	}
	m, err := Mean(y, WithMethod(Studentized))
	require.NoError(t, err)
	same(t, 10-2*e.Hi, m.Lo, 1e-9, "lo")
	same(t, 10-2*e.Lo, m.Hi, 1e-9, "hi")
}

func TestQuantileOfInfinities(t *testing.T) {
	for _, k := range []struct {
		x    []float64
		p    float64
		want float64
	}{
		{[]float64{1, inf}, 0.5, inf}, {[]float64{1, inf}, 0, 1}, {[]float64{-inf, 1}, 0.5, -inf}, {[]float64{-inf, 1}, 1, 1},
		{[]float64{-inf, inf}, 0.5, nan}, {[]float64{inf, inf}, 0.3, inf}, {[]float64{1, 2, inf}, 0.5, 2}, {[]float64{3}, 0.7, 3},
	} {
		got, err := Quantile(k.x, k.p)
		require.NoError(t, err)
		same(t, k.want, got, 0, "quantile %v of %v", k.p, k.x)
	}
}

// The accelerated interval of x over y mirrors that of y over x.
func TestImprovementBCa(t *testing.T) {
	x, y := randomScores(t, 3, 3, 9), randomScores(t, 4, 3, 7)
	for _, m := range []Method{BC, BCa, Basic} {
		got, err := ProbabilityOfImprovement(x, y, WithMethod(m))
		require.NoError(t, err)
		back, err := ProbabilityOfImprovement(y, x, WithMethod(m))
		require.NoError(t, err)
		require.Equal(t, m, got.Method)
		require.InDelta(t, 1-got.Hi, back.Lo, 0.03)
		require.InDelta(t, 1-got.Lo, back.Hi, 0.03)
		require.Less(t, got.Lo, got.Value)
		require.Less(t, got.Value, got.Hi)
	}
	one, err := NewScores([]string{"a"}, [][]float64{{1, 2, 3}})
	require.NoError(t, err)
	two, err := NewScores([]string{"a"}, [][]float64{{4, 5, 6}})
	require.NoError(t, err)
	_, err = ProbabilityOfImprovement(one, two, WithMethod(BCa))
	require.ErrorIs(t, err, ErrDegenerate, "all replicates are 0")
}

// Where the acceleration has its pole, quantiles are those of the outermost replicates and do not wrap around.
func TestBCaPastThePole(t *testing.T) {
	replicates := make([]float64, 1000)
	for i := range replicates {
		replicates[i] = float64(i)
	}
	c := config{level: 1 - 1e-12}
	lo, hi, err := c.fromReplicates(BCa, 900, replicates, [][]float64{{1, 0, 0}}) // acceleration 1/6
	require.NoError(t, err)
	require.Equal(t, 999.0, hi)
	require.Less(t, lo, 900.0)
	lo, hi, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{-1, 0, 0}})
	require.NoError(t, err)
	require.Equal(t, 0.0, lo)
	require.Greater(t, hi, 100.0)
	c.level = math.Nextafter(1, 0) // its upper end rounds to probability 1
	for _, m := range []Method{BC, BCa, Percentile} {
		lo, hi, err = c.fromReplicates(m, 100, replicates, [][]float64{{1, 0}})
		require.NoError(t, err)
		require.Less(t, lo, 100.0)
		require.Equal(t, 999.0, hi)
	}
	_, _, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{nan}})
	require.ErrorIs(t, err, ErrDegenerate)
	// No influence, no acceleration: BC.
	lo, hi, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{0, 0}})
	require.NoError(t, err)
	bcLo, bcHi, err := c.fromReplicates(BC, 100, replicates, nil)
	require.NoError(t, err)
	require.Equal(t, [2]float64{bcLo, bcHi}, [2]float64{lo, hi})
}

// One trial needs fewer evaluations, the other less time.
func TestTrialTable(t *testing.T) {
	trials := []Trial{
		{Submission: "s", Workload: "w", Study: "1", Name: "few", Time: []float64{50, 100}, Value: []float64{nan, 1}},
		{Submission: "s", Workload: "w", Study: "1", Name: "fast", Time: []float64{20, 40, 60}, Value: []float64{0, 0.5, 2}},
		{Submission: "s", Workload: "w", Study: "2", Name: "never", Time: []float64{10}, Value: []float64{0.9}},
		{Submission: "s", Workload: "w", Study: "3", Name: "thinned", Time: []float64{30}, Value: []float64{1}, Index: []int{7}},
		{Submission: "r", Workload: "v", Study: "1", Name: "loss", Time: []float64{5, 6}, Value: []float64{0.3, 0.2}},
	}
	workloads := []Workload{{Name: "w", Target: 1}, {Name: "v", Target: 0.2, Direction: LowerBetter}}
	for _, k := range []struct {
		opts    []Option
		studies []float64
	}{{nil, []float64{100, inf, 30}}, {[]Option{ByTime()}, []float64{60, inf, 30}}} {
		table, err := NewTrialTable(trials, workloads, k.opts...)
		require.NoError(t, err)
		require.Equal(t, []string{"s", "r"}, table.Submissions())
		require.Equal(t, workloads, table.Workloads())
		require.Equal(t, k.studies, table.studies[0][0])
		require.Equal(t, 6.0, table.Times()[1][1])
		require.True(t, math.IsNaN(table.Times()[0][1]))
	}
	_, err := NewTrialTable(trials, workloads, ByTime(), ByTime())
	require.ErrorIs(t, err, ErrConflict)
}

func TestNamesOfVerdicts(t *testing.T) {
	require.Equal(t, "frontier ambiguous dominated Verdict(3)", fmt.Sprint(OnFrontier, " ", Ambiguous, " ", Dominated, " ", Verdict(3)))
	require.Equal(t, "better by at least 1 (95% bound), non-inferior p=0.001", NonInferiority{Lower: 1, P: 0.001, Level: 0.95}.String())
	require.True(t, NonInferiority{Equivalence: 0.04, Level: 0.95}.Equivalent())
	require.False(t, NonInferiority{Equivalence: 0.06, Level: 0.95}.Equivalent())
	require.Equal(t, "p=0.250 n=3+4", UTest{P: 0.25, NA: 3, NB: 4}.String())
}

func TestResultsAsJSON(t *testing.T) {
	u, err := MannWhitney([]float64{1, 2}, []float64{2, 3})
	require.NoError(t, err)
	b, err := json.Marshal(u)
	require.NoError(t, err)
	require.JSONEq(t, `{"u": 0.5, "p": 0.6666666666666666, "p_less": 0.3333333333333333, "p_greater": 1, "n_a": 2, "n_b": 2, "exact": true,
		"warnings": ["2 and 2 samples cannot show a difference at alpha level 0.05; 4 and 4 can: too few runs"]}`, string(b))
	s, err := ParetoVerdicts([]Measured{{"a", []float64{1}, []float64{2}}, {"b", []float64{2}, []float64{1}}}, HigherBetter)
	require.NoError(t, err)
	b, err = json.Marshal(s[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "b", "cost": 2, "quality": 1, "optimal": 0, "dominated_by": [1, 0], "verdict": "ambiguous",
		"warnings": ["1 run cannot tell anything of the spread; run 3 seeds or more: too few runs"]}`, string(b))
}
