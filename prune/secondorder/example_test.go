package secondorder_test

import (
	"context"
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/tensor"
)

// Two inputs that are always alike, of which one can do the work of both.
func ExampleSparseGPT() {
	gram, err := secondorder.NewGram[float32](3)
	if err != nil {
		log.Fatal(err)
	}
	for _, batch := range [][]float32{{1, 1, 0, 2, 2, 1}, {-1, -1, 1}, {0, 0, -2, -2, -2, 0}} {
		if err := gram.Add(tensor.Of(len(batch)/3, 3, batch)); err != nil {
			log.Fatal(err)
		}
	}
	w := tensor.Of(1, 3, []float32{1, 2, 3})
	mask, report, err := secondorder.SparseGPT(context.Background(), w, gram, secondorder.Sparsity(1./3),
		secondorder.WithDamping(1e-4), secondorder.WithBlock(3), secondorder.WithProgress(func(done, total int) {
			fmt.Println(done, "of", total, "columns")
		}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d samples, kept %v, weights %.2f, MSE under 0.01: %v\n", gram.Samples(), mask, w.Data, report.MSE < 0.01)
	// Output:
	// 3 of 3 columns
	// 5 samples, kept 011, weights [0.00 3.00 3.00], MSE under 0.01: true
}

// A Gram that has seen all of its samples in batches of different sizes.
func ExampleGram_H() {
	gram, err := secondorder.NewGram[float64](2)
	if err != nil {
		log.Fatal(err)
	}
	for _, batch := range [][]float64{{1, 0, 0, 2, 1, 1}, {3, 1}} {
		if err := gram.Add(tensor.Of(len(batch)/2, 2, batch)); err != nil {
			log.Fatal(err)
		}
	}
	h, err := gram.H()
	fmt.Println(h.Row(0), h.Row(1), err)
	// Output: [5.5 2] [2 3] <nil>
}

// Two of four, then more of the same layer: what was pruned before stays so.
func ExampleWithPrior() {
	gram, err := secondorder.NewGram[float64](4)
	if err != nil {
		log.Fatal(err)
	}
	x, rng := tensor.NewMatrix[float64](64, 4), tensor.Stream(1)
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	if err := gram.Add(x); err != nil {
		log.Fatal(err)
	}
	w := tensor.Of(1, 4, []float64{5, -1, 0.5, 3})
	ctx := context.Background()
	first, _, err := secondorder.SparseGPT(ctx, w, gram, secondorder.NM(2, 4))
	if err != nil {
		log.Fatal(err)
	}
	second, report, err := secondorder.OBS(ctx, w, gram, 0.75, secondorder.WithPrior(first), secondorder.WithWorkers(1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first, second, report.Removals[0][0].Column, report.Sparsity())
	// Output: 1001 1000 3 0.75
}
