package nn

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// ties remembers which parameters are one, as [tensor.Tied] tells, for as long as they stay where they are.
type ties[T tensor.Float] struct {
	first []int
	seen  []memory[T]
}

// memory is where a parameter's values and gradients start, and how many there are.
type memory[T tensor.Float] struct {
	data, grad *T
	n          int
}

func memoryOf[T tensor.Float](p *tensor.Param[T]) memory[T] {
	return memory[T]{unsafe.SliceData(p.Data), unsafe.SliceData(p.Grad), len(p.Data)}
}

// find looks again if anything has moved.
func (t *ties[T]) find(params []*tensor.Param[T]) error {
	if slices.EqualFunc(t.seen, params, func(m memory[T], p *tensor.Param[T]) bool { return m == memoryOf(p) }) {
		return nil
	}
	t.seen = t.seen[:0]
	first, err := tensor.Tied(params)
	if err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	for i, p := range params {
		if q := params[first[i]]; unsafe.SliceData(q.Grad) != unsafe.SliceData(p.Grad) {
			return fmt.Errorf("nn: params[%d] %q and params[%d] %q share values but not gradients: give them one Grad: %w",
				first[i], q.Name, i, p.Name, tensor.ErrOverlap)
		}
	}
	t.first = first
	for _, p := range params {
		t.seen = append(t.seen, memoryOf(p))
	}
	return nil
}
