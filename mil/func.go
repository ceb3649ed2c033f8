package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Func is a [Pooler] made of functions of one bag.
type Func[T tensor.Float] struct {
	out      func(in int) int
	forward  func(y []T, bag tensor.Matrix[T])
	backward func(dx, bag tensor.Matrix[T], y, dy []T)
}

// FromFunc makes a pooler without parameters of two functions. out is the number of columns that forward makes of in
// columns, below 1 for an in that it does not take. forward writes y of a bag that is not empty; backward overwrites dx
// with the gradient of the bag's instances, given y and the gradient dy of y. Neither may keep or change what it is
// given otherwise, and both are called for several bags at once. A nil backward is that of a pooler that is not
// trained. The error wraps [tensor.ErrEmpty] if out or forward is nil.
func FromFunc[T tensor.Float](out func(in int) int, forward func(y []T, bag tensor.Matrix[T]),
	backward func(dx, bag tensor.Matrix[T], y, dy []T)) (*Func[T], error) {
	if out == nil || forward == nil {
		return nil, fmt.Errorf("mil: FromFunc: out or forward is nil: %w", tensor.ErrEmpty)
	}
	return &Func[T]{out, forward, backward}, nil
}

// OutDim is what out says.
func (f *Func[T]) OutDim(in int) (int, error) {
	n := f.out(in)
	if n < 1 {
		return 0, fmt.Errorf("mil: Func.OutDim: instances of %d columns: %w", in, tensor.ErrShape)
	}
	return n, nil
}

// Forward is described at [Pooler]. Empty bags are an error.
func (f *Func[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: Func.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	out, err := f.OutDim(b.X.Cols)
	if err != nil {
		return option.Call(call, err)
	}
	return tape.forward(call, f, funcEngine[T]{f}, out, emptyRule{}, y, b)
}

// Backward is described at [Pooler]. The error wraps [tensor.ErrEmpty] if there is no backward function.
func (f *Func[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	const call = "mil: Func.Backward"
	if f.backward == nil {
		return fmt.Errorf("%s: there is no backward function: %w", call, tensor.ErrEmpty)
	}
	return tape.backward(call, f, dx, dy)
}

// Params is empty.
func (f *Func[T]) Params() []*tensor.Param[T] { return nil }

type funcEngine[T tensor.Float] struct{ f *Func[T] }

func (e funcEngine[T]) stateLen(int) int { return 0 }
func (e funcEngine[T]) scoreLen(int) int { return 0 }
func (e funcEngine[T]) finish(*work[T])  {}

func (e funcEngine[T]) forward(t *Tape[T], _ *work[T], bag int) {
	e.f.forward(t.y.Row(bag), t.bags.Bag(bag))
}

func (e funcEngine[T]) backward(t *Tape[T], w *work[T], bag int) {
	x := t.bags.Bag(bag)
	e.f.backward(w.output(t.dx, t.bags.Offsets[bag], x), x, t.y.Row(bag), t.dy.Row(bag))
}
