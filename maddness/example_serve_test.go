package maddness_test

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// An operator that is only served is saved without what training needs, and takes integers where its rows are
// quantised.
func ExampleOperator_MarshalServing() {
	a, b := activations(600, 1), weights(10)
	op, err := maddness.Fit(context.Background(), a, b, maddness.WithCodebooks(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	full, err := op.MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := op.MarshalServing()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tables of", op.Stats().TableBytes, "bytes in", len(small), "instead of", len(full))

	var loaded maddness.Operator
	if err := loaded.UnmarshalBinary(small); err != nil {
		fmt.Println(err)
		return
	}
	served, err := loaded.WithWorkers(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	y, same := tensor.NewMatrix[float32](600, 10), tensor.NewMatrix[float32](600, 10)
	if err := op.Mul(y, a); err != nil {
		fmt.Println(err)
		return
	}
	if err := served.MulChecked(same, a); err != nil { // refuses NaN, which Mul sends left
		fmt.Println(err)
		return
	}
	fmt.Println("same outputs:", fmt.Sprint(y.Data) == fmt.Sprint(same.Data))

	const unit = 1. / 16 // of the integers below
	quantised := maddness.IntsOf(600, a.Cols, make([]int8, len(a.Data)))
	for i, v := range a.Data {
		quantised.Data[i] = int8(max(-128, min(127, math.Round(float64(v)/unit))))
	}
	ints, err := served.Quantized(unit, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := maddness.MulInts(ints, same, quantised); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("outputs of quantised rows are near:", nmse(same.Data, y.Data) < 0.1)
	// Output:
	// tables of 1280 bytes in 2009 instead of 5918
	// same outputs: true
	// outputs of quantised rows are near: true
}

// The simpler way to learn is there to compare with, as are its parts.
func ExampleWithSimple() {
	a, b := activations(600, 1), weights(10)
	for _, opts := range [][]maddness.Option{
		nil,
		{maddness.WithAddedRows(0)},
		{maddness.WithGrouping(maddness.Contiguous)},
		{maddness.WithSplitter(maddness.Binned{}), maddness.WithGrouping(maddness.Contribution)}, // as without
		{maddness.WithSimple()},
	} {
		op, err := maddness.Fit(context.Background(), a, b, append(opts, maddness.WithCodebooks(4))...)
		if err != nil {
			fmt.Println(err)
			return
		}
		s := op.Stats()
		fmt.Println(s.Grouping, s.Refine, s.TrainNMSE < 0.2)
	}
	// Output:
	// contribution 1 true
	// contribution 1 true
	// contiguous 1 true
	// contribution 1 true
	// contiguous 2 true
}

// A square matrix as a layer stores it, outputs by columns.
func ExampleWithTransposed() {
	a, b := activations(600, 1), weights(20)
	y, same := tensor.NewMatrix[float32](a.Rows, 20), tensor.NewMatrix[float32](a.Rows, 20)
	op, err := maddness.Fit(context.Background(), a, b, maddness.WithCodebooks(4))
	if err == nil {
		err = op.Mul(y, a)
	}
	if err == nil {
		op, err = maddness.Fit(context.Background(), a, b.Transposed(), maddness.WithTransposed(), maddness.WithCodebooks(4))
	}
	if err == nil {
		err = op.Mul(same, a)
	}
	fmt.Println(err, slices.Equal(y.Data, same.Data))
	// Output: <nil> true
}
