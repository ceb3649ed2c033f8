package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
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
		require.ErrorContains(t, k.err, "tradeoff: ", name)
	}
}

func second[T any](_ T, err error) error { return err }

var nan = math.NaN()

func TestStatisticsRefuse(t *testing.T) {
	x := []float64{1, 2, 3}
	same := []float64{2, 2, 2}
	requireFaults(t, map[string]fault{
		"Quantile empty":         {second(Quantile(nil, 0.5)), "no values", tensor.ErrEmpty},
		"Quantile p":             {second(Quantile(x, 1.5)), "p is 1.5", tensor.ErrRange},
		"Quantile p NaN":         {second(Quantile(x, nan)), "p is NaN", tensor.ErrRange},
		"Quantile NaN":           {second(Quantile([]float64{1, nan}, 0.5)), "x[1] is NaN", tensor.ErrNotFinite},
		"Mean empty":             {second(Mean(nil)), "x has no values", tensor.ErrEmpty},
		"Mean NaN":               {second(Mean([]float64{1, nan})), "x[1] = NaN", tensor.ErrNotFinite},
		"Mean infinite":          {second(Mean([]float64{inf})), "x[0] = +Inf", tensor.ErrNotFinite},
		"Mean overflow":          {second(Mean([]float64{1e308, 1e308})), "overflows", tensor.ErrNotFinite},
		"Mean method":            {second(Mean(x, WithMethod(OrderStatistics))), "order statistics", ErrConflict},
		"Mean unknown method":    {second(Mean(x, WithMethod(Method(99)))), "WithMethod(Method(99))", tensor.ErrRange},
		"Mean level":             {second(Mean(x, WithLevel(95))), "WithLevel(95)", tensor.ErrRange},
		"Mean replicates":        {second(Mean(x, WithReplicates(0))), "WithReplicates(0)", tensor.ErrRange},
		"Mean workers":           {second(Mean(x, WithWorkers(-1))), "WithWorkers(-1)", tensor.ErrRange},
		"Mean twice":             {second(Mean(x, WithSeed(1), WithSeed(2))), "WithSeed is given twice", ErrConflict},
		"Mean nil":               {second(Mean(x, nil)), "nil option", tensor.ErrEmpty},
		"Mean tasks":             {second(Mean(x, WithTasks())), "WithTasks does not apply", ErrConflict},
		"Mean BC without spread": {second(Mean(same, WithMethod(BC))), "use Percentile", ErrDegenerate},
		"GeometricMean empty":    {second(GeometricMean(nil)), "no values", tensor.ErrEmpty},
		"GeometricMean zero":     {second(GeometricMean([]float64{1, 0})), "x[1] = 0", ErrNonPositive},
		"GeometricMean range":    {second(GeometricMean([]float64{1, -1})), "x[1] = -1", tensor.ErrRange},
		"Median empty":           {second(Median(nil)), "no values", tensor.ErrEmpty},
		"Median method":          {second(Median(x, WithMethod(Studentized))), "studentized", ErrConflict},
		"MannWhitney a":          {second(MannWhitney(nil, x)), "a has no values", tensor.ErrEmpty},
		"MannWhitney b":          {second(MannWhitney(x, []float64{0, nan})), "b[1] = NaN", tensor.ErrNotFinite},
		"Welch a":                {second(Welch([]float64{1}, x)), "a has 1 value", ErrTooFewRuns},
		"Welch b":                {second(Welch(x, []float64{inf, 1})), "b[0] = +Inf", tensor.ErrNotFinite},
		"Welch without spread":   {second(Welch(same, same)), "neither sample varies", ErrDegenerate},
		"NonInferior margin":     {second(NonInferior(x, x, HigherBetter, -1)), "margin is -1", tensor.ErrRange},
		"NonInferior NaN":        {second(NonInferior(x, x, HigherBetter, nan)), "margin is NaN", tensor.ErrRange},
		"NonInferior direction":  {second(NonInferior(x, x, Direction(9), 1)), "direction is Direction(9)", tensor.ErrRange},
		"NonInferior base":       {second(NonInferior(nil, x, HigherBetter, 1)), "base has no values", tensor.ErrEmpty},
		"NonInferior method":     {second(NonInferior(x, nil, HigherBetter, 1)), "method has no values", tensor.ErrEmpty},
		"NonInferior option":     {second(NonInferior(x, x, HigherBetter, 1, WithSeed(1))), "WithSeed does not apply", ErrConflict},
		"Holm":                   {second(Holm([]float64{0.5, 2})), "p[1] = 2", tensor.ErrRange},
		"Hochberg":               {second(Hochberg([]float64{nan})), "p[0] = NaN", tensor.ErrRange},
	})
	p, err := Holm(nil)
	require.NoError(t, err)
	require.Empty(t, p)
}

func TestScoresRefuse(t *testing.T) {
	good, err := NewScores([]string{"a", "b"}, [][]float64{{1, 2}, {3}})
	require.NoError(t, err)
	other, err := NewScores([]string{"a", "c"}, [][]float64{{1, 2}, {3}})
	require.NoError(t, err)
	broken := NewStatistic("quotient", func([][]float64) float64 { return nan })
	requireFaults(t, map[string]fault{
		"no tasks":      {second(NewScores(nil, nil)), "no tasks", tensor.ErrEmpty},
		"names":         {second(NewScores([]string{"a"}, nil)), "1 names and runs of 0 tasks", tensor.ErrShape},
		"no runs":       {second(NewScores([]string{"a", "b"}, [][]float64{{1}, {}})), `task "b" has no runs`, tensor.ErrEmpty},
		"NaN":           {second(NewScores([]string{"a"}, [][]float64{{1, nan}})), `task "a", run 1: score NaN`, tensor.ErrNotFinite},
		"twice":         {second(NewScores([]string{"a", "a"}, [][]float64{{1}, {2}})), `task "a" is there twice`, ErrConflict},
		"zero value":    {second(Scores{}.Interval(IQM)), "no tasks", tensor.ErrEmpty},
		"no statistic":  {second(good.Interval(Statistic{})), "no statistic", tensor.ErrEmpty},
		"NaN statistic": {second(good.Interval(broken)), "the quotient of the scores is NaN", tensor.ErrNotFinite},
		"method":        {second(good.Interval(IQM, WithMethod(TInterval))), "t is not made of replicates", ErrConflict},
		"option":        {second(good.Interval(IQM, AtQuality(1))), "AtQuality does not apply", ErrConflict},
		"other tasks":   {second(ProbabilityOfImprovement(good, other)), `["a" "b"] and ["a" "c"]`, tensor.ErrShape},
		"nothing":       {second(ProbabilityOfImprovement(good, Scores{})), "no tasks", tensor.ErrEmpty},
		"level":         {second(ProbabilityOfImprovement(good, good, WithLevel(0))), "WithLevel(0)", tensor.ErrRange},
	})
}

func TestParetoRefuses(t *testing.T) {
	points, two := [][]float64{{1, 2}, {2, 1}}, []Sense{Min, Max}
	ragged, undefined := [][]float64{{1, 2}, {3}}, [][]float64{{1, 2}, {1, nan}}
	ref := []float64{3, 0}
	method := func(cost, quality []float64) []Measured { return []Measured{{"m", cost, quality}} }
	one := []float64{1}
	requireFaults(t, map[string]fault{
		"Frontier senses":           {second(Frontier(points, nil)), "no senses", tensor.ErrEmpty},
		"Frontier sense":            {second(Frontier(points, []Sense{Min, 7})), "senses[1] = 7", tensor.ErrRange},
		"Frontier ragged":           {second(Frontier(ragged, two)), "points[1] has 1 values for 2 senses", tensor.ErrShape},
		"Frontier NaN":              {second(Frontier(undefined, two)), "points[1][1] = NaN", tensor.ErrNotFinite},
		"Frontier option":           {second(Frontier(points, two, WithLevel(0.9))), "WithLevel does not apply", ErrConflict},
		"Ranks":                     {second(Ranks(ragged, two)), "Ranks: points[1]", tensor.ErrShape},
		"Hypervolume ref":           {second(Hypervolume(points, one, two)), "ref has 1 values for 2 senses", tensor.ErrShape},
		"Hypervolume infinite":      {second(Hypervolume(points, []float64{inf, 0}, two)), "ref[0] = +Inf", tensor.ErrNotFinite},
		"Hypervolume points":        {second(Hypervolume(undefined, ref, two)), "points[1][1] = NaN", tensor.ErrNotFinite},
		"Contributions":             {second(Contributions(ragged, ref, two)), "Contributions: points[1]", tensor.ErrShape},
		"Contributions ref":         {second(Contributions(points, nil, two)), "ref has 0 values", tensor.ErrShape},
		"AdditiveEpsilon":           {second(AdditiveEpsilon(nil, points, two)), "0 points and 2 of reference", tensor.ErrEmpty},
		"AdditiveEpsilon ref":       {second(AdditiveEpsilon(points, ragged, two)), "reference[1]", tensor.ErrShape},
		"MultiplicativeEpsilon":     {second(MultiplicativeEpsilon(points, [][]float64{{1, 0}}, two)), "reference[0][1] = 0", ErrNonPositive},
		"MultiplicativeEpsilon NaN": {second(MultiplicativeEpsilon(undefined, points, two)), "points[1][1] = NaN", tensor.ErrNotFinite},
		"IGDPlus":                   {second(IGDPlus(points, nil, two)), "2 points and 0 of reference", tensor.ErrEmpty},
		"ParetoVerdicts none":       {second(ParetoVerdicts(nil, HigherBetter)), "no methods", tensor.ErrEmpty},
		"ParetoVerdicts shape":      {second(ParetoVerdicts(method(one, nil), HigherBetter)), `"m" has 1 costs and 0 qualities`, tensor.ErrShape},
		"ParetoVerdicts empty":      {second(ParetoVerdicts(method(nil, nil), HigherBetter)), `the cost of "m"`, tensor.ErrEmpty},
		"ParetoVerdicts NaN":        {second(ParetoVerdicts(method(one, []float64{nan}), HigherBetter)), `the quality of "m"[0] = NaN`, tensor.ErrNotFinite},
		"ParetoVerdicts direction":  {second(ParetoVerdicts(method(one, one), Direction(2))), "Direction(2)", tensor.ErrRange},
		"ParetoVerdicts option":     {second(ParetoVerdicts(method(one, one), HigherBetter, WithMethod(BCa))), "WithMethod does not apply", ErrConflict},
	})
	empty, err := Frontier(nil, two)
	require.NoError(t, err)
	require.Empty(t, empty)
	v, err := Hypervolume(nil, ref, two)
	require.NoError(t, err)
	require.Zero(t, v)
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
		"nothing":        {second(NewTimeTable(nil, nil, nil)), "0 submissions and 0 workloads", tensor.ErrEmpty},
		"rows":           {second(NewTimeTable(s, w, nil)), "1 submissions and studies of 0", tensor.ErrShape},
		"columns":        {table(), `"s" has studies of 0 workloads, want 1`, tensor.ErrShape},
		"NaN":            {table([]float64{1, nan}), `submission "s", workload "w", study 1: time NaN`, tensor.ErrNotFinite},
		"zero":           {table([]float64{0}), "study 0: time 0", ErrNonPositive},
		"twice":          {second(NewTimeTable(s, []Workload{{Name: "w"}, {Name: "w"}}, [][][]float64{{nil, nil}})), `workload "w" is there twice`, ErrConflict},
		"same names":     {second(NewTimeTable([]string{"s", "s"}, w, [][][]float64{{nil}, {nil}})), `submission "s" is there twice`, ErrConflict},
		"no base":        {second(NewTimeTable(s, []Workload{{Name: "w", VariantOf: "v"}}, [][][]float64{{nil}})), `"w" is a variant of "v"`, tensor.ErrRange},
		"own base":       {second(NewTimeTable(s, []Workload{{Name: "w", VariantOf: "w"}}, [][][]float64{{nil}})), `"w" is a variant of "w"`, tensor.ErrRange},
		"lengths":        {trial(short, w...), "trial 0 (s, w) has 2 times, 0 values", tensor.ErrShape},
		"workload":       {trial(outside, w...), `trial 0 is of workload "v"`, tensor.ErrRange},
		"target":         {trial(run, Workload{Name: "w", Target: nan}), `the target of workload "w" is NaN`, tensor.ErrNotFinite},
		"direction":      {trial(run, Workload{Name: "w", Direction: 5}), `the direction of workload "w" is Direction(5)`, tensor.ErrRange},
		"time of target": {trial(late, Workload{Name: "w", Target: 1}), "time NaN", tensor.ErrNotFinite},
		"trials":         {second(NewTrialTable(nil, w)), "0 submissions", tensor.ErrEmpty},
		"zero value":     {second(TimeTable{}.Profile()), "no submissions", tensor.ErrEmpty},
		"zero scores":    {second(TimeTable{}.Scores()), "no submissions", tensor.ErrEmpty},
		"ratio":          {second(good.Profile(WithMaxRatio(1))), "WithMaxRatio(1)", tensor.ErrRange},
		"infinite ratio": {second(good.Scores(WithMaxRatio(inf))), "WithMaxRatio(+Inf)", tensor.ErrRange},
		"method":         {second(good.Scores(WithMethod(BCa))), "WithMethod does not apply", ErrConflict},
		"tasks":          {second(good.Profile(WithTasks())), "WithTasks does not apply", ErrConflict},
	})
}
