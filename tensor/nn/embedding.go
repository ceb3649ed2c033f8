package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// Embedding looks up one vector per id. Ids are integers and data, so it is not a [Layer]: Forward takes ids and can
// fail, Backward ends the chain. A model is an Embedding followed by a Layer.
type Embedding[T tensor.Float] struct {
	Weight *tensor.Param[T] // [count, dim]

	ids []int
	y   buffer[T]
}

// NewEmbedding returns a table of count vectors drawn from the standard normal distribution, torch's default. The error
// wraps tensor.ErrRange if a size is less than 1, and tensor.ErrEmpty if rng is nil.
func NewEmbedding[T tensor.Float](count, dim int, rng *rand.Rand) (*Embedding[T], error) {
	err := errors.Join(positive("Embedding", "count", count), positive("Embedding", "dim", dim), random("Embedding", rng))
	if err != nil {
		return nil, err
	}
	e := &Embedding[T]{Weight: newParam[T]("weight", count, dim)}
	normal(rng, e.Weight.Data, 1)
	return e, nil
}

// Forward returns the vectors of ids in the given shape plus an axis for the features: Forward(ids, batch, steps) is
// [batch, steps, dim], Forward(ids) is [len(ids), dim]. The result belongs to the layer and is valid until its next
// Forward; ids must stay unchanged until Backward has run. The error wraps tensor.ErrShape if shape does not fit ids
// and tensor.ErrRange if an id is outside the table; the last result is then unchanged.
func (e *Embedding[T]) Forward(ids []int, shape ...int) (tensor.Dense[T], error) {
	count, dim := e.Weight.Shape[0], e.Weight.Shape[1]
	n, negative := 1, false
	for _, s := range shape {
		n *= s
		negative = negative || s < 0
	}
	if len(shape) > 0 && n != len(ids) || negative {
		return tensor.Dense[T]{}, fmt.Errorf("nn: Embedding: %d ids cannot be viewed as %v: %w",
			len(ids), append([]int(nil), shape...), tensor.ErrShape)
	}
	for i, id := range ids {
		if id < 0 || id >= count {
			return tensor.Dense[T]{}, fmt.Errorf("nn: Embedding: ids[%d] is %d of %d: %w", i, id, count, tensor.ErrRange)
		}
	}
	e.ids = ids
	e.y.shape = append(e.y.shape[:0], shape...)
	if len(shape) == 0 {
		e.y.shape = append(e.y.shape, len(ids))
	}
	e.y.shape = append(e.y.shape, dim)
	y := tensor.Dense[T]{Shape: e.y.shape, Data: e.y.sized(len(ids) * dim)}
	for i, id := range ids {
		copy(y.Data[i*dim:(i+1)*dim], e.Weight.Data[id*dim:])
	}
	return y, nil
}

// Backward adds dy, of the length of the last result, to the gradients of the vectors that were looked up.
func (e *Embedding[T]) Backward(dy tensor.Dense[T]) {
	dim := e.Weight.Shape[1]
	mustLength("Embedding", "dy", len(dy.Data), len(e.ids)*dim)
	for i, id := range e.ids { // in order: an id may occur twice
		g := e.Weight.Grad[id*dim : (id+1)*dim]
		tensor.Add(g, g, dy.Data[i*dim:(i+1)*dim])
	}
}

// Params lists the table.
func (e *Embedding[T]) Params() []*tensor.Param[T] { return present(e.Weight) }
