package tensor_test

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

func ExampleGemm() {
	a := tensor.Of(2, 3, []float64{
		1, 2, 3,
		4, 5, 6,
	})
	c := tensor.NewMatrix[float64](2, 2)
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, a, a, 0, c) // C = A·Aᵀ
	fmt.Println(c.Row(0), c.Row(1))
	// Output: [14 32] [32 77]
}

// A fully connected layer is one call: weights have a row per output.
func ExampleGemmBias() {
	x := tensor.Of(1, 2, []float32{1, -1})
	w := tensor.Of(3, 2, []float32{1, 1, 2, 0, 0, 3})
	y := tensor.NewMatrix[float32](1, 3)
	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, w, 0, y, []float32{0.5, 0, 1}, tensor.ReLUActivation)
	fmt.Println(y.Data)
	// Output: [0.5 2 0]
}

// A mistake in shapes panics with an error that can be told apart.
func ExampleGemm_shapes() {
	defer func() {
		err := recover().(error)
		fmt.Println(errors.Is(err, tensor.ErrShape))
		fmt.Println(err)
	}()
	m := tensor.NewMatrix[float64]
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, m(2, 3), m(4, 2), 0, m(2, 2))
	// Output:
	// true
	// tensor: Gemm: op(a) is 2x3, op(b) is 4x2, c is 2x2: shape mismatch
}

// Partial results are indexed by block and merged in order, so that the sum has the same bits on any number of
// processors.
func ExampleParallel() {
	x := make([]float64, 10000)
	for i := range x {
		x[i] = 1 / float64(i+1)
	}
	const grain = 1024
	part := make([]float64, (len(x)+grain-1)/grain)
	tensor.Parallel(len(x), grain, func(lo, hi int) { part[lo/grain] = tensor.Sum(x[lo:hi]) })
	fmt.Printf("%.6f\n", tensor.Sum(part))
	// Output: 9.787606
}

// The order of sample 7 in epoch 3 does not depend on which worker asks for it, or when.
func ExampleStream() {
	const seed, epoch, sample = 1, 3, 7
	fmt.Println(tensor.Stream(seed, epoch, sample).Perm(5))
	fmt.Println(tensor.Stream(seed, epoch, sample).Perm(5))
	// Output:
	// [0 1 2 4 3]
	// [0 1 2 4 3]
}

func ExampleSelect() {
	scores := []float32{0.3, 0.9, 0.1, 0.7, 0.5}
	fmt.Println(tensor.Select(scores, len(scores)/2)) // the median
	// Output: 0.5
}

// Segments of different lengths lie behind each other; offsets say where each one starts.
func ExampleSegmentSoftmax() {
	scores := []float64{0, 0, 1, 1, 1, 1}
	if err := tensor.SegmentSoftmax(scores, scores, []int{0, 2, 6}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(scores)
	// Output: [0.5 0.5 0.25 0.25 0.25 0.25]
}

func ExampleSquaredDistances() {
	x := tensor.Of(2, 2, []float64{0, 0, 3, 4})
	d := tensor.NewMatrix[float64](2, 2)
	tensor.SquaredDistances(d, x, x)
	fmt.Println(d.Row(0), d.Row(1))
	// Output: [0 25] [25 0]
}

func ExampleLog() {
	x := []float32{1, 2, 0, -1}
	tensor.Log(x, x)
	fmt.Println(x)
	// Output: [0 0.6931472 -Inf NaN]
}

func ExampleMaxPool() {
	x := []float32{
		1, 2, 5, 6,
		3, 4, 7, 8,
	}
	y, from := make([]float32, 2), make([]int32, 2)
	tensor.MaxPool(y, from, x, tensor.Window{N: 1, H: 2, W: 4, C: 1, KH: 2, KW: 2, StrideH: 2, StrideW: 2})
	fmt.Println(y, from)
	// Output: [4 8] [5 7]
}

func ExampleTied() {
	table := make([]float32, 6)
	first, err := tensor.Tied([]*tensor.Param[float32]{
		{Name: "embedding.weight", Shape: []int{3, 2}, Data: table},
		{Name: "head.bias", Shape: []int{3}, Data: make([]float32, 3)},
		{Name: "head.weight", Shape: []int{3, 2}, Data: table},
	})
	fmt.Println(first, err)
	// Output: [0 1 0] <nil>
}

func ExampleWindow() {
	w := tensor.Window{N: 64, H: 28, W: 28, C: 1, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	fmt.Println(w.Out())
	// Output: 14 14
}
