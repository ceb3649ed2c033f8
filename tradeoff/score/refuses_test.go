package score

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// fault is an error with what it must say and be.
type fault struct {
	err  error
	says string
	is   error
}

func requireFaults(t *testing.T, faults map[string]fault) {
	t.Helper()
	for name, k := range faults {
		require.ErrorContains(t, k.err, k.says, name)
		require.ErrorIs(t, k.err, k.is, name)
		require.ErrorContains(t, k.err, "score: ", name)
	}
}

func second[T any](_ T, err error) error { return err }

func TestScoresRefuse(t *testing.T) {
	good, err := NewScores([]string{"a", "b"}, [][]float64{{1, 2}, {3}})
	require.NoError(t, err)
	other, err := NewScores([]string{"a", "c"}, [][]float64{{1, 2}, {3}})
	require.NoError(t, err)
	ctx := t.Context()
	broken := NewStatistic("quotient", func([][]float64) float64 { return nan })
	requireFaults(t, map[string]fault{
		"no tasks": {second(NewScores(nil, nil)), "no tasks", tensor.ErrEmpty},
		"names":    {second(NewScores([]string{"a"}, nil)), "1 names and runs of 0 tasks", tensor.ErrShape},
		"no runs": {second(NewScores([]string{"a", "b"}, [][]float64{{1}, {}})), `task "b" has no runs`,
			tensor.ErrEmpty},
		"NaN": {second(NewScores([]string{"a"}, [][]float64{{1, nan}})), `task "a", run 1: score NaN`,
			tensor.ErrNotFinite},
		"twice": {second(NewScores([]string{"a", "a"}, [][]float64{{1}, {2}})), `task "a" is there twice`,
			tensor.ErrConflict},
		"zero value":    {second(Scores{}.Interval(ctx, IQM)), "no tasks", tensor.ErrEmpty},
		"no statistic":  {second(good.Interval(ctx, Statistic{})), "no statistic", tensor.ErrEmpty},
		"NaN statistic": {second(good.Interval(ctx, broken)), "the quotient of the scores is NaN", tensor.ErrNotFinite},
		"method": {second(good.Interval(ctx, IQM, WithInterval(stats.WithInterval(stats.TInterval)))),
			"t is not made of replicates", tensor.ErrConflict},
		"other tasks": {second(ProbabilityOfImprovement(good, other)), `["a" "b"] and ["a" "c"]`, tensor.ErrShape},
		"nothing":     {second(ProbabilityOfImprovement(good, Scores{})), "no tasks", tensor.ErrEmpty},
		"level": {second(ProbabilityOfImprovement(good, good, WithInterval(stats.WithLevel(0)))), "WithLevel(0)",
			tensor.ErrRange},
	})
}

func TestTimeTableRefuses(t *testing.T) {
	s, w := []string{"s"}, []Workload{{Name: "w"}}
	table := func(studies ...[]float64) error { return second(NewTimeTable(s, w, [][][]float64{studies})) }
	trial := func(r Trial, w ...Workload) error { return second(NewTrialTable([]Trial{r}, w)) }
	run := Trial{Submission: "s", Workload: "w", Time: []float64{1, 2}, Value: []float64{0, 1}}
	short, outside, late := run, run, run
	short.Value, outside.Workload, late.Time = nil, "v", []float64{1, nan}
	good, err := NewTimeTable(s, w, [][][]float64{{{1}}})
	require.NoError(t, err)
	requireFaults(t, map[string]fault{
		"nothing": {second(NewTimeTable(nil, nil, nil)), "0 submissions and 0 workloads", tensor.ErrEmpty},
		"rows":    {second(NewTimeTable(s, w, nil)), "1 submissions and studies of 0", tensor.ErrShape},
		"columns": {table(), `"s" has studies of 0 workloads, want 1`, tensor.ErrShape},
		"NaN":     {table([]float64{1, nan}), `submission "s", workload "w", study 1: time NaN`, tensor.ErrNotFinite},
		"zero":    {table([]float64{0}), "study 0: time 0", tradeoff.ErrNonPositive},
		"twice": {second(NewTimeTable(s, []Workload{{Name: "w"}, {Name: "w"}}, [][][]float64{{nil, nil}})),
			`workload "w" is there twice`, tensor.ErrConflict},
		"same names": {second(NewTimeTable([]string{"s", "s"}, w, [][][]float64{{nil}, {nil}})),
			`submission "s" is there twice`, tensor.ErrConflict},
		"no base": {second(NewTimeTable(s, []Workload{{Name: "w", VariantOf: "v"}}, [][][]float64{{nil}})),
			`"w" is a variant of "v"`, tensor.ErrRange},
		"own base": {second(NewTimeTable(s, []Workload{{Name: "w", VariantOf: "w"}}, [][][]float64{{nil}})),
			`"w" is a variant of "w"`, tensor.ErrRange},
		"lengths":  {trial(short, w...), "trial 0 (s, w) has 2 times, 0 values", tensor.ErrShape},
		"workload": {trial(outside, w...), `trial 0 is of workload "v"`, tensor.ErrRange},
		"target": {trial(run, Workload{Name: "w", Target: nan}), `the target of workload "w" is NaN`,
			tensor.ErrNotFinite},
		"direction": {trial(run, Workload{Name: "w", Direction: 5}), `the direction of workload "w" is direction(5)`,
			tensor.ErrRange},
		"time of target": {trial(late, Workload{Name: "w", Target: 1}), "time NaN", tensor.ErrNotFinite},
		"trials":         {second(NewTrialTable(nil, w)), "0 submissions", tensor.ErrEmpty},
		"zero value":     {second(TimeTable{}.Profile()), "no submissions", tensor.ErrEmpty},
		"zero scores":    {second(TimeTable{}.BenchmarkScores()), "no submissions", tensor.ErrEmpty},
		"ratio":          {second(good.Profile(WithMaxRatio(1))), "WithMaxRatio(1)", tensor.ErrRange},
		"infinite ratio": {second(good.BenchmarkScores(WithMaxRatio(inf))), "WithMaxRatio(+Inf)", tensor.ErrRange},
		"interval": {second(good.BenchmarkScores(WithInterval(stats.WithInterval(stats.BCa)))), "without a jackknife",
			tensor.ErrConflict},
	})
}
