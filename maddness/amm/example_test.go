package amm_test

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
)

// An operator and its rivals on rows that nothing was fitted to.
func Example() {
	// 32 columns that depend on 6 hidden variables, for 10 outputs.
	train, test, weights := rectified(1, 1000, 32), rectified(2, 500, 32), normal(3, 32, 10)
	op, err := maddness.Fit(context.Background(), train, weights, maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	pca, err := amm.FitPCA(train, weights, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	sketch, err := amm.NewSketch(amm.CountSketch, weights, 4, amm.WithSeed(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ap := range []amm.Approximator{amm.Maddness{Operator: op}, pca, sketch} {
		r, err := amm.Evaluate(ap, amm.Task{A: test, B: weights}) // with Runs it takes the time too
		if err != nil {
			fmt.Println(err)
			return
		}
		c := r.Cost
		fmt.Printf("NMSE %.2f, %d multiplications, %d comparisons and %d lookups per row\n",
			r.NMSE, c.Multiplies, c.Compares, c.Lookups)
	}
	// Output:
	// NMSE 0.06, 10 multiplications, 32 comparisons and 80 lookups per row
	// NMSE 0.26, 168 multiplications, 0 comparisons and 0 lookups per row
	// NMSE 4.40, 40 multiplications, 0 comparisons and 0 lookups per row
}

// All methods with codebooks, side by side.
func ExampleMethods() {
	train, test, weights := rectified(1, 1000, 32), rectified(2, 500, 32), normal(3, 32, 10)
	best, least := "", 2.0
	for _, m := range amm.Methods() {
		if m.Size != amm.Codebooks {
			continue
		}
		ap, err := m.Fit(context.Background(), train, weights, 4, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		r, err := amm.Evaluate(ap, amm.Task{A: test, B: weights})
		if err != nil {
			fmt.Println(err)
			return
		}
		if r.NMSE < least && r.Cost.Multiplies < 32*10 {
			best, least = m.Name, r.NMSE
		}
	}
	fmt.Println("least error with fewer multiplications than the product:", best)
	// Output: least error with fewer multiplications than the product: Maddness
}
