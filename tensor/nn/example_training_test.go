package nn_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

func ExampleClipNorm() {
	p := &tensor.Param[float32]{Name: "w", Shape: []int{2}, Data: make([]float32, 2), Grad: []float32{3, 4}}
	norm, err := nn.ClipNorm([]*tensor.Param[float32]{p}, 1)
	fmt.Printf("%.1f %.1f %v\n", norm, p.Grad, err)
	// Output: 5.0 [0.6 0.8] <nil>
}

func ExampleClipValue() {
	p := &tensor.Param[float32]{Name: "w", Shape: []int{2}, Data: make([]float32, 2), Grad: []float32{3, -.5}}
	err := nn.ClipValue([]*tensor.Param[float32]{p}, 1)
	fmt.Println(p.Grad, err)
	// Output: [1 -0.5] <nil>
}

// A run that was interrupted goes on from its weights and the optimizer's state.
func ExampleAdam_MarshalState() {
	params := []*tensor.Param[float32]{{Name: "w", Shape: []int{1}, Data: []float32{1}, Grad: []float32{0.5}}}
	opt := nn.NewAdam[float32](0.1)
	if err := opt.Step(params); err != nil {
		fmt.Println(err)
		return
	}
	state := opt.MarshalState(params)

	again := nn.NewAdam[float32](0.1)
	if err := again.UnmarshalState(params, state); err != nil {
		fmt.Println(err)
		return
	}
	m, v := again.State(params[0])
	fmt.Printf("%.3f %.6f\n", m, v)
	// Output:
	// [0.050] [0.000250]
}

func ExampleSGD_MarshalState() {
	params := []*tensor.Param[float32]{{Name: "w", Shape: []int{1}, Data: []float32{1}, Grad: []float32{0.5}}}
	opt := &nn.SGD[float32]{LR: 0.1, Momentum: 0.9}
	err1 := opt.Step(params)
	again := &nn.SGD[float32]{LR: 0.1, Momentum: 0.9}
	err2 := again.UnmarshalState(params, opt.MarshalState(params))
	fmt.Println(again.State(params[0]), err1, err2)
	// Output:
	// [0.5] <nil> <nil>
}

// Two micro-batches whose gradients add up to those of the batch.
func ExampleCrossEntropy_Count() {
	labels := []int{0, 1, 1}
	loss := nn.CrossEntropy[float64]{Weights: []float64{3, 1}}
	loss.Divisor = loss.Count(labels)
	sum := 0.0
	for i, logits := range [][]float64{{1, 0}, {0, 2}, {0, 0}} {
		part, _, err := loss.Eval(tensor.Dense[float64]{Shape: []int{1, 2}, Data: logits}, labels[i:i+1])
		if err != nil {
			fmt.Println(err)
			return
		}
		sum += part
	}
	fmt.Printf("%.4f\n", sum)
	// Output:
	// 0.3520
}
