package maddness_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Every choice of a fit has a default; these are some of the others.
func ExampleFit_choices() {
	a, b := activations(500, 1), weights(4)
	trees := 0
	for _, opts := range [][]maddness.Option{
		{maddness.WithMetric(maddness.InputSSE), maddness.WithCandidates(4), maddness.WithMetricDims(4),
			maddness.WithWide(0)},
		{maddness.WithGrouping(maddness.OutputCovariance), maddness.WithTrainRows(300), maddness.WithLUTBits(6)},
		{maddness.WithAggregation(maddness.Saturate(4)), maddness.WithSplitter(maddness.Exhaustive{}),
			maddness.WithValidation(0.2)},
		{maddness.WithColumns([][]int{{0, 1, 2, 3}, {4, 5, 6, 7}}),
			maddness.WithProgress(func(done, total int) { trees = total })},
	} {
		op, err := maddness.Fit(context.Background(), a, b, append([]maddness.Option{maddness.WithCodebooks(8)}, opts...)...)
		if errors.Is(err, tensor.ErrConflict) { // two groups of columns are two codebooks
			op, err = maddness.Fit(context.Background(), a, b, opts...)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(op.Codebooks(), op.Stats().TrainNMSE < 0.7)
	}
	fmt.Println("trees:", trees)
	// Output:
	// 8 true
	// 8 true
	// 8 true
	// 2 true
	// trees: 4
}

// What runs through the splitter is seen by one of one's own.
type widest struct{ maddness.Exhaustive }

func (w widest) Split(l *maddness.Level) maddness.Split {
	order := l.Sorted(l.Candidates[0]) // rows in the order of a column
	if len(order) == 0 {
		panic("no rows")
	}
	return w.Exhaustive.Split(l)
}

func ExampleSplitter() {
	op, err := maddness.Fit(context.Background(), activations(200, 1), weights(3), maddness.WithCodebooks(2),
		maddness.WithSplitter(widest{}))
	fmt.Println(op.Codebooks(), err)
	// Output:
	// 2 <nil>
}

func ExampleOperator_MulInt8() {
	a, b := activations(400, 1), weights(6)
	op, err := maddness.Fit(context.Background(), a, b, maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	x := activations(3, 2)
	const unit = 0.25
	rows, features := maddness.IntsOf(3, 6, make([]int8, 18)), maddness.IntsOf(6, 3, make([]int8, 18))
	err1 := op.MulInt8(rows, x, unit)
	across := tensor.NewMatrix[float32](32, 3)
	for i := range 3 {
		for j := range 32 {
			across.Set(j, i, x.At(i, j))
		}
	}
	err2 := op.MulInt8T(features, across, unit)
	fmt.Println(rows.Data[1] == features.Data[3], errors.Join(err1, err2))

	// Encoded once, looked up more than once.
	var codes maddness.Codes
	err1 = op.Encode(&codes, x)
	classes := make([]int32, 3)
	err2 = op.LookupArgMax(classes, &codes)
	err3 := op.LookupInt8T(features, &codes, unit)
	fmt.Println(codes.Rows(), codes.Codebooks(), len(classes), errors.Join(err1, err2, err3))
	// Output:
	// true <nil>
	// 3 8 3 <nil>
}

func ExampleMulIntsT() {
	// An operator that was fitted to small integers takes them as they are, feature after feature.
	a := activations(400, 1)
	for i, v := range a.Data {
		a.Data[i] = float32(int8(v * 8))
	}
	op, err := maddness.Fit(context.Background(), a, weights(2), maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	ints := maddness.IntsOf(32, 1, make([]int8, 32))
	for j := range 32 {
		ints.Data[j] = int8(a.At(0, j))
	}
	y, want := tensor.NewMatrix[float32](2, 1), tensor.NewMatrix[float32](1, 2)
	var codes maddness.Codes
	err = errors.Join(maddness.MulIntsT(op, y, ints), maddness.EncodeIntsT(op, &codes, ints),
		op.Mul(want, a.Slice(0, 1, 0, 32)))
	fmt.Println(y.Data[0] == want.Data[0], codes.Rows(), err)
	// Output:
	// true 1 <nil>
}

func ExampleOperator_RefitLUT() {
	a, b := activations(600, 1), weights(4)
	op, err := maddness.Fit(context.Background(), a, b, maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	// The layer has changed since: new tables, the same trees.
	y := tensor.NewMatrix[float32](600, 4)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, -1, a, b, 0, y)
	again, err := op.RefitLUT(context.Background(), a, y)
	if err != nil {
		fmt.Println(err)
		return
	}
	got := tensor.NewMatrix[float32](600, 4)
	err = again.Mul(got, a)
	fmt.Println(nmse(got.Data, y.Data) < 0.05, err)
	// Output:
	// true <nil>
}

func ExampleFitEncoder() {
	// Trees from rows alone, before it is known what they are multiplied with.
	a := activations(500, 1)
	e, err := maddness.FitEncoder(context.Background(), a, maddness.WithCodebooks(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	across := tensor.NewMatrix[float32](32, 500)
	for i := range 500 {
		for j := range 32 {
			across.Set(j, i, a.At(i, j))
		}
	}
	var codes maddness.Codes
	err = e.EncodeT(&codes, across)
	fmt.Println(codes.Rows(), e.Stats().TrainNMSE < 0.5, e.Prototypes() != nil, err)
	// Output:
	// 500 true true <nil>
}
