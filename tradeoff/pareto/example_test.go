package pareto_test

import (
	"fmt"
	"log"

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
