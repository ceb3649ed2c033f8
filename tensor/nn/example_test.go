package nn_test

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// A whole training run: two interleaved spirals, which no line separates.
func Example() {
	const samples = 200
	x, labels := tensor.NewDense[float32](samples, 2), make([]int, samples)
	for i := range samples {
		labels[i] = i % 2
		r := float64(1+i/2) / (samples / 2)
		angle := 4*r + math.Pi*float64(labels[i])
		x.Data[2*i], x.Data[2*i+1] = float32(r*math.Cos(angle)), float32(r*math.Sin(angle))
	}

	rng := tensor.Stream(1)
	model := nn.NewSequential[float32](
		nn.Must(nn.NewLinear[float32](2, 32, rng)), nn.NewTanh[float32](),
		nn.Must(nn.NewLinear[float32](32, 32, rng)), nn.NewTanh[float32](),
		nn.Must(nn.NewLinear[float32](32, 2, rng)),
	)
	var loss nn.CrossEntropy[float32]
	opt := nn.NewAdam[float32](0.01)
	for range 300 {
		_, dy, err := loss.Eval(model.Forward(x, true), labels)
		if err != nil {
			fmt.Println(err)
			return
		}
		nn.ZeroGrad(model.Params())
		model.Backward(dy)
		if err := opt.Step(model.Params()); err != nil {
			fmt.Println(err)
			return
		}
	}

	y, right := model.Forward(x, false).Matrix(1), 0
	for i, label := range labels {
		if tensor.ArgMax(y.Row(i)) == label {
			right++
		}
	}
	fmt.Printf("%d of %d\n", right, samples)
	// Output: 200 of 200
}

// Strides, padding, dilation and groups are fields of the window.
func ExampleNewConv2D() {
	rng := tensor.Stream(1)
	conv := nn.Must(nn.NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}, 16,
		rng))
	conv.Act = tensor.ReLUActivation
	y := conv.Forward(tensor.NewDense[float32](8, 32, 32, 3), true)
	fmt.Println(y.Shape, conv.Weight.Shape)

	_, err := nn.NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 3, PadW: -1}, 16, rng)
	fmt.Println(err)
	// Output:
	// [8 16 16 16] [3 3 3 16]
	// nn: Conv2D: tensor: Window: PadW is -1, want at least 0: out of range
}

// An encoder layer over token ids: the embedding ends the chain of gradients, the rest is a layer. Sequences of
// different lengths share a batch.
func ExampleEmbedding() {
	const vocab, dim, heads, batch, steps = 100, 16, 4, 2, 5
	rng := tensor.Stream(1)
	tokens := nn.Must(nn.NewEmbedding[float32](vocab, dim, rng))
	attention, mean := nn.Must(nn.NewMultiHeadAttention[float32](dim, heads, rng)), nn.NewGlobalAvgPool[float32]()
	body := nn.NewSequential[float32](
		nn.NewResidual[float32](nn.Must(nn.NewLayerNorm[float32](dim)), attention),
		nn.NewResidual[float32](nn.Must(nn.NewLayerNorm[float32](dim)), nn.Must(nn.NewLinear[float32](dim, 4*dim, rng)),
			nn.NewGELU[float32](), nn.Must(nn.NewLinear[float32](4*dim, dim, rng))),
		mean,
		nn.Must(nn.NewLinear[float32](dim, 2, rng)),
	)
	params := append(tokens.Params(), body.Params()...)

	ids := []int{7, 3, 99, 12, 4, 8, 1, 0, 0, 0} // the second sequence has two tokens and padding
	lengths := []int{5, 2}
	attention.Lengths, mean.Lengths = lengths, lengths

	x, err := tokens.Forward(ids, batch, steps)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, dy, err := new(nn.CrossEntropy[float32]).Eval(body.Forward(x, true), []int{0, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	nn.ZeroGrad(params)
	tokens.Backward(body.Backward(dy))
	fmt.Println(x.Shape, len(params))
	fmt.Println("padding has a gradient:", tensor.Norm2(tokens.Weight.Grad[:dim]) > 0)

	_, err = tokens.Forward([]int{5, 100})
	fmt.Println(err)
	// Output:
	// [2 5 16] 15
	// padding has a gradient: false
	// nn: Embedding: ids[1] is 100 of 100: out of range
}

// Parameters are named as in torch's Sequential. Their Data and Grad are views that the caller may change in place.
func ExampleSequential_Params() {
	rng := tensor.Stream(1)
	model := nn.NewSequential[float64](nn.Must(nn.NewLinear[float64](4, 3, rng)), nn.NewReLU[float64](),
		nn.Must(nn.NewLinear[float64](3, 2, rng)))
	for _, p := range model.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// 0.weight [3 4]
	// 0.bias [3]
	// 2.weight [2 3]
	// 2.bias [2]
}

// In training the mask depends on the seed and the step alone; in evaluation the layer is the identity.
func ExampleDropout() {
	drop := nn.Must(nn.NewDropout[float64](0.5, 1))
	x := tensor.DenseOf([]float64{1, 1, 1, 1, 1, 1, 1, 1}, 1, 8)
	first := append([]float64(nil), drop.Forward(x, true).Data...)
	drop.Step = 0 // the same step again
	fmt.Println(fmt.Sprint(first) == fmt.Sprint(drop.Forward(x, true).Data), drop.Step)
	fmt.Println(drop.Forward(x, false).Data)
	// Output:
	// true 1
	// [1 1 1 1 1 1 1 1]
}

// The learning rate is a field: set it from a schedule before each step.
func ExampleSGD() {
	w := &tensor.Param[float64]{Name: "w", Shape: []int{1}, Data: []float64{4}, Grad: make([]float64, 1)}
	opt := nn.SGD[float64]{Momentum: 0.9}
	for step := range 3 {
		opt.LR = 0.1 / float64(1+step)
		w.Grad[0] = 2 * w.Data[0] // of w²
		if err := opt.Step([]*tensor.Param[float64]{w}); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%.3f ", w.Data[0])
	}
	// Output: 3.200 2.520 1.944
}
