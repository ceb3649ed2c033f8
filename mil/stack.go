package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Stack is several poolers side by side, a [Pooler]: the columns of the first, then those of the next. The mean beside
// the maximum of an embedding is the usual one.
type Stack[T tensor.Float] struct {
	parts  []Pooler[T]
	params []*tensor.Param[T]
}

// NewStack makes a pooler of others. The error wraps [tensor.ErrEmpty] if there are none or one is nil.
func NewStack[T tensor.Float](parts ...Pooler[T]) (*Stack[T], error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("mil: NewStack: no poolers: %w", tensor.ErrEmpty)
	}
	s := &Stack[T]{parts: append([]Pooler[T](nil), parts...)}
	for i, p := range parts {
		if p == nil {
			return nil, fmt.Errorf("mil: NewStack: parts[%d] is nil: %w", i, tensor.ErrEmpty)
		}
		s.params = append(s.params, p.Params()...)
	}
	return s, nil
}

// OutDim is the sum of those of the parts.
func (s *Stack[T]) OutDim(in int) (int, error) {
	sum := 0
	for _, p := range s.parts {
		n, err := p.OutDim(in)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// stackMemory is the tapes of the parts and columns of results.
type stackMemory[T tensor.Float] struct {
	tapes  []*Tape[T]
	buffer []T
	dx     []T
}

func (s *Stack[T]) memory(t *Tape[T]) *stackMemory[T] {
	m, ok := t.own.(*stackMemory[T])
	if !ok {
		m = new(stackMemory[T])
		t.own = m
	}
	for len(m.tapes) < len(s.parts) {
		m.tapes = append(m.tapes, new(Tape[T]))
	}
	return m
}

// Forward is described at [Pooler].
func (s *Stack[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: Stack.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	out, err := s.OutDim(b.X.Cols)
	if err != nil {
		return option.Call(call, err)
	}
	if err := checkShape(call, "y", y, b.Len(), out); err != nil {
		return err
	}
	if b.X.Overlaps(y) {
		return fmt.Errorf("%s: y shares memory with the instances: %w", call, tensor.ErrOverlap)
	}
	tape.by = nil
	m := s.memory(tape)
	all := tensor.Of(b.Len(), out, grow(&m.buffer, b.Len()*out)) // y is unchanged if a later part fails
	from := 0
	for i, p := range s.parts {
		n, _ := p.OutDim(b.X.Cols)
		m.tapes[i].Workers = tape.Workers
		if err := p.Forward(columns(all, from, from+n), b, m.tapes[i]); err != nil {
			return err
		}
		from += n
	}
	copyRows(y, all)
	tape.by, tape.bags, tape.out = s, b, out
	return nil
}

// columns is the columns lo to hi-1 as a view.
func columns[T tensor.Float](m tensor.Matrix[T], lo, hi int) tensor.Matrix[T] {
	if m.Rows == 0 {
		return tensor.Matrix[T]{Cols: hi - lo, Stride: m.Stride}
	}
	return m.Slice(0, m.Rows, lo, hi)
}

// Backward is described at [Pooler].
func (s *Stack[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	if err := tape.checkBackward("mil: Stack.Backward", s, dx, dy); err != nil {
		return err
	}
	m, b := s.memory(tape), tape.bags
	from := 0
	for i, p := range s.parts {
		n, _ := p.OutDim(b.X.Cols)
		to := dx
		if i > 0 && dx.Data != nil {
			to = tensor.Of(b.X.Rows, b.X.Cols, grow(&m.dx, b.X.Rows*b.X.Cols))
		}
		if err := p.Backward(to, columns(dy, from, from+n), m.tapes[i]); err != nil {
			return err
		}
		if i > 0 && dx.Data != nil {
			for r := range dx.Rows {
				tensor.Add(dx.Row(r), dx.Row(r), to.Row(r))
			}
		}
		from += n
	}
	return nil
}

// Params lists those of the parts.
func (s *Stack[T]) Params() []*tensor.Param[T] { return s.params }
