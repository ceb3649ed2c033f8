package prune

import (
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Pruner is stateful and not safe for concurrent use: it keeps the masks of a model and changes them in step with training. The
// model, its memory and the loop stay the caller's.
type Pruner[T tensor.Float] struct {
	cfg    config
	params []*tensor.Param[T]
	infos  []Info
	scorer Scorer[T]
	budget budget
	target float64 // fraction of prunable elements that go, or of multiply-adds under a speedup

	at     []int // the prunable parameters' positions in params
	masks  []*Mask
	pruned int // elements that are, by masks
	next   []*Mask
	scores [][]T

	last    int     // last step taken, -1 before the first
	amount  float64 // of the last update
	updated bool    // there was an update
	done    bool    // the last update was that of the schedule's end

	state  stateMasker[T]
	pieces []piece
	block  func(lo, hi int) // masks pieces [lo, hi)
}

// piece is a part of a prunable parameter's weights that one goroutine masks at a time.
type piece struct{ k, lo, hi int }

// New checks parameters and options and returns a pruner that has pruned nothing yet. The parameters are views and may
// change their values, not their lengths.
//
// All faults are reported together. Errors wrap tensor.ErrEmpty (no parameters, none prunable, no target),
// tensor.ErrShape (a malformed parameter), tensor.ErrRange (an option out of range, an unknown name), [ErrDuplicateName],
// tensor.ErrConflict, [ErrInfeasible] with the most that can be had, [ErrDivisible] and [ErrTargetNotReached] (a schedule that ends elsewhere).
func New[T tensor.Float](params []*tensor.Param[T], opts ...Option) (*Pruner[T], error) {
	return newPruner("prune: New", params, opts)
}

func newPruner[T tensor.Float, O ~Option](call string, params []*tensor.Param[T], opts []O) (*Pruner[T], error) {
	c := config{pattern: Unstructured{}, distribution: Uniform{}, kind: "magnitude", minKeep: 1}
	err := option.Apply(call, &c, opts)
	infos, faults := describe(params, c.layout, c.macs)
	if err := errors.Join(err, option.Call(call, faults)); err != nil {
		return nil, err
	}
	p := &Pruner[T]{cfg: c, params: slices.Clone(params), infos: infos, last: -1}
	if err := errors.Join(p.chooseScorer(), p.choosePrunable(), p.cfg.contradictions()); err != nil {
		return nil, option.Call(call, err)
	}
	if err := p.chooseTarget(); err != nil {
		return nil, option.Call(call, err)
	}
	p.state.init(c.workers)
	for k, m := range p.masks {
		for lo := 0; lo < m.n; lo += applyGrain {
			p.pieces = append(p.pieces, piece{k, lo, min(lo+applyGrain, m.n)})
		}
	}
	p.block = func(lo, hi int) {
		for _, b := range p.pieces[lo:hi] {
			applyWords(p.masks[b.k].words[b.lo>>6:], p.params[p.at[b.k]].Data[b.lo:b.hi])
		}
	}
	return p, nil
}

func (p *Pruner[T]) chooseScorer() error {
	c := &p.cfg
	switch {
	case c.scorer != nil:
		s, ok := c.scorer.(Scorer[T])
		if !ok {
			return option.Conflict("WithScorer: %T does not score %T parameters", c.scorer, *new(T))
		}
		p.scorer = s
	case c.kind == "taylor":
		p.scorer = Taylor[T]()
	case c.kind == "activations":
		return fmt.Errorf("prune: this preset needs WithScorer(activations.ShrinkBench()): %w", tensor.ErrEmpty)
	default:
		p.scorer = Magnitude[T]()
	}
	return nil
}

func (p *Pruner[T]) choosePrunable() error {
	c := &p.cfg
	var errs []error
	for _, name := range c.fixed {
		if !slices.ContainsFunc(p.infos, func(i Info) bool { return i.Name == name }) {
			errs = append(errs, fmt.Errorf("prune: WithFixed: no parameter is named %q: %w", name, tensor.ErrRange))
		}
	}
	for i, info := range p.infos {
		p.budget.total += info.Size
		p.budget.macs += info.MACs
		prunable := info.Role == Weight || info.Role == Bias && c.biases
		if c.filter != nil {
			prunable = c.filter(info)
		}
		if !prunable || slices.Contains(c.fixed, info.Name) || info.Size == 0 {
			p.budget.fixedMACs += info.MACs
			continue
		}
		p.at = append(p.at, i)
		p.masks = append(p.masks, NewMask(info.Size))
		p.next = append(p.next, NewMask(info.Size))
		p.budget.prunable += info.Size
	}
	if len(p.at) == 0 {
		errs = append(errs, fmt.Errorf("prune: no parameter is prunable: %w", tensor.ErrEmpty))
	}
	// A minimum per parameter is kept only where elements are counted parameter by parameter, unless it is asked for.
	if !c.counts() && !c.given.Has("WithMinKeep") {
		c.minKeep = 0
	}
	for _, i := range p.at {
		keep := min(c.minKeep, p.infos[i].Size)
		p.budget.keep += keep
		p.budget.keepMACs += keptMACs(p.infos[i], keep)
	}
	return errors.Join(errs...)
}

// counts reports whether elements are counted parameter by parameter.
func (c *config) counts() bool {
	return c.unstructured() && c.rule == RuleExact && c.scope == PerTensor && c.groups == nil
}

func (c *config) unstructured() bool { _, ok := c.pattern.(Unstructured); return ok }

// exact reports whether a fraction of all elements together is pruned to the element.
func (c *config) exact() bool {
	_, uniform := c.distribution.(Uniform)
	return c.unstructured() && c.rule == RuleExact && c.groups == nil &&
		(c.scope == Global || c.scope == PerTensor && uniform && c.target.kind != bySparsity)
}

// joint reports whether parameters share thresholds.
func (c *config) joint() bool { return c.scope == Global || c.groups != nil }

func (c *config) contradictions() error {
	errs := []error{c.given.Exclusive("WithSparsity", "WithCompression", "WithNonzeros", "WithSpeedup")}
	conflict := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, option.Conflict(format, args...))
		}
	}
	_, uniform := c.distribution.(Uniform)
	conflict(c.groups != nil && c.given.Has("WithScope"), "WithGroups beside WithScope")
	conflict(c.joint() && !uniform, "a shared threshold chooses the sparsity of each parameter, and so does %T", c.distribution)
	conflict(!c.unstructured() && c.joint(), "%T selects within a parameter, but the scope shares thresholds", c.pattern)
	conflict(!c.unstructured() && c.scope == PerRow, "%T selects within a parameter, but the scope is PerRow", c.pattern)
	conflict(!c.unstructured() && c.rule != RuleExact, "%T counts its units, but the rule does not count", c.pattern)
	conflict(c.scope == PerRow && c.rule != RuleExact, "the scope is PerRow, but the rule does not count")
	conflict(c.given.Has("WithMinKeep") && c.minKeep > 0 && (c.rule != RuleExact || c.scope == PerRow || !c.unstructured()),
		"WithMinKeep needs the exact rule, single elements and a scope other than PerRow")
	conflict(c.given.Has("WithMinKeep") && c.minKeep > 0 && c.groups != nil, "WithMinKeep beside WithGroups")
	conflict(c.rule != RuleExact && c.target.kind == bySpeedup, "WithSpeedup needs the exact rule")
	conflict(c.rule == RuleBernoulli && c.joint(), "a shared threshold, but the rule compares no scores")
	conflict(c.rewire != nil && !c.unstructured(), "Rewire moves single elements, but the pattern is %T", c.pattern)
	if f, ok := c.pattern.(FixedPattern); ok {
		conflict(c.target.kind != noTarget, "%T fixes the sparsity at %v and there is a target", c.pattern, f.Sparsity())
		conflict(!uniform, "%T fixes the sparsity at %v and there is a distribution", c.pattern, f.Sparsity())
		conflict(c.schedule.Curve != nil, "%T fixes the sparsity at %v and the schedule is gradual", c.pattern, f.Sparsity())
	}
	return errors.Join(errs...)
}

// chooseTarget finds the final amount and whether the schedule gets there.
func (p *Pruner[T]) chooseTarget() error {
	c := &p.cfg
	fixed, isFixed := c.pattern.(FixedPattern)
	curve, follows := c.schedule.Curve.(follow)
	var err error
	switch {
	case isFixed:
		if p.target = fixed.Sparsity(); !(p.target >= 0 && p.target <= 1) {
			return fmt.Errorf("prune: %T has sparsity %v, want 0 to 1: %w", c.pattern, p.target, tensor.ErrRange)
		}
		return p.tryPattern(p.target)
	case follows && c.target.kind == noTarget:
		c.target = target{bySparsity, curve.v.Value(float64(c.schedule.End))}
		if !(c.target.value >= 0 && c.target.value <= 1) {
			return fmt.Errorf("prune: Follow: value at step %d is %v, want 0 to 1: %w", c.schedule.End, c.target.value, tensor.ErrRange)
		}
	}
	if p.target, err = c.target.amount(p.budget); err != nil {
		return err
	}
	if err := c.schedule.check(p.target); err != nil {
		return err
	}
	if !c.joint() {
		if _, err := p.allocate(p.target); err != nil {
			return err
		}
	}
	return p.tryPattern(p.target)
}

// tryPattern asks the pattern for a mask of every parameter, so that shapes that do not fit are found before training.
func (p *Pruner[T]) tryPattern(sparsity float64) error {
	if p.cfg.unstructured() {
		return nil
	}
	var errs []error
	for _, i := range p.at {
		m, err := p.cfg.pattern.Select(make([]float64, p.infos[i].Size), p.infos[i], sparsity, nil)
		if err == nil && (m == nil || m.n != p.infos[i].Size) {
			err = fmt.Errorf("prune: param %q: %T made a mask of another length: %w", p.infos[i].Name, p.cfg.pattern, tensor.ErrShape)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
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

// Step does what is due at a training step, counted from 0, after the optimizer's update: it recomputes masks if the schedule
// says so and, always, sets pruned weights and their tracked optimizer state to zero. A schedule's update that lies
// between the last step and this one is made up for. A step already taken may be repeated, and does not change masks again.
//
// Errors wrap [ErrStepOrder], tensor.ErrShape (a parameter or a slot changed its length), [ErrMissingGrad], tensor.ErrNotFinite (a
// score is NaN), [ErrCollapse] and what scorers and patterns return; nothing is changed then.
func (p *Pruner[T]) Step(step int) (StepInfo, error) {
	info := StepInfo{Step: step, Target: p.amount}
	if step < max(p.last, 0) {
		return info, fmt.Errorf("prune: step %d after step %d: %w", step, p.last, ErrStepOrder)
	}
	if err := p.checkLengths(); err != nil {
		return info, err
	}
	s := p.cfg.schedule
	switch {
	case p.scheduled(step):
		amount := p.target
		if step < s.End {
			amount = s.Sparsity(step, p.target)
		}
		if !p.cfg.regrow {
			amount = max(amount, p.amount)
		}
		collapsed, err := p.update(step, amount)
		if err != nil {
			return info, err
		}
		info.Collapsed = collapsed
		if p.cfg.regrow {
			p.applyAll() // what comes back starts at zero
		}
		p.commit(&info)
		info.Target, p.amount, p.updated, p.done = amount, amount, true, step >= s.End
	case p.rewires(step):
		if err := p.rewire(step); err != nil {
			return info, err
		}
		p.commit(&info)
	}
	p.last = step
	p.applyAll()
	info.Sparsity = float64(p.pruned) / float64(p.budget.prunable)
	return info, nil
}

func (p *Pruner[T]) scheduled(step int) bool { return !p.done && p.cfg.schedule.due(p.last, step) }

func (p *Pruner[T]) rewires(step int) bool {
	return p.done && p.cfg.rewire.due(p.cfg.schedule.End, p.last, step)
}

// NeedsGrad reports whether the next call of Step with this number reads gradients of pruned weights, because RigL moves
// connections there: do not mask gradients before it.
func (p *Pruner[T]) NeedsGrad(step int) bool {
	return p.rewires(step) && p.cfg.rewire.ByGradient
}

func (p *Pruner[T]) commit(info *StepInfo) {
	info.Updated = true
	for k, m := range p.masks {
		for w, old := range m.words {
			now := p.next[k].words[w]
			info.Pruned += onesCount(old &^ now)
			info.Grown += onesCount(now &^ old)
		}
	}
	p.masks, p.next = p.next, p.masks
	p.recount()
}

// recount follows a change of masks.
func (p *Pruner[T]) recount() {
	p.pruned = p.budget.prunable
	for _, m := range p.masks {
		p.pruned -= m.Count()
	}
}

// rewire moves connections and sets those that were grown to zero.
func (p *Pruner[T]) rewire(step int) error {
	r := p.cfg.rewire
	grown := make([][]int, len(p.at))
	any := false
	for k, i := range p.at {
		param := p.params[i]
		growth := param.Grad
		if !r.ByGradient {
			growth = randomGrowth[T](len(param.Data), tensor.Stream(p.cfg.seed, nameKey(param.Name), uint64(step), 1))
		} else if err := needGrad(param); err != nil {
			return err
		}
		if err := tensor.CheckFinite("growth score", growth); err != nil {
			return fmt.Errorf("prune: param %q: %w", param.Name, err)
		}
		for j, g := range growth {
			any = any || g != 0 && !p.masks[k].Keep(j)
		}
		p.next[k], grown[k] = move(p.masks[k], param.Data, growth, r.fraction(step))
	}
	if !any && p.sparse() {
		return fmt.Errorf("prune: step %d: RigL needs dense gradients, but those of all pruned weights are zero: were they masked? %w", step, ErrMissingGrad)
	}
	for k, i := range p.at {
		for _, j := range grown[k] {
			p.params[i].Data[j] = 0
		}
		p.state.reset(p.params[i], grown[k])
	}
	return nil
}

func (p *Pruner[T]) sparse() bool {
	for _, m := range p.masks {
		if m.Count() < m.n {
			return true
		}
	}
	return false
}

// Finish reports whether pruning is complete: that the schedule has come to its end and, where elements are counted one
// by one or the target is one of the whole model, that the target is met. Otherwise the error wraps [ErrTargetNotReached]. Call it when training ends.
func (p *Pruner[T]) Finish() error {
	if !p.done {
		return fmt.Errorf("prune: the last step is %d, the schedule ends at %d; sparsity is %.6g: %w",
			p.last, p.cfg.schedule.End, p.Masks().Sparsity(), ErrTargetNotReached)
	}
	if p.cfg.exact() || p.solves() {
		if have, want := p.removed(p.masks), p.wanted(p.target); have < want*(1-1e-9) {
			return fmt.Errorf("prune: %v removed, the target is %v: %w", have, want, ErrTargetNotReached)
		}
	}
	return nil
}

// Masks returns a copy of the masks. Parameters that are not pruned have none.
func (p *Pruner[T]) Masks() *Masks {
	m := new(Masks)
	for k, i := range p.at {
		must(m.Add(p.infos[i].Name, p.masks[k].Clone()))
	}
	return m
}

// SetMasks replaces the masks, which must be those of the prunable parameters, and applies them to weights and tracked
// state: for masks from elsewhere. Later updates prune further. The error wraps tensor.ErrShape, or is that of a slot; nothing is changed then.
func (p *Pruner[T]) SetMasks(m *Masks) error {
	if m == nil || m.Len() != len(p.at) {
		return fmt.Errorf("prune: SetMasks: want %d masks: %w", len(p.at), tensor.ErrShape)
	}
	for _, i := range p.at {
		if mask := m.Get(p.infos[i].Name); mask == nil || mask.n != p.infos[i].Size {
			return fmt.Errorf("prune: SetMasks: param %q has no mask of %d elements: %w", p.infos[i].Name, p.infos[i].Size, tensor.ErrShape)
		}
	}
	if err := p.checkLengths(); err != nil {
		return err
	}
	for k, i := range p.at {
		p.masks[k] = m.Get(p.infos[i].Name).Clone()
	}
	p.updated = true
	p.recount()
	p.applyAll()
	return nil
}

// MaskGrads sets the gradients of pruned weights to zero, as a forward pass with masked weights would: call it before the
// optimizer's step where clipping or norms of gradients matter. [Pruner.Step] makes it unnecessary otherwise.
func (p *Pruner[T]) MaskGrads() {
	for k, i := range p.at {
		if g := p.params[i].Grad; len(g) == p.masks[k].n {
			p.state.apply(p.masks[k], g)
		}
	}
}

func (p *Pruner[T]) checkLengths() error {
	for k, i := range p.at {
		if n := len(p.params[i].Data); n != p.masks[k].n {
			return fmt.Errorf("prune: param %q has %d elements, at first it had %d: %w", p.infos[i].Name, n, p.masks[k].n, tensor.ErrShape)
		}
		if err := p.state.check(p.params[i], p.masks[k].n); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pruner[T]) applyAll() {
	tensor.ParallelWorkers(p.cfg.workers, len(p.pieces), 1, p.block)
	for k, i := range p.at {
		p.state.applySlots(p.params[i], p.masks[k])
	}
}

// ComputeMasks prunes at once and returns masks without changing the model: all updates of the schedule, one after the other, on the
// weights as they are. Options and errors are those of [New] and [Pruner.Step].
func ComputeMasks[T tensor.Float](params []*tensor.Param[T], opts ...MaskOption) (*Masks, error) {
	p, err := newPruner("prune: ComputeMasks", params, opts)
	if err != nil {
		return nil, err
	}
	s := p.cfg.schedule
	for step := s.Begin; ; step = min(step+s.every(), s.End) {
		amount := s.Sparsity(step, p.target)
		if step == s.End {
			amount = p.target
		}
		if _, err := p.update(step, max(amount, p.amount)); err != nil {
			return nil, err
		}
		p.commit(new(StepInfo))
		p.amount, p.updated = max(amount, p.amount), true
		if step == s.End {
			return p.Masks(), nil
		}
	}
}
