package pareto_test

import (
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
)

// Which of five networks are worth their time, and how good the set is as a whole.
func ExampleFrontier() {
	names := []string{"small", "medium", "wide", "large", "slow"}
	points := [][]float64{{1, 0.81}, {3, 0.90}, {4, 0.88}, {9, 0.95}, {9, 0.94}} // hours, accuracy
	directions := []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter}
	front, err := pareto.Frontier(points, directions)
	if err != nil {
		log.Fatal(err)
	}
	for _, i := range front {
		fmt.Println(names[i])
	}
	volume, err := pareto.Hypervolume(points, []float64{10, 0.8}, directions)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("hypervolume %.2f\n", volume)
	// Output:
	// small
	// medium
	// large
	// hypervolume 0.77
}

// The means of b and c are dominated by that of a, but the runs of b overlap with it.
func ExampleVerdicts() {
	standings, err := pareto.Verdicts([]pareto.Measured{
		{Name: "a", Cost: []float64{5.0, 5.2, 4.9}, Quality: []float64{0.91, 0.92, 0.91}},
		{Name: "b", Cost: []float64{5.1, 5.6, 4.8}, Quality: []float64{0.90, 0.92, 0.91}},
		{Name: "c", Cost: []float64{6.0, 6.1, 5.9}, Quality: []float64{0.88, 0.89, 0.88}},
	}, tradeoff.HigherBetter)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range standings {
		fmt.Println(s.Name, s.Verdict)
	}
	// Output:
	// a frontier
	// b ambiguous
	// c dominated
}

func ExampleDominates() {
	hours := []float64{1, 2, 4, 8}
	base, _ := tradeoff.NewCurve(hours, []float64{0.71, 0.745, 0.764, 0.769}, tradeoff.HigherBetter)
	method, _ := tradeoff.NewCurve(hours, []float64{0.708, 0.749, 0.770, 0.781}, tradeoff.HigherBetter)
	fmt.Println(pareto.Dominates(base, method, 0, tradeoff.FirstHit))
	fmt.Println(pareto.Dominates(base, method, 0.005, tradeoff.FirstHit)) // half a point at the start does not matter
	// Output:
	// false <nil>
	// true <nil>
}

func ExampleAttainment() {
	runs := exampleRuns("baseline", 110, 121, 104, 115, 108)
	curves := must(pareto.Attainment(runs, 0.2, 0.5, 1))
	for i, level := range []string{"one of the runs", "most of them", "all"} {
		q, _ := curves[i].QualityAt(240, tradeoff.FirstHit)
		fmt.Printf("%s: %.3f after four minutes\n", level, q)
	}
	// Output:
	// one of the runs: 0.890 after four minutes
	// most of them: 0.882 after four minutes
	// all: 0.867 after four minutes
}

// What each point adds, how many frontiers lie before it, and how far one set is from another.
func ExampleContributions() {
	directions := []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter}
	points := [][]float64{{1, 0.81}, {3, 0.90}, {3, 0.90}, {9, 0.95}, {9, 0.94}}
	front := must(pareto.Frontier(points, directions, pareto.WithoutDuplicates()))
	ranks := must(pareto.Ranks(points, directions))
	shares := must(pareto.Contributions(points, []float64{10, 0.8}, directions))
	fmt.Println(front, ranks)
	fmt.Printf("%.2f\n", shares)
	reference := [][]float64{{1, 0.85}, {3, 0.91}, {8, 0.96}}
	fmt.Printf("%.2f %.2f %.2f\n", must(pareto.AdditiveEpsilon(points, reference, directions)),
		must(pareto.MultiplicativeEpsilon(points, reference, directions)),
		must(pareto.IGDPlus(points, reference, directions)))
	// Output:
	// [0 1 3] [0 0 0 0 1]
	// [0.02 0.00 0.00 0.05 0.00]
	// 0.06 1.07 0.04
}

// The median of five runs with a band that holds all of it at once.
func ExampleMedianBand() {
	runs := exampleRuns("baseline", 110, 121, 104, 115, 108)
	median, band, err := pareto.MedianBand(runs, pareto.WithLevel(0.9),
		pareto.WithResampling(stats.WithReplicates(500)))
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func exampleRuns(name string, paces ...float64) tradeoff.Runs {
	r := tradeoff.Runs{Name: name}
	for _, pace := range paces {
		var seconds, accuracy []float64
		for i := 1; i <= 20; i++ {
			seconds = append(seconds, 30*float64(i))
			accuracy = append(accuracy, 0.95-0.6*math.Exp(-30*float64(i)/pace))
		}
		r.Curves = append(r.Curves, must(tradeoff.NewCurve(seconds, accuracy, tradeoff.HigherBetter)))
	}
	return r
}

// Five seeds of each, evaluated every half minute.
