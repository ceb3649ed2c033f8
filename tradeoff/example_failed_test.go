package tradeoff_test

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tradeoff"
)

// One evaluation was not made; another run diverges, and what it had spent counts.
func ExampleRuns_Spent() {
	steps, nan := []float64{100, 200, 300, 400}, math.NaN()
	runs := must(tradeoff.NewRuns("fast",
		must(tradeoff.NewCurve(steps, []float64{3, nan, 1, 0.5}, tradeoff.LowerBetter)),
		must(tradeoff.NewCurve(steps, []float64{3, 2, nan, nan}, tradeoff.LowerBetter))))
	fmt.Println(runs.Curves[0].Missing(), "missing,", runs.Failed(), "failed")
	fmt.Println(runs.Times(1, tradeoff.FirstHit))
	fmt.Println(must(tradeoff.ExpectedRunTime(runs.Spent(1, tradeoff.FirstHit))))
	// Output:
	// 1 missing, 1 failed
	// [{300 true} {+Inf false}]
	// 700
}

func ExampleCompareCurves() {
	long := must(tradeoff.NewCurve([]float64{1, 2, 4}, []float64{0.5, 0.7, 0.8}, tradeoff.HigherBetter))
	rec := must(tradeoff.NewRecorder(cycles{}, tradeoff.HigherBetter, tradeoff.WithWindow(1)))
	for step := range 200 {
		if err := rec.Observe(step, float64(step+1), 0.5+float64(step)/1000); err != nil {
			fmt.Println(err)
		}
	}
	short := must(rec.Curve())
	fmt.Println(short.Len() > 0)
	f := must(tradeoff.CompareCurves(map[string]tradeoff.Curve{"a": long}, map[string]tradeoff.Curve{"a": long},
		tradeoff.WithSkip(1)))
	fmt.Println(f.MaxAbs)
	// Output:
	// true
	// 0
}
