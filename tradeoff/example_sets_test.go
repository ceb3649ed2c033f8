package tradeoff_test

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// Runs of a benchmark that did not all converge, by the rules of three fields.
func ExamplePAR10() {
	times := []stats.Lifetime{{Time: 50, Event: true}, {Time: 60, Event: true}, {Time: 100}}
	fmt.Println("PAR10", must(tradeoff.PAR10(times, 100)))
	fmt.Println("median", must(score.MedianTime(times)))
	fmt.Println("olympic mean", must(score.OlympicMean([]float64{50, 55, 60, 70, math.Inf(1)}, 1)))
	e := must(tradeoff.SpeedupOfTimes([]stats.Lifetime{{Time: 90, Event: true}, {Time: 100, Event: true},
		{Time: 95, Event: true}},
		[]stats.Lifetime{{Time: 50, Event: true}, {Time: 60, Event: true}, {Time: 55, Event: true}}))
	fmt.Println("speedup", e)
	// Output:
	// PAR10 370
	// median 60
	// olympic mean 61.666666666666664
	// speedup 1.73 [1.436, 2.086] 95% log-t n=3
}

// Laws of quality over cost, read between their data and at a quality.
func ExampleFitPowerLaw() {
	var cost, loss []float64
	for i := range 8 {
		c := math.Pow(2, float64(i))
		cost, loss = append(cost, c), append(loss, 0.2+math.Pow(c, -0.5))
	}
	curve := must(tradeoff.NewCurve(cost, loss, tradeoff.LowerBetter))
	law := must(tradeoff.FitPowerLaw(curve))
	at, _ := law.QualityAt(50)
	to, _ := law.TimeToQuality(0.4)
	fmt.Printf("%.3f at 50, 0.4 at %.0f\n", at, to)
	bend := must(tradeoff.FitSaturating(curve))
	at, _ = bend.QualityAt(50)
	fmt.Printf("%.2f at 50\n", at)
	base, method := exampleRuns("baseline", 110, 121, 104), exampleRuns("method", 77, 70, 84)
	e := must(tradeoff.Speedup(base, method, tradeoff.AtQuality(0.9), tradeoff.WithFit()))
	fmt.Println(e)
	// Output:
	// 0.341 at 50, 0.4 at 25
	// 0.34 at 50
	// 1.451 [1.196, 1.761] 95% log-t n=3
}

// The curve itself, its mean height, and where it first reaches a quality that it had lost.
func ExampleCurve_AUC() {
	c := must(tradeoff.NewCurve([]float64{1, 2, 4, 8}, []float64{0.5, 0.8, 0.7, 0.9}, tradeoff.HigherBetter))
	fmt.Printf("%.3f %.3f\n", must(c.AUC(1, 8, tradeoff.LinearAxis)), must(c.AUC(1, 8, tradeoff.LogAxis)))
	best, _ := c.TimeToQuality(0.85, tradeoff.Linear)
	measured, _ := c.Crossing(0.85, tradeoff.Linear)
	fmt.Printf("%.2f %.2f\n", best, measured)
	fmt.Println(tradeoff.LowerBetter.Better(0.1, 0.2))
	// Output:
	// 0.807 0.767
	// 6.00 7.00
	// true
}
