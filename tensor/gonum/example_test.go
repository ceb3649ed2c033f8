package gonum_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

func ExampleFromBlas64() {
	d := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	m := gonum.FromBlas64(d.RawMatrix()) // the same memory
	tensor.Scale(m.Row(1), 10, m.Row(1))
	fmt.Println(mat.Formatted(d))
	// Output:
	// ⎡ 1   2⎤
	// ⎣30  40⎦
}

// The columns of an orthogonal factor as a matrix of package tensor.
func ExampleToMat() {
	m := tensor.Of(2, 2, []float64{3, 0, 4, 5})
	var qr mat.QR
	qr.Factorize(gonum.ToMat(m))
	var q mat.Dense
	qr.QTo(&q)
	v := gonum.FromMat(&q)
	fmt.Printf("%.1f\n", tensor.Dot(v.Row(0), v.Row(0)))
	// Output:
	// 1.0
}
