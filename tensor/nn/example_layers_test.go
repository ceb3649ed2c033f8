package nn_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

func ExampleNewBatchNorm() {
	norm, err := nn.NewBatchNorm[float64](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	y := norm.Forward(tensor.DenseOf([]float64{1, 3, 5, 7}, 4, 1), true)
	fmt.Printf("%.3f\n", y.Data)
	// Output:
	// [-1.342 -0.447 0.447 1.342]
}

func ExampleNewAvgPool2D() {
	pool, err := nn.NewAvgPool2D[float64](tensor.Window{KH: 2, KW: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	y := pool.Forward(tensor.DenseOf([]float64{1, 2, 3, 4}, 1, 2, 2, 1), false)
	fmt.Println(y.Data)
	// Output:
	// [2.5]
}

func ExampleBCEWithLogits() {
	var loss nn.BCEWithLogits[float64]
	value, grad, err := loss.Eval(tensor.DenseOf([]float64{0, 2}, 2, 1), []float64{1, 0}, nil)
	fmt.Printf("%.4f %.4f %v\n", value, grad.Data, err)
	// Output:
	// 1.4100 [-0.2500 0.4404] <nil>
}

func ExampleNewSequential() {
	model := nn.NewSequential[float64](nn.NewSigmoid[float64](), nn.NewSiLU[float64]())
	fmt.Printf("%.4f\n", model.Forward(tensor.DenseOf([]float64{0, 1}, 2, 1), false).Data)
	// Output:
	// [0.3112 0.4935]
}

func ExampleNewAdamW() {
	p := &tensor.Param[float64]{Name: "w", Shape: []int{1}, Data: []float64{1}, Grad: []float64{0.5}}
	opt := nn.NewAdamW[float64](0.1, 0.01)
	err := opt.Step([]*tensor.Param[float64]{p})
	fmt.Printf("%.4f %v\n", p.Data, err)
	// Output:
	// [0.8990] <nil>
}

// The last batch of an epoch can be a single example, on which batch normalisation cannot train.
func ExampleTryForward() {
	rng := tensor.Stream(1)
	model := nn.NewSequential[float32](nn.Must(nn.NewLinear[float32](2, 3, rng)), nn.Must(nn.NewBatchNorm[float32](3)))
	_, err := nn.TryForward(model, tensor.NewDense[float32](1, 2), true)
	fmt.Println(err)
	y, err := nn.TryForward(model, tensor.NewDense[float32](1, 2), false)
	fmt.Println(y.Shape, err)
	// Output:
	// nn: BatchNorm: input has shape [1 3], want more than one value per channel in training: shape mismatch
	// [1 3] <nil>
}
