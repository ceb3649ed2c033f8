package tradeoff_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// What each point adds, how many frontiers lie before it, and how far one set is from another.
func ExampleContributions() {
	senses := []tradeoff.Sense{tradeoff.Min, tradeoff.Max}
	points := [][]float64{{1, 0.81}, {3, 0.90}, {3, 0.90}, {9, 0.95}, {9, 0.94}}
	front := must(tradeoff.Frontier(points, senses, tradeoff.WithoutDuplicates()))
	ranks := must(tradeoff.Ranks(points, senses))
	shares := must(tradeoff.Contributions(points, []float64{10, 0.8}, senses))
	fmt.Println(front, ranks)
	fmt.Printf("%.2f\n", shares)
	reference := [][]float64{{1, 0.85}, {3, 0.91}, {8, 0.96}}
	fmt.Printf("%.2f %.2f %.2f\n", must(tradeoff.AdditiveEpsilon(points, reference, senses)),
		must(tradeoff.MultiplicativeEpsilon(points, reference, senses)), must(tradeoff.IGDPlus(points, reference, senses)))
	// Output:
	// [0 1 3] [0 0 0 0 1]
	// [0.02 0.00 0.00 0.05 0.00]
	// 0.06 1.07 0.04
}

// The median of five runs with a band that holds all of it at once.
func ExampleMedianBand() {
	runs := exampleRuns("baseline", 110, 121, 104, 115, 108)
	median, band, err := tradeoff.MedianBand(runs, tradeoff.WithLevel(0.9),
		tradeoff.WithResampling(stats.WithReplicates(500)))
	if err != nil {
		log.Fatal(err)
	}
	for i, p := range median.Points()[:3] {
		fmt.Printf("%v s: %.2f [%.2f, %.2f]\n", p.Cost, p.Quality, band.Lower.Points()[i].Quality,
			band.Upper.Points()[i].Quality)
	}
	// Output:
	// 30 s: 0.49 [0.49, 0.50]
	// 60 s: 0.60 [0.59, 0.61]
	// 90 s: 0.69 [0.68, 0.70]
}

// Runs of a benchmark that did not all converge, by the rules of three fields.
func ExamplePAR10() {
	times := []stats.Lifetime{{Time: 50, Event: true}, {Time: 60, Event: true}, {Time: 100}}
	fmt.Println("PAR10", must(tradeoff.PAR10(times, 100)))
	fmt.Println("median", must(tradeoff.MedianTime(times)))
	fmt.Println("olympic mean", must(tradeoff.OlympicMean([]float64{50, 55, 60, 70, math.Inf(1)}, 1)))
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
	fmt.Println(tradeoff.DirectionOf("val/loss"), tradeoff.LowerBetter.Better(0.1, 0.2))
	// Output:
	// 0.807 0.767
	// 6.00 7.00
	// lower true
}

// Scores as rliable reports them, and where they lie.
func ExampleScores() {
	s := must(tradeoff.NewScores([]string{"a", "b"}, [][]float64{{0.9, 0.8, 0.85}, {0.6, 0.7, 0.5}}))
	taus := []float64{0.55, 0.75}
	fmt.Println(s.Tasks(), s.Profile(taus), s.MeanProfile(taus))
	for _, stat := range []tradeoff.Statistic{tradeoff.MeanScore, tradeoff.MedianScore, tradeoff.OptimalityGap(1)} {
		e := must(s.Interval(context.Background(), stat, tradeoff.WithInterval(stats.WithReplicates(200))))
		fmt.Printf("%v %.3f\n", stat, e.Value)
	}
	// Output:
	// [a b] [0.8333333333333333 0.5] [1 0.5]
	// mean 0.725
	// median 0.725
	// optimality gap 0.275
}

// Bounds of MLPerf where four runs are left out at each end, by the text of its policy.
func ExampleNewReferences() {
	refs := must(tradeoff.NewReferences([]tradeoff.ReferencePoint{
		{Name: "small", BatchSize: 128, Epochs: []float64{16, 14, 16, 17, 16, 16, 15, 16, 15, 16}},
		{Name: "large", BatchSize: 256, Epochs: []float64{20, 21, 21, 20, 22, 22, 21, 21, 20, 20}},
	}, 9, tradeoff.WithTrim(3), tradeoff.WithTrimmedDeviation()))
	for _, p := range refs.Points() {
		fmt.Printf("%s: %.2f, %.3f\n", p.Name, p.Min, p.MaxSpeedup())
	}
	fmt.Println(len(refs.Pruned()))
	// Output:
	// small: 16.00, 1.000
	// large: 20.25, 1.025
	// 2
}
