package prune

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// Pruner is stateful and not safe for concurrent use: it keeps the masks of a model and changes them in step with
// training. The model, its memory and the loop stay the caller's.
type Pruner[T tensor.Float] struct {
	pick *picker[T]

	last   int     // last step taken, -1 before the first
	amount float64 // of the last update
	done   bool    // the last update was that of the schedule's end

	state   stateMasker[T]
	pieces  []piece
	weights int              // of all pieces
	block   func(lo, hi int) // masks pieces [lo, hi)
}

// piece is a part of a prunable parameter's weights that one goroutine masks at a time.
type piece struct{ k, lo, hi int }

// New checks parameters and options and returns a pruner that has pruned nothing yet. The parameters are views: their
// values may change, and Data may be another slice at every step, but not of another length. Parameters over the same
// memory are one ([Info].TiedTo); where they share only a part of it, the error wraps tensor.ErrOverlap.
//
// All faults are reported together. Errors wrap tensor.ErrEmpty (no parameters, none prunable, no target),
// tensor.ErrShape (a malformed parameter), tensor.ErrRange (an option out of range, an unknown name),
// [ErrDuplicateName], tensor.ErrConflict, [ErrInfeasible] with the most that can be had, [ErrDivisible] and
// [ErrTargetNotReached] (a schedule that ends elsewhere).
func New[T tensor.Float](params []*tensor.Param[T], opts ...Option) (*Pruner[T], error) {
	pick, err := newPicker("prune: New", params, opts)
	if err != nil {
		return nil, err
	}
	p := &Pruner[T]{pick: pick, last: -1}
	p.state.init(pick.cfg.workers)
	for k, m := range p.pick.masks {
		p.weights += m.n
		for lo := 0; lo < m.n; lo += applyGrain {
			p.pieces = append(p.pieces, piece{k, lo, min(lo+applyGrain, m.n)})
		}
	}
	p.block = func(lo, hi int) {
		for _, b := range p.pieces[lo:hi] {
			applyWords(p.pick.masks[b.k].words[b.lo>>6:], p.pick.params[p.pick.at[b.k]].Data[b.lo:b.hi])
		}
	}
	return p, nil
}

// StepInfo is what a step did.
type StepInfo struct {
	Step    int  `json:"step"`
	Updated bool `json:"updated"` // masks changed or could have
	// Target is what the schedule wants now: a fraction of prunable elements, or of multiply-adds under [WithSpeedup].
	Target    float64  `json:"target"`
	Sparsity  float64  `json:"sparsity"`            // fraction of prunable elements that is pruned
	Pruned    int      `json:"pruned"`              // elements pruned by this step
	Grown     int      `json:"grown"`               // elements brought back by this step
	Collapsed []string `json:"collapsed,omitempty"` // weights that have lost every element, if [WithCollapse] permits it
}

// Step does what is due at a training step, counted from 0, after the optimizer's update: it recomputes masks if the
// schedule says so and, always, sets pruned weights and their tracked optimizer state to zero. A schedule's update
// that lies between the last step and this one is made up for. A step already taken may be repeated, and does not
// change masks again.
//
// Errors wrap [ErrStepOrder], tensor.ErrShape (a parameter or a slot changed its length), [ErrMissingGrad],
// tensor.ErrNotFinite (a score is NaN), [ErrCollapse] and what scorers and patterns return; nothing is changed then.
func (p *Pruner[T]) Step(step int) (StepInfo, error) {
	info := StepInfo{Step: step, Target: p.amount}
	if step < 0 {
		return info, fmt.Errorf("prune: step %d: steps count from 0: %w", step, ErrStepOrder)
	}
	if step < p.last {
		return info, fmt.Errorf("prune: step %d after step %d: %w", step, p.last, ErrStepOrder)
	}
	if err := p.checkLengths(); err != nil {
		return info, err
	}
	s := p.pick.cfg.schedule
	switch {
	case p.scheduled(step):
		amount := p.pick.target
		if step < s.End {
			amount = s.Sparsity(step, p.pick.target)
		}
		if !p.pick.cfg.regrow {
			amount = max(amount, p.amount)
		}
		collapsed, err := p.pick.update(step, amount)
		if err != nil {
			return info, err
		}
		info.Collapsed = collapsed
		if p.pick.cfg.regrow {
			p.applyAll() // what comes back starts at zero
		}
		p.pick.commit(&info)
		info.Target, p.amount, p.pick.updated, p.done = amount, amount, true, step >= s.End
	case p.rewires(step):
		if err := p.rewire(step); err != nil {
			return info, err
		}
		p.pick.commit(&info)
	}
	p.last = step
	p.applyAll()
	info.Sparsity = float64(p.pick.pruned) / float64(p.pick.budget.prunable)
	return info, nil
}

func (p *Pruner[T]) scheduled(step int) bool { return !p.done && p.pick.cfg.schedule.due(p.last, step) }

func (p *Pruner[T]) rewires(step int) bool {
	return p.done && p.pick.cfg.rewire.due(p.pick.cfg.schedule.End, p.last, step)
}

// Due reports whether the next call of Step with this number changes masks or could, updates that were missed
// included: the step before which scores have to be gathered, or weights fetched from an engine that holds them.
func (p *Pruner[T]) Due(step int) bool {
	return step >= p.last && (p.scheduled(step) || p.rewires(step))
}

// NeedsGrad reports whether the next call of Step with this number reads gradients of pruned weights, because RigL
// moves connections there: do not mask gradients before it.
func (p *Pruner[T]) NeedsGrad(step int) bool {
	return p.rewires(step) && p.pick.cfg.rewire.ByGradient
}

// rewire moves connections and sets those that were grown to zero.
func (p *Pruner[T]) rewire(step int) error {
	r := p.pick.cfg.rewire
	grown := make([][]int, len(p.pick.at))
	any := false
	for k, i := range p.pick.at {
		param := p.pick.params[i]
		growth := param.Grad
		if !r.ByGradient {
			growth = randomGrowth[T](len(param.Data), tensor.Stream(p.pick.cfg.seed, nameKey(param.Name), uint64(step), 1))
		} else if err := needGrad(param); err != nil {
			return err
		}
		if err := tensor.ValidateFinite("growth score", growth); err != nil {
			return fmt.Errorf("prune: param %q: %w", param.Name, err)
		}
		for j, g := range growth {
			any = any || g != 0 && !p.pick.masks[k].Keep(j)
		}
		p.pick.next[k], grown[k] = move(p.pick.masks[k], param.Data, growth, r.fraction(step))
	}
	if !any && p.pick.sparse() {
		return fmt.Errorf("prune: step %d: RigL needs dense gradients, but those of all pruned weights are zero: were "+
			"they masked? %w", step, ErrMissingGrad)
	}
	for k, i := range p.pick.at {
		for _, j := range grown[k] {
			p.pick.params[i].Data[j] = 0
		}
		p.state.reset(p.pick.params[i], grown[k])
	}
	return nil
}

// Finish reports whether pruning is complete: that the schedule has come to its end, that pruned weights are zero and,
// where elements are counted one by one or the target is one of the whole model, that the target is met. Otherwise the
// error wraps [ErrTargetNotReached]. Call it when training ends.
func (p *Pruner[T]) Finish() error {
	if !p.done {
		return fmt.Errorf("prune: the last step is %d, the schedule ends at %d; sparsity is %.6g: %w",
			p.last, p.pick.cfg.schedule.End, p.Masks().Sparsity(), ErrTargetNotReached)
	}
	for k, i := range p.pick.at {
		for j, w := range p.pick.params[i].Data {
			if w != 0 && !p.pick.masks[k].Keep(j) {
				return fmt.Errorf("prune: param %q: element %d is pruned and yet %v: call Step after every "+
					"step of the optimizer: %w",
					p.pick.infos[i].Name, j, w, ErrTargetNotReached)
			}
		}
	}
	if p.pick.cfg.exact() || p.pick.solves() {
		if have, want := p.pick.removed(p.pick.masks), p.pick.wanted(p.pick.target); have < want*(1-1e-9) {
			return fmt.Errorf("prune: %v removed, the target is %v: %w", have, want, ErrTargetNotReached)
		}
	}
	return nil
}

// Masks returns a copy of the masks. Parameters that are not pruned have none.
func (p *Pruner[T]) Masks() *Masks { return p.pick.current() }

// SetMasks replaces the masks, which must be those of the prunable parameters, and applies them to weights and tracked
// state: for masks from elsewhere. Later updates prune further. The error wraps tensor.ErrShape, or is that of a
// slot; nothing is changed then.
func (p *Pruner[T]) SetMasks(m *Masks) error {
	if m == nil || m.Len() != len(p.pick.at) {
		return fmt.Errorf("prune: SetMasks: want %d masks: %w", len(p.pick.at), tensor.ErrShape)
	}
	for _, i := range p.pick.at {
		if mask := m.Get(p.pick.infos[i].Name); mask == nil || mask.n != p.pick.infos[i].Size {
			return fmt.Errorf("prune: SetMasks: param %q has no mask of %d elements: %w",
				p.pick.infos[i].Name, p.pick.infos[i].Size, tensor.ErrShape)
		}
	}
	if err := p.checkLengths(); err != nil {
		return err
	}
	for k, i := range p.pick.at {
		p.pick.masks[k] = m.Get(p.pick.infos[i].Name).Clone()
	}
	p.pick.updated = true
	p.pick.recount()
	p.applyAll()
	return nil
}

// MaskGrads sets the gradients of pruned weights to zero, as a forward pass with masked weights would: call it before
// the optimizer's step where clipping or norms of gradients matter. [Pruner.Step] makes it unnecessary otherwise.
func (p *Pruner[T]) MaskGrads() {
	for k, i := range p.pick.at {
		if g := p.pick.params[i].Grad; len(g) == p.pick.masks[k].n {
			p.state.apply(p.pick.masks[k], g)
		}
	}
}

func (p *Pruner[T]) checkLengths() error {
	for k, i := range p.pick.at {
		if n := len(p.pick.params[i].Data); n != p.pick.masks[k].n {
			return fmt.Errorf("prune: param %q has %d elements, at first it had %d: %w",
				p.pick.infos[i].Name, n, p.pick.masks[k].n, tensor.ErrShape)
		}
		if err := p.state.check(p.pick.params[i], p.pick.masks[k].n); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pruner[T]) applyAll() {
	tensor.ParallelWorkers(sharing.Workers(p.pick.cfg.workers, float64(p.weights), applyAlone), len(p.pieces), 1, p.block)
	for k, i := range p.pick.at {
		p.state.applySlots(p.pick.params[i], p.pick.masks[k])
	}
}

// ComputeMasks prunes at once and returns masks without changing the model: all updates of the schedule, one after the
// other, on the weights as they are. Options and errors are those of [New] and [Pruner.Step].
func ComputeMasks[T tensor.Float](params []*tensor.Param[T], opts ...MaskOption) (*Masks, error) {
	p, err := newPicker("prune: ComputeMasks", params, opts)
	if err != nil {
		return nil, err
	}
	s, before := p.cfg.schedule, 0.0
	for step := s.Begin; ; step = min(step+s.every(), s.End) {
		amount := p.target
		if step != s.End {
			amount = s.Sparsity(step, p.target)
		}
		before = max(amount, before)
		if _, err := p.update(step, before); err != nil {
			return nil, err
		}
		p.commit(new(StepInfo))
		p.updated = true
		if step == s.End {
			return p.current(), nil
		}
	}
}
