package pareto_test

import (
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
)

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
