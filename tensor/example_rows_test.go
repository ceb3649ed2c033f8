package tensor_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

func ExampleAddRow() {
	m := tensor.Of(2, 2, []float64{1, 2, 3, 4})
	tensor.AddRow(m, []float64{10, 20})
	fmt.Println(m.Data)
	// Output:
	// [11 22 13 24]
}

func ExampleSegmentSum() {
	// Three bags of two, no and one row.
	x := tensor.Of(3, 2, []float64{1, 2, 3, 4, 5, 6})
	offsets := []int{0, 2, 2, 3}
	fmt.Println(tensor.ValidateOffsets(offsets, x.Rows))
	sums := tensor.NewMatrix[float64](3, 2)
	fmt.Println(tensor.SegmentSum(sums, x, offsets), sums.Data)
	// Output:
	// <nil>
	// <nil> [4 6 0 0 5 6]
}

func ExampleLogSumExpRows() {
	dst := make([]float64, 2)
	tensor.LogSumExpRows(dst, tensor.Of(2, 2, []float64{0, 0, 1000, 1000}))
	fmt.Printf("%.4f\n", dst)
	// Output:
	// [0.6931 1000.6931]
}
