package tradeofftest

import (
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

// Property is one that most summaries of scores have.
type Property string

// The properties that [CheckStatistic] can be told to leave out.
const (
	Permutation Property = "permutation" // the order of the runs says nothing
	Scale       Property = "scale"       // twice the scores are twice the statistic
	Monotone    Property = "monotone"    // a better score is no worse statistic
)

// CheckStatistic fails the test for every property that a statistic of the scores of runs lacks:
//
//   - finite results, the same when called again, and the scores left as they were;
//   - each [Property] that is not among without: a standard deviation has no business to be [Monotone], nor an
//     optimality gap, which also has no [Scale].
//
// It is called with 1 to 13 scores between 0 and 2, ties among them.
func CheckStatistic(t testing.TB, statistic func(scores []float64) float64, without ...Property) {
	t.Helper()
	var failed []Property // one report of each
	fail := func(p Property, format string, args ...any) {
		t.Helper()
		if !slices.Contains(failed, p) && !slices.Contains(without, p) {
			failed = append(failed, p)
			t.Errorf(format, args...)
		}
	}
	const purity = Property("purity")
	for trial := range 130 {
		rng := tensor.Stream(1, uint64(trial))
		x := make([]float64, 1+trial%13)
		for i := range x {
			x[i] = 2 * rng.Float64()
			if trial%2 == 1 {
				x[i] = float64(1+rng.IntN(8)) / 4 // ties
			}
		}
		given := slices.Clone(x)
		v := statistic(given)
		if v-v != 0 {
			fail("finite", "the statistic of %v is %v\nEvery sample of finite scores, a single one too, needs a finite number.",
				x, v)
			return
		}
		if !slices.Equal(given, x) {
			fail(purity, "the statistic changed its scores from %v to %v\nSort a copy.", x, given)
			copy(given, x)
		}
		if again := statistic(given); again != v {
			fail(purity, "the statistic of %v is %v and, called again, %v\nIt must depend on the scores alone: give "+
				"randomness a fixed seed.", x, v, again)
		}
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) }

		shuffled := slices.Clone(x)
		rng.Shuffle(len(x), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := statistic(slices.Clone(shuffled)); !near(got, v) {
			fail(Permutation, "the statistic of %v is %v, and of the same scores in another order, %v, it is %v\nRuns come "+
				"in no order.", x, v, shuffled, got)
		}
		scaled := slices.Clone(x)
		for i := range scaled {
			scaled[i] *= 8
		}
		if got := statistic(slices.Clone(scaled)); !near(got, 8*v) {
			fail(Scale, "the statistic of %v is %v, and of 8 times these scores %v, not %v\nScores in percent must say the "+
				"same as fractions.", x, v, got, 8*v)
		}
		better := slices.Clone(x)
		i := rng.IntN(len(x))
		better[i] += rng.Float64()
		if got := statistic(slices.Clone(better)); got < v && !near(got, v) {
			fail(Monotone, "the statistic of %v is %v, and with score %d improved to %v it is less, %v", x, v, i, better[i], got)
		}
	}
}
