// Package batches is images as data sets of GoMLX: what the programs of this folder share.
package batches

import (
	"iter"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/tensor"
)

// Images is images, a row of pixels each, with the labels of the rows that a batch has.
type Images struct {
	X      tensor.Matrix[float32]
	Labels func(rows []int) []*tensors.Tensor
}

// Endless is batches of the given size, epoch after epoch, each shuffled by the seed and its number, from a step on: a
// run that is resumed begins at its own. Rows that do not fill the last batch of an epoch are left out there.
func (m Images) Endless(size int, seed uint64, from int) train.Dataset {
	perEpoch := m.X.Rows / size
	return source(func(yield func(train.Batch, error) bool) {
		var order []int
		of := -1
		for step := from; ; step++ {
			if epoch := step / perEpoch; epoch != of {
				order, of = tensor.Stream(seed, uint64(epoch)).Perm(m.X.Rows), epoch
			}
			at := step % perEpoch * size
			if !yield(m.batch(order[at:at+size]), nil) {
				return
			}
		}
	})
}

// Once is all images as one batch.
func (m Images) Once() train.Dataset {
	return source(func(yield func(train.Batch, error) bool) {
		rows := make([]int, m.X.Rows)
		for i := range rows {
			rows[i] = i
		}
		yield(m.batch(rows), nil)
	})
}

func (m Images) batch(rows []int) train.Batch {
	x := make([]float32, 0, len(rows)*m.X.Cols)
	for _, r := range rows {
		x = append(x, m.X.Row(r)...)
	}
	return train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, len(rows), m.X.Cols)},
		Labels: m.Labels(rows)}
}

// Column is a label of each row, [n, 1].
func Column[T int32 | float32](of []T, rows []int) *tensors.Tensor {
	y := make([]T, len(rows))
	for i, r := range rows {
		y[i] = of[r]
	}
	return tensors.FromFlatDataAndDimensions(y, len(y), 1)
}

type source func(yield func(train.Batch, error) bool)

func (source) Name() string                          { return "images" }
func (s source) Iter() iter.Seq2[train.Batch, error] { return iter.Seq2[train.Batch, error](s) }
