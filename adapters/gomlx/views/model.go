package views

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// Model is an executor as a model of package tta. The executor takes batches of the given number of inputs of a shape,
// float32, and its first output is a row of so many classes for each, of float32. put writes an input to memory of that
// shape, which is 0 before. Give tta.WithBatch the same batch, which is the most that the model takes.
//
// Errors of Model wrap [tensor.ErrEmpty] for a nil argument and [tensor.ErrRange] for sizes below 1. Those of the model
// are put's, with the place in the batch, the executor's, or wrap [tensor.ErrRange] for a batch that is too large and
// [tensor.ErrShape] for outputs of another shape.
func Model[X any](exec *model.Exec, batch int, shape []int, classes int, put func(dst []float32, x X) error) (
	tta.Model[X], error) {
	const call = "views: Model"
	if exec == nil || put == nil {
		return nil, fmt.Errorf("%s: the executor or the function is nil: %w", call, tensor.ErrEmpty)
	}
	size := 1
	for _, d := range append([]int{batch, classes}, shape...) {
		if d < 1 {
			return nil, fmt.Errorf("%s: a batch of %d of shape %v, %d classes: %w", call, batch, shape, classes,
				tensor.ErrRange)
		}
	}
	for _, d := range shape {
		size *= d
	}
	dimensions := append([]int{batch}, shape...)
	memory := make([]float32, batch*size)
	return func(ctx context.Context, xs []X, out []float32) error {
		if len(xs) > batch {
			return fmt.Errorf("views: a batch of %d inputs, the model takes %d: %w", len(xs), batch, tensor.ErrRange)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(memory)
		for i, x := range xs {
			if err := put(memory[i*size:(i+1)*size:(i+1)*size], x); err != nil {
				return fmt.Errorf("input %d of the batch: %w", i, err)
			}
		}
		all, err := exec.Call(tensors.FromFlatDataAndDimensions(memory, dimensions...))
		if err != nil {
			return err
		}
		y := all[0]
		if y.DType() != dtypes.Float32 || y.Rank() != 2 || y.Shape().Dimensions[0] != batch ||
			y.Shape().Dimensions[1] != classes {
			return fmt.Errorf("views: outputs of %v, want float32 of %d rows and %d classes: %w", y.Shape(), batch, classes,
				tensor.ErrShape)
		}
		err = tensors.ConstFlatData(y, func(rows []float32) { copy(out, rows[:len(xs)*classes]) })
		for _, t := range all {
			err = errors.Join(err, t.FinalizeAll())
		}
		return err
	}, nil
}
