package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// Pooler makes one row of each bag. It is what users implement to bring a pooling of their own, by hand or with
// [FromFunc]; package miltest has the check of what is written here.
//
// The result depends on the instances of the bag alone, in the same bits whatever other bags there are, and on their
// order only where the pooler says so. A Pooler is not modified by Forward, so that several goroutines may use one at
// once, each with a [Tape] of its own.
type Pooler[T tensor.Float] interface {
	// OutDim is the number of columns that it makes of in columns. The error wraps [tensor.ErrShape] for an in that it
	// does not take.
	OutDim(in int) (int, error)

	// Forward writes row i of y, b.Len() by OutDim, from the instances of bag i. The tape keeps what Backward needs; b
	// must stay unchanged until then. Errors wrap [tensor.ErrShape], [tensor.ErrNotFinite], [tensor.ErrRange] for an
	// element out of the pooler's domain, [tensor.ErrOverlap] if y shares memory with b, or [ErrEmptyBag]; y is then
	// unchanged.
	Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error

	// Backward takes the gradient dy of the loss with respect to the result of the last Forward with the tape. It
	// overwrites dx, one row per instance, unless dx.Data is nil, and adds to the Grad of every parameter. The error
	// wraps [tensor.ErrShape], [tensor.ErrOverlap], or [tensor.ErrConflict] if the last Forward with the tape was not
	// this pooler's; nothing is changed then.
	Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error

	// Params lists the trainable parameters, always in the same order.
	Params() []*tensor.Param[T]
}

// Weigher is a [Pooler] that can say how much each instance counts.
type Weigher[T tensor.Float] interface {
	Pooler[T]

	// WeightDim is the number of weights of an instance of in columns.
	WeightDim(in int) int

	// Weights writes the weights of the instances of the last Forward with the tape, one row per instance. The error is
	// that of Backward.
	Weights(w tensor.Matrix[T], tape *Tape[T]) error
}

// Tape is what a forward pass leaves for the backward one, and the memory of both, which is used again by later ones.
// Its zero value is ready. It serves one goroutine at a time.
type Tape[T tensor.Float] struct {
	// Workers is the goroutines that pool; 0 stands for GOMAXPROCS. Large products of matrices may take more. No bit of a
	// result depends on it.
	Workers int

	by     any // the pooler of the last Forward
	engine engine[T]
	bags   Bags[T]
	out    int

	y      tensor.Matrix[T] // the result, for Backward
	states []float64        // what the engine keeps of the bags
	scores []T              // and of the instances
	dx, dy tensor.Matrix[T]
	back   bool

	blocks []int // bags from one to the next are pooled together
	works  []*work[T]
	task   func(lo, hi int)
	own    any // of the pooler
	buffer []T
}

// engine is what differs between the poolers of this package: what they do to one bag that is not empty.
type engine[T tensor.Float] interface {
	stateLen(in int) int // float64 that are kept of a bag
	scoreLen(in int) int // elements that are kept of an instance
	forward(t *Tape[T], w *work[T], bag int)
	backward(t *Tape[T], w *work[T], bag int)
	// finish adds what a block has summed up to the gradients of parameters.
	finish(w *work[T])
}

// state is what is kept of a bag.
func (t *Tape[T]) state(bag int) []float64 {
	n := len(t.states) / t.bags.Len()
	return t.states[bag*n : (bag+1)*n]
}

// score is what is kept of the instances lo to hi-1.
func (t *Tape[T]) score(lo, hi int) tensor.Matrix[T] {
	n := len(t.scores) / max(t.bags.X.Rows, 1)
	return tensor.Of(hi-lo, n, t.scores[lo*n:hi*n])
}

// forward is Forward of the poolers of this package.
func (t *Tape[T]) forward(call string, by any, e engine[T], out int, empty emptyRule, y tensor.Matrix[T],
	b Bags[T]) error {
	if err := checkForward(call, out, empty, y, b); err != nil {
		return err
	}
	t.by, t.engine, t.bags, t.out, t.back = by, e, b, out, false
	t.y = tensor.Of(b.Len(), out, grow(&t.buffer, b.Len()*out))
	grow(&t.states, b.Len()*e.stateLen(b.X.Cols))
	grow(&t.scores, b.X.Rows*e.scoreLen(b.X.Cols))
	t.split()
	t.run()
	for k := range len(t.blocks) - 1 {
		if t.works[k].notFinite {
			t.by = nil
			return validateFinite(call, "X", b.X)
		}
	}
	for i := range b.Len() {
		if b.Size(i) == 0 {
			fill(t.y.Row(i), T(empty.value))
		}
		copy(y.Row(i), t.y.Row(i))
	}
	return nil
}

// backward is Backward of the poolers of this package.
func (t *Tape[T]) backward(call string, by any, dx, dy tensor.Matrix[T]) error {
	if err := t.checkBackward(call, by, dx, dy); err != nil {
		return err
	}
	t.dx, t.dy, t.back = dx, dy, true
	t.run()
	for k := range len(t.blocks) - 1 {
		t.engine.finish(t.works[k])
	}
	t.dx, t.dy = tensor.Matrix[T]{}, tensor.Matrix[T]{}
	return nil
}

// split cuts the bags into at most 16 blocks with about as many instances, of 2048 or more. It depends on the bags
// alone, so that sums over blocks have the same bits for any number of workers.
func (t *Tape[T]) split() {
	rows, bags := t.bags.X.Rows, t.bags.Len()
	size := max(2048, (rows+15)/16)
	t.blocks = append(t.blocks[:0], 0)
	from := 0
	for i := range bags {
		if end := t.bags.Offsets[i+1]; end-from >= size {
			t.blocks, from = append(t.blocks, i+1), end
		}
	}
	if t.blocks[len(t.blocks)-1] < bags {
		t.blocks = append(t.blocks, bags)
	}
	for len(t.works) < len(t.blocks)-1 {
		t.works = append(t.works, new(work[T]))
	}
}

// run pools the blocks, or takes their gradients back.
func (t *Tape[T]) run() {
	if t.task == nil { // once, since it is a closure
		t.task = func(lo, hi int) {
			for k := lo; k < hi; k++ {
				t.block(k)
			}
		}
	}
	tensor.ParallelWorkers(t.workers(), len(t.blocks)-1, 1, t.task)
}

// alone is how many elements sums and maxima pass over before another goroutine would have begun.
const alone = 3 << 17

func (t *Tape[T]) workers() int {
	if f, ok := t.engine.(folded[T]); ok {
		switch f.fold.(type) {
		case additive[T], extreme[T]:
			return sharing.Workers(t.Workers, float64(t.bags.X.Rows)*float64(t.bags.X.Cols), alone)
		}
	}
	return t.Workers
}

func (t *Tape[T]) block(k int) {
	w := t.works[k]
	w.sums, w.notFinite = w.sums[:0], false
	for i := t.blocks[k]; i < t.blocks[k+1]; i++ {
		switch {
		case t.bags.Size(i) == 0:
		case t.back:
			t.engine.backward(t, w, i)
		case validateFinite("", "", t.bags.Bag(i)) != nil: // here, for pooling to find the bag in the cache
			w.notFinite = true
			return
		default:
			t.engine.forward(t, w, i)
		}
	}
}

func checkForward[T tensor.Float](call string, out int, empty emptyRule, y tensor.Matrix[T], b Bags[T]) error {
	if err := b.validate(call); err != nil {
		return err
	}
	if err := checkShape(call, "y", y, b.Len(), out); err != nil {
		return err
	}
	if b.X.Overlaps(y) {
		return fmt.Errorf("%s: y shares memory with the instances: %w", call, tensor.ErrOverlap)
	}
	if !empty.given {
		for i := range b.Len() {
			if b.Size(i) == 0 {
				return fmt.Errorf("%s: bag %d of %d: %w", call, i, b.Len(), ErrEmptyBag)
			}
		}
	}
	return nil
}

func (t *Tape[T]) checkBackward(call string, by any, dx, dy tensor.Matrix[T]) error {
	if err := t.checkBy(call, by); err != nil {
		return err
	}
	if err := checkShape(call, "dy", dy, t.bags.Len(), t.out); err != nil {
		return err
	}
	if dx.Data == nil {
		return nil
	}
	if err := checkShape(call, "dx", dx, t.bags.X.Rows, t.bags.X.Cols); err != nil {
		return err
	}
	if dx.Overlaps(t.bags.X) || dx.Overlaps(dy) {
		return fmt.Errorf("%s: dx shares memory with the instances or dy: %w", call, tensor.ErrOverlap)
	}
	return nil
}

// checkBy reports a tape that another pooler wrote last.
func (t *Tape[T]) checkBy(call string, by any) error {
	if t.by != by {
		return fmt.Errorf("%s: the last Forward with the tape was not this pooler's: %w", call, tensor.ErrConflict)
	}
	return nil
}

func checkShape[T tensor.Float](call, name string, m tensor.Matrix[T], rows, cols int) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("%s: %s: %w", call, name, err)
	}
	if m.Rows != rows || m.Cols != cols {
		return fmt.Errorf("%s: %s is %dx%d, want %dx%d: %w", call, name, m.Rows, m.Cols, rows, cols, tensor.ErrShape)
	}
	return nil
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// grow sets the length of a buffer, which is made anew if it is too small, and returns it.
func grow[E any](buffer *[]E, n int) []E {
	if cap(*buffer) < n {
		*buffer = make([]E, n)
	}
	*buffer = (*buffer)[:n]
	return *buffer
}
