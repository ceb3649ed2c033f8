package prune

import (
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// picker decides which elements of a model go: by scores, to masks, within a budget. It knows the masks that there are
// and nothing of steps already taken, of optimizers or of when masks are applied.
type picker[T tensor.Float] struct {
	cfg    config
	params []*tensor.Param[T]
	infos  []Info
	scorer Scorer[T]
	budget budget
	target float64 // fraction of prunable elements that go, or of multiply-adds under a speedup

	at      []int // the prunable parameters' positions in params
	masks   []*Mask
	updated bool // they are not those of the beginning
	pruned  int  // elements that are, by masks
	next    []*Mask
	scores  [][]T
}

func newPicker[T tensor.Float, O ~Option](call string, params []*tensor.Param[T], opts []O) (*picker[T], error) {
	c := config{pattern: Unstructured{}, distribution: Uniform{}, kind: "magnitude", minKeep: 1}
	err := option.Apply(call, &c, opts)
	infos, faults := describe(params, c.layout, c.layouts, c.macs)
	if err := errors.Join(err, option.Call(call, faults)); err != nil {
		return nil, err
	}
	p := &picker[T]{cfg: c, params: slices.Clone(params), infos: infos}
	err = errors.Join(p.chooseScorer(), p.choosePrunable(), p.cfg.contradictions())
	if err == nil {
		err = p.chooseTarget()
	}
	if err != nil {
		return nil, option.Call(call, err)
	}
	return p, nil
}

func (p *picker[T]) chooseScorer() error {
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

func (p *picker[T]) choosePrunable() error {
	c := &p.cfg
	var errs []error
	for _, name := range c.fixed {
		if !slices.ContainsFunc(p.infos, func(i Info) bool { return i.Name == name }) {
			errs = append(errs, fmt.Errorf("prune: WithFixed: no parameter is named %q: %w", name, tensor.ErrRange))
		}
	}
	fixed := slices.Clone(c.fixed)
	for _, info := range p.infos {
		if info.TiedTo != "" && slices.Contains(c.fixed, info.Name) {
			fixed = append(fixed, info.TiedTo)
		}
	}
	for i, info := range p.infos {
		if info.TiedTo != "" {
			continue
		}
		p.budget.total += info.Size
		p.budget.macs += info.MACs
		prunable := info.Role == Weight || info.Role == Bias && c.biases
		if c.filter != nil {
			prunable = c.filter(info)
		}
		if !prunable || slices.Contains(fixed, info.Name) || info.Size == 0 {
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
	conflict(c.joint() && !uniform, "a shared threshold chooses the sparsity of each parameter, and so does %T",
		c.distribution)
	conflict(!c.unstructured() && c.joint(), "%T selects within a parameter, but the scope shares thresholds", c.pattern)
	conflict(!c.unstructured() && c.scope == PerRow, "%T selects within a parameter, but the scope is PerRow", c.pattern)
	conflict(!c.unstructured() && c.rule != RuleExact, "%T counts its units, but the rule does not count", c.pattern)
	conflict(c.scope == PerRow && c.rule != RuleExact, "the scope is PerRow, but the rule does not count")
	conflict(c.given.Has("WithMinKeep") && c.minKeep > 0 &&
		(c.rule != RuleExact || c.scope == PerRow || !c.unstructured()),
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
func (p *picker[T]) chooseTarget() error {
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
			return fmt.Errorf("prune: Follow: value at step %d is %v, want 0 to 1: %w",
				c.schedule.End, c.target.value, tensor.ErrRange)
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
func (p *picker[T]) tryPattern(sparsity float64) error {
	if p.cfg.unstructured() {
		return nil
	}
	var errs []error
	for _, i := range p.at {
		m, err := p.cfg.pattern.Select(make([]float64, p.infos[i].Size), p.infos[i], sparsity, nil)
		if err == nil && (m == nil || m.n != p.infos[i].Size) {
			err = fmt.Errorf("prune: param %q: %T made a mask of another length: %w",
				p.infos[i].Name, p.cfg.pattern, tensor.ErrShape)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// current is a copy of the masks.
func (p *picker[T]) current() *Masks {
	m := new(Masks)
	for k, i := range p.at {
		must(m.Add(p.infos[i].Name, p.masks[k].Clone()))
	}
	return m
}

// commit puts the next masks in place of those there are, and tells what that changes.
func (p *picker[T]) commit(info *StepInfo) {
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
func (p *picker[T]) recount() {
	p.pruned = p.budget.prunable
	for _, m := range p.masks {
		p.pruned -= m.Count()
	}
}

// sparse reports whether anything is pruned.
func (p *picker[T]) sparse() bool {
	for _, m := range p.masks {
		if m.Count() < m.n {
			return true
		}
	}
	return false
}
