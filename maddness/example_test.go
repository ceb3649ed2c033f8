package maddness_test

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// activations stands in for what a network's hidden layer gives: 32 columns that depend on 4 numbers.
func activations(rows int, seed uint64) tensor.Matrix[float32] {
	r, mix := tensor.Stream(seed), tensor.Stream(7)
	factors, weights := tensor.NewMatrix[float32](rows, 4), tensor.NewMatrix[float32](4, 32)
	for i := range factors.Data {
		factors.Data[i] = float32(r.NormFloat64())
	}
	for i := range weights.Data {
		weights.Data[i] = float32(mix.NormFloat64())
	}
	a := tensor.NewMatrix[float32](rows, 32)
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, factors, weights, 0, a, nil, tensor.ReLUActivation)
	return a
}

func weights(outputs int) tensor.Matrix[float32] {
	r := tensor.Stream(8, uint64(outputs))
	b := tensor.NewMatrix[float32](32, outputs)
	for i := range b.Data {
		b.Data[i] = float32(r.NormFloat64())
	}
	return b
}

// nmse is the mean squared error over the variance.
func nmse(got, want []float32) float64 {
	mean := tensor.Sum(want) / float64(len(want))
	wrong, variance := 0.0, 0.0
	for i, v := range want {
		wrong += math.Pow(float64(got[i]-v), 2)
		variance += math.Pow(float64(v)-mean, 2)
	}
	return wrong / variance
}

// Replace a layer by table lookups: learn from some rows, use on others.
func ExampleFit() {
	b, bias := weights(10), make([]float32, 10)
	op, err := maddness.Fit(context.Background(), activations(2000, 1), b, maddness.WithCodebooks(16),
		maddness.WithBias(bias))
	if err != nil {
		fmt.Println(err)
		return
	}
	x := activations(500, 2)
	exact, approximate := tensor.NewMatrix[float32](500, 10), tensor.NewMatrix[float32](500, 10)
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, x, b, 0, exact, bias, tensor.Identity)
	if err := op.Mul(approximate, x); err != nil {
		fmt.Println(err)
		return
	}
	e := nmse(approximate.Data, exact.Data)
	fmt.Println("multiply-adds per row of the exact product:", 32*10)
	fmt.Println("comparisons and table entries per row:", 4*op.Codebooks(), op.Codebooks()*op.Outputs())
	fmt.Println("error below a twentieth of the variance:", e < 0.05)
	// Output:
	// multiply-adds per row of the exact product: 320
	// comparisons and table entries per row: 64 160
	// error below a twentieth of the variance: true
}

// Everything that is wrong with a call is said at once.
func ExampleFit_errors() {
	_, err := maddness.Fit(context.Background(), activations(10, 1), weights(3), maddness.WithCodebooks(64),
		maddness.WithRidge(0), maddness.WithBias(make([]float32, 4)))
	fmt.Println(err)
	// Output:
	// maddness: Fit: WithRidge(0): want a finite number above 0: out of range
	// maddness: Fit: a has 32 columns for 64 codebooks; want at least as many, or a smaller WithCodebooks: too few columns
	// maddness: Fit: WithBias has 4 elements for 3 outputs: shape mismatch
}

// Any function of a row can be learned from its values.
func ExampleFitTargets() {
	x := activations(2000, 1)
	y := tensor.NewMatrix[float32](2000, 1)
	for i := range x.Rows {
		y.Set(i, 0, float32(math.Abs(float64(x.At(i, 0)-x.At(i, 1)))))
	}
	op, err := maddness.FitTargets(context.Background(), x, y)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("training error below a twentieth of the variance:", op.Stats().TrainNMSE < 0.05)
	// Output: training error below a twentieth of the variance: true
}

// Codes are computed once for several matrices, here the queries, keys and values of an attention layer.
func ExampleEncoder_Bind() {
	e, err := maddness.FitEncoder(context.Background(), activations(1000, 1), maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	x := activations(100, 2)
	var codes maddness.Codes
	if err := e.Encode(&codes, x); err != nil {
		fmt.Println(err)
		return
	}
	for _, outputs := range []int{4, 5, 6} {
		op, err := e.Bind(weights(outputs))
		if err != nil {
			fmt.Println(err)
			return
		}
		y := tensor.NewMatrix[float32](codes.Rows(), outputs)
		if err := op.Lookup(y, &codes); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(y.Rows, y.Cols)
	}
	// Output:
	// 100 4
	// 100 5
	// 100 6
}

// An operator by hand: a step at 0 in column 0 and one at 2 in column 1, which never goes further right.
func ExampleNew() {
	never := float32(math.Inf(1))
	trees := maddness.Trees{Dims: [][4]int{{0, 1, 1, 1}}, Thresholds: make([][16]float32, 1)}
	for i := range trees.Thresholds[0] {
		trees.Thresholds[0][i] = never
	}
	trees.Thresholds[0][1] = 0 // the root
	trees.Thresholds[0][2] = 2 // its left child
	lut := maddness.NewLUT(1, 1)
	lut.Table.Data[0b0000] = -1 // left, left
	lut.Table.Data[0b0100] = 1  // left, right
	lut.Table.Data[0b1000] = 0.5
	op, err := maddness.New(2, trees, lut)
	if err != nil {
		fmt.Println(err)
		return
	}
	y := tensor.NewMatrix[float32](3, 1)
	if err := op.Mul(y, tensor.Of(3, 2, []float32{-1, 2, -1, 3, 1, 3})); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", y.Data)
	// Output: [-1.00 1.00 0.50]
}

// Tables are parameters: train them in a loop of your own, then round them again.
func ExampleOperator_LUT() {
	x, b := activations(1000, 1), weights(3)
	op, err := maddness.Fit(context.Background(), x, b, maddness.WithCodebooks(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	labels := make([]int, x.Rows) // of the exact product
	y := tensor.NewMatrix[float32](x.Rows, 3)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, x, b, 0, y)
	for i := range labels {
		labels[i] = tensor.ArgMax(y.Row(i))
	}
	var codes maddness.Codes
	if err := op.Encode(&codes, x); err != nil {
		fmt.Println(err)
		return
	}
	lut := op.LUT()
	var first, loss float64
	for step := range 50 {
		if err := lut.Lookup(y, &codes); err != nil {
			fmt.Println(err)
			return
		}
		if loss, err = tensor.SoftmaxCrossEntropy(y, y, labels, 0); err != nil {
			fmt.Println(err)
			return
		}
		if step == 0 {
			first = loss
		}
		for _, p := range lut.Params() {
			clear(p.Grad)
		}
		if err := lut.Grad(&codes, y); err != nil {
			fmt.Println(err)
			return
		}
		for _, p := range lut.Params() { // gradient descent
			tensor.Axpy(p.Data, -1, p.Grad)
		}
	}
	if op, err = op.WithLUT(lut); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("loss fell:", loss < first)
	// Output: loss fell: true
}

// A classifier's decisions without its logits, with tables that were fitted to labels.
func ExampleOperator_RefitLabels() {
	x, b := activations(1000, 1), weights(3)
	labels, y := make([]int, x.Rows), tensor.NewMatrix[float32](x.Rows, 3)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, x, b, 0, y)
	for i := range labels {
		labels[i] = tensor.ArgMax(y.Row(i))
	}
	right := func(op *maddness.Operator) (n int) {
		decisions := make([]int32, x.Rows)
		if err := op.ArgMax(decisions, x); err != nil {
			fmt.Println(err)
		}
		for i, k := range decisions {
			if int(k) == labels[i] {
				n++
			}
		}
		return n
	}
	op, err := maddness.Fit(context.Background(), x, b, maddness.WithCodebooks(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	refitted, err := op.RefitLabels(context.Background(), x, labels)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("more labels kept:", right(refitted) > right(op))
	// Output: more labels kept: true
}

// What took work to fit can be kept.
func ExampleOperator_MarshalBinary() {
	op, err := maddness.Fit(context.Background(), activations(500, 1), weights(10), maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	blob, err := op.MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}
	var loaded maddness.Operator
	if err := loaded.UnmarshalBinary(blob); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loaded.Columns(), loaded.Outputs(), loaded.Codebooks())
	blob[100]++
	fmt.Println(loaded.UnmarshalBinary(blob) != nil)
	// Output:
	// 32 10 8
	// true
}

// Quantised activations go in as they are, and the next layer's come out.
func ExampleMulInts() {
	quantised := func(a tensor.Matrix[float32], unit float32) (maddness.Ints[uint8], tensor.Matrix[float32]) {
		q, values := maddness.IntsOf(a.Rows, a.Cols, make([]uint8, len(a.Data))), tensor.NewMatrix[float32](a.Rows, a.Cols)
		for i, v := range a.Data {
			q.Data[i] = uint8(min(v/unit, 255))
			values.Data[i] = float32(q.Data[i])
		}
		return q, values
	}
	_, train := quantised(activations(1000, 1), 0.05)
	b := weights(4)
	tensor.Scale(b.Data, 0.05, b.Data) // the unit is part of the matrix
	op, err := maddness.Fit(context.Background(), train, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, _ := quantised(activations(3, 2), 0.05)
	y := tensor.NewMatrix[float32](3, 4)
	if err := maddness.MulInts(op, y, x); err != nil {
		fmt.Println(err)
		return
	}
	small := maddness.IntsOf(3, 4, make([]int8, 12))
	var codes maddness.Codes
	if err := maddness.EncodeInts(op, &codes, x); err != nil {
		fmt.Println(err)
		return
	}
	if err := op.LookupInt8(small, &codes, 0.25); err != nil {
		fmt.Println(err)
		return
	}
	worst := 0.0
	for i, v := range y.Data {
		worst = max(worst, math.Abs(float64(v)-0.25*float64(small.Data[i])))
	}
	fmt.Println("rounded to a quarter:", worst <= 0.1251)
	// Output: rounded to a quarter: true
}
