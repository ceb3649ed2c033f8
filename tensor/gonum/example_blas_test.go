package gonum_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"

	"github.com/espalier-ml/espalier/tensor/gonum"
)

func ExampleFromBlas32() {
	g := blas32.General{Rows: 1, Cols: 2, Stride: 2, Data: []float32{1, 2}}
	view := gonum.FromBlas32(g)
	view.Set(0, 1, 5)
	fmt.Println(g.Data, gonum.Blas32(view).Cols)
	// Output:
	// [1 5] 2
}
