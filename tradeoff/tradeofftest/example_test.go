package tradeofftest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/tradeofftest"
)

// A loop that is given its clock takes the same time in every test.
func ExampleClock() {
	var clock tradeofftest.Clock
	train := func(now func() time.Time, step func()) float64 {
		start := now()
		for range 100 {
			step()
		}
		return now().Sub(start).Seconds()
	}
	fmt.Println(train(clock.Now, func() { clock.Advance(20 * time.Millisecond) }), "seconds")
	// Output: 2 seconds
}

func ExampleSynthetic() {
	var t testing.T // that of the test
	base, method := tradeofftest.Synthetic{Speedup: 1.5, N: 5, Noise: 0.05, Seed: 1}.Curves(&t)
	e, err := tradeoff.Speedup(base, method)
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Lo < 1.5 && 1.5 < e.Hi, e.N, e.Interval)
	// Output: true 5 log-t
}

// A recipe that must stay faster than its baseline by a fifth, and may not be slower by more than a tenth.
func ExampleRequireFaster() {
	var t testing.T // that of the test
	base, method := tradeofftest.Synthetic{Speedup: 1.5, N: 5, Noise: 0.02, Seed: 1}.Curves(&t)
	tradeofftest.RequireFaster(&t, base, method, 1.2)
	tradeofftest.RequireNoSlowdown(&t, base, method, 0.1)
	fmt.Println(t.Failed())
	// Output: false
}

// The largest score is a statistic of runs; the worst run of a loss would lack all but the first of these properties.
func ExampleCheckStatistic() {
	var t testing.T
	tradeofftest.CheckStatistic(&t, slices.Max[[]float64])
	spread := func(x []float64) float64 { return slices.Max(x) - slices.Min(x) }
	tradeofftest.CheckStatistic(&t, spread, tradeofftest.Monotone)
	fmt.Println(t.Failed(), tradeofftest.Permutation, tradeofftest.Scale)
	// Output: false permutation scale
}
