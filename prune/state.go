package prune

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// Slots lists the optimizer's state for a parameter: it calls visit with every slice that has one number per weight,
// such as a velocity or a moment. It may leave out slices that do not exist yet; nil is skipped.
type Slots[T tensor.Float] func(p *tensor.Param[T], visit func(slot []T))

// Track registers optimizer state to be set to zero wherever weights are pruned: without it momentum from before
// pruning moves pruned weights off zero within every step and, once they are brought back, goes on from where it was.
// Slots are looked up at every step.
//
//	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) { visit(sgd.State(p)) })
//	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) { m, v := adam.State(p); visit(m); visit(v) })
//
// It panics if slots is nil.
func (p *Pruner[T]) Track(slots Slots[T]) {
	if slots == nil {
		panic(fmt.Errorf("prune: Track(nil): %w", tensor.ErrEmpty))
	}
	p.state.tracked = append(p.state.tracked, slots)
}

// stateMasker applies masks to weights and slots without allocating.
type stateMasker[T tensor.Float] struct {
	tracked []Slots[T]
	workers int

	block                         func(lo, hi int)
	checkSlot, maskSlot, zeroSlot func(slot []T)
	words                         []uint64
	x                             []T
	mask                          *Mask
	want                          int
	bad                           int // length of a slot that does not fit, or -1
	grown                         []int
}

// applyGrain is the number of weights masked by one goroutine at a time, a multiple of 64. Up to applyAlone are masked
// before another goroutine would have begun.
const (
	applyGrain = 1 << 16
	applyAlone = 6 * applyGrain
)

func (s *stateMasker[T]) init(workers int) {
	s.workers = workers
	s.block = func(lo, hi int) { applyWords(s.words[lo>>6:], s.x[lo:hi]) }
	s.maskSlot = func(slot []T) {
		if slot != nil {
			s.apply(s.mask, slot)
		}
	}
	s.checkSlot = func(slot []T) {
		if slot != nil && len(slot) != s.want {
			s.bad = len(slot)
		}
	}
	s.zeroSlot = func(slot []T) {
		if slot != nil {
			for _, i := range s.grown {
				slot[i] = 0
			}
		}
	}
}

func (s *stateMasker[T]) apply(m *Mask, x []T) {
	s.words, s.x = m.words, x
	tensor.ParallelWorkers(sharing.Workers(s.workers, float64(len(x)), applyAlone), len(x), applyGrain, s.block)
}

func (s *stateMasker[T]) applySlots(p *tensor.Param[T], m *Mask) {
	s.mask = m
	for _, slots := range s.tracked {
		slots(p, s.maskSlot)
	}
}

// reset sets the slots of grown elements to zero.
func (s *stateMasker[T]) reset(p *tensor.Param[T], grown []int) {
	s.grown = grown
	for _, slots := range s.tracked {
		slots(p, s.zeroSlot)
	}
}

func (s *stateMasker[T]) check(p *tensor.Param[T], n int) error {
	s.want, s.bad = n, -1
	for _, slots := range s.tracked {
		slots(p, s.checkSlot)
	}
	if s.bad >= 0 {
		return fmt.Errorf("prune: param %q: a tracked slot has %d elements for %d weights: %w",
			p.Name, s.bad, n, tensor.ErrShape)
	}
	return nil
}

// Optimizer is what [Pruner.Wrap] wraps: the optimizers of tensor/nn and the user's own.
type Optimizer[T tensor.Float] interface {
	Step(params []*tensor.Param[T]) error
}

// Wrap returns an optimizer whose every step is one of opt followed by one of the pruner, counted from the pruner's
// last: pruning in a loop that knows nothing of it. State still has to be tracked.
func (p *Pruner[T]) Wrap(opt Optimizer[T]) *Wrapped[T] { return &Wrapped[T]{opt: opt, pruner: p} }

// Wrapped is stateful like the [Pruner] in it; see [Pruner.Wrap].
type Wrapped[T tensor.Float] struct {
	Info   StepInfo // what the last step did
	opt    Optimizer[T]
	pruner *Pruner[T]
}

// Step steps the optimizer and then the pruner.
func (w *Wrapped[T]) Step(params []*tensor.Param[T]) (err error) {
	if err := w.opt.Step(params); err != nil {
		return err
	}
	w.Info, err = w.pruner.Step(w.pruner.last + 1)
	return err
}
