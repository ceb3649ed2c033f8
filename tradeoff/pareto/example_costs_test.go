package pareto

import (
	"fmt"

	"github.com/espalier-ml/espalier/tradeoff"
)

func ExampleDominates() {
	hours := []float64{1, 2, 4, 8}
	base, _ := tradeoff.NewCurve(hours, []float64{0.71, 0.745, 0.764, 0.769}, tradeoff.HigherBetter)
	method, _ := tradeoff.NewCurve(hours, []float64{0.708, 0.749, 0.770, 0.781}, tradeoff.HigherBetter)
	fmt.Println(Dominates(base, method, 0, tradeoff.FirstHit))
	fmt.Println(Dominates(base, method, 0.005, tradeoff.FirstHit)) // half a point worse at the start does not matter
	// Output:
	// false <nil>
	// true <nil>
}
