package prune

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/espalier-ml/espalier/tensor"
)

func onesCount(w uint64) int { return bits.OnesCount64(w) }

// update writes the masks for an amount to p.next. It changes nothing else.
func (p *picker[T]) update(step int, amount float64) (collapsed []string, err error) {
	if p.cfg.rule != RuleBernoulli {
		if err := p.score(step); err != nil {
			return nil, err
		}
	}
	if p.solves() {
		err = p.solve(amount)
	} else {
		err = p.choose(amount)
	}
	if err != nil {
		return nil, err
	}
	for k, i := range p.at {
		if p.infos[i].Role == Weight && p.next[k].Count() == 0 {
			collapsed = append(collapsed, p.infos[i].Name)
		}
	}
	if len(collapsed) > 0 && !p.cfg.collapse {
		return nil, &CollapseError{collapsed}
	}
	return collapsed, nil
}

// prior is what is kept so far, or nil if everything is, or may come back.
func (p *picker[T]) prior(k int) *Mask {
	if !p.updated || p.cfg.regrow {
		return nil
	}
	return p.masks[k]
}

// score fills p.scores. What is pruned scores -Inf, so that it stays the lowest.
func (p *picker[T]) score(step int) error {
	if prep, ok := p.scorer.(Preparer); ok {
		var masks *Masks
		if p.updated {
			masks = p.current()
		}
		if err := prep.Prepare(masks); err != nil {
			return err
		}
	}
	if p.scores == nil {
		p.scores = make([][]T, len(p.at))
		for k, i := range p.at {
			p.scores[k] = make([]T, p.infos[i].Size)
		}
	}
	errs := make([]error, len(p.at))
	tensor.ParallelWorkers(p.cfg.workers, len(p.at), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			errs[k] = p.scoreOne(k, step)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := p.widen(step); err != nil {
		return err
	}
	return p.distinguishes()
}

func (p *picker[T]) context(k, step int) Context[T] {
	i := p.at[k]
	c := Context[T]{Param: p.params[i], Info: p.infos[i], Step: step, seed: p.cfg.seed}
	if p.updated {
		c.Prior = p.masks[k]
	}
	return c
}

func (p *picker[T]) scoreOne(k, step int) error {
	i, s := p.at[k], p.scores[k]
	c := p.context(k, step)
	if err := p.scorer.Score(s, &c); err != nil {
		return fmt.Errorf("prune: scoring %q: %w", p.infos[i].Name, err)
	}
	prior := p.prior(k)
	if prior != nil {
		negInf(s, prior)
	}
	for j, v := range s {
		if v != v {
			return fmt.Errorf("prune: param %q: score[%d] is %v: %w", p.infos[i].Name, j, v, tensor.ErrNotFinite)
		}
	}
	return nil
}

// solves reports whether the amount of pruning must be searched for: a target of the whole model whose units are not
// single elements of equal worth.
func (p *picker[T]) solves() bool {
	c := &p.cfg
	return c.rule == RuleExact && (c.target.kind == bySpeedup || !c.exact() &&
		(c.target.kind == byCompression || c.target.kind == byNonzeros))
}

// removed is what masks take away: elements, or multiply-adds under a speedup.
func (p *picker[T]) removed(masks []*Mask) float64 {
	removed := 0.0
	for k, i := range p.at {
		gone := masks[k].n - masks[k].Count()
		if p.cfg.target.kind == bySpeedup {
			removed += float64(p.infos[i].MACs) - keptMACs(p.infos[i], masks[k].n-gone)
		} else {
			removed += float64(gone)
		}
	}
	return removed
}

// wanted is what must be removed for an amount.
func (p *picker[T]) wanted(amount float64) float64 {
	if p.cfg.target.kind == bySpeedup {
		return amount * float64(p.budget.macs)
	}
	return float64(roundHalfEven(amount, p.budget.prunable))
}

// solve finds by bisection the least fraction of elements whose masks remove what is wanted.
func (p *picker[T]) solve(amount float64) error {
	n := p.budget.prunable
	want := p.wanted(amount) * (1 - 1e-12) // sums of products round
	lo, hi := 0, n-p.budget.keep           // lo does not suffice unless it is 0, hi does
	if want <= 0 {
		hi = 0
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		if err := p.choose(float64(mid) / float64(n)); err != nil {
			return err
		}
		if p.removed(p.next) >= want {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	if err := p.choose(float64(hi) / float64(n)); err != nil {
		return err
	}
	if got := p.removed(p.next); got < want {
		t := p.cfg.target
		return &InfeasibleError{targetNames[t.kind], t.value, p.ratio(got)}
	}
	return nil
}

var targetNames = []string{"", "sparsity", "compression", "nonzeros", "speedup"}

// ratio is the target's own number for what was removed.
func (p *picker[T]) ratio(removed float64) float64 {
	total := float64(p.budget.total)
	switch p.cfg.target.kind {
	case bySpeedup:
		return float64(p.budget.macs) / (float64(p.budget.macs) - removed)
	case byNonzeros:
		return total - removed
	}
	return total / (total - removed)
}

// choose writes the masks that prune a fraction of the elements to p.next. What is pruned stays pruned, also where
// counts of single parameters fall because they are divided up anew.
func (p *picker[T]) choose(amount float64) error {
	if err := p.selectMasks(amount); err != nil {
		return err
	}
	for k, next := range p.next {
		if prior := p.prior(k); prior != nil {
			for i, w := range prior.words {
				next.words[i] &= w
			}
		}
	}
	return nil
}

func (p *picker[T]) selectMasks(amount float64) error {
	switch c := &p.cfg; {
	case c.joint() && c.rule == RuleQuantile:
		return p.chooseGroups(func(masks []*Mask, scores [][]T) error {
			return p.aboveQuantile(masks, scores, amount)
		})
	case c.joint():
		p.reserve()
		return p.chooseGroups(func(masks []*Mask, scores [][]T) error {
			n := 0
			for _, s := range scores {
				n += len(s)
			}
			return keepTop(masks, scores, roundHalfEven(amount, n), c.workers)
		})
	}
	shares, err := p.allocate(amount)
	if err != nil {
		return err
	}
	var counts []int
	if p.cfg.counts() {
		infos := make([]Info, len(p.at))
		for k, i := range p.at {
			infos[k] = p.infos[i]
		}
		if counts = make([]int, len(shares)); p.cfg.target.kind == bySparsity { // each tensor on its own
			for k, info := range infos {
				counts[k] = min(roundHalfEven(shares[k], info.Size), max(0, info.Size-p.cfg.minKeep))
			}
		} else {
			counts = apportion(infos, shares, p.cfg.minKeep)
		}
	}
	errs := make([]error, len(p.at))
	tensor.ParallelWorkers(p.cfg.workers, len(p.at), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			errs[k] = p.chooseOne(k, shares[k], counts)
		}
	})
	return errors.Join(errs...)
}

// allocate asks the distribution and checks its answer.
func (p *picker[T]) allocate(amount float64) ([]float64, error) {
	infos := make([]Info, len(p.at))
	for k, i := range p.at {
		infos[k] = p.infos[i]
	}
	shares, err := p.cfg.distribution.Allocate(infos, amount)
	if err != nil {
		return nil, err
	}
	if len(shares) != len(infos) {
		return nil, fmt.Errorf("prune: %T gave %d sparsities for %d parameters: %w",
			p.cfg.distribution, len(shares), len(infos), tensor.ErrShape)
	}
	for k, s := range shares {
		if !(s >= 0 && s <= 1) {
			return nil, fmt.Errorf("prune: %T gave %q a sparsity of %v, want 0 to 1: %w",
				p.cfg.distribution, infos[k].Name, s, tensor.ErrRange)
		}
	}
	return shares, nil
}

// chooseGroups calls f for the parameters of each group.
func (p *picker[T]) chooseGroups(f func(masks []*Mask, scores [][]T) error) error {
	if p.cfg.groups == nil {
		return f(p.next, p.scores)
	}
	var keys []string
	members := map[string][]int{}
	for k, i := range p.at {
		key := p.cfg.groups(p.infos[i])
		if members[key] == nil {
			keys = append(keys, key)
		}
		members[key] = append(members[key], k)
	}
	for _, key := range keys {
		var masks []*Mask
		var scores [][]T
		for _, k := range members[key] {
			masks, scores = append(masks, p.next[k]), append(scores, p.scores[k])
		}
		if err := f(masks, scores); err != nil {
			return err
		}
	}
	return nil
}

// reserve raises the scores of the elements that every parameter keeps under WithMinKeep.
func (p *picker[T]) reserve() {
	if p.cfg.minKeep == 0 {
		return
	}
	for k, s := range p.scores {
		infinite := 0
		for _, v := range s {
			if math.IsInf(float64(v), 1) {
				infinite++
			}
		}
		if infinite >= p.cfg.minKeep {
			continue // these are kept
		}
		top := emptyMask(len(s))
		if p.cfg.minKeep < len(s) {
			must(keepTop([]*Mask{top}, [][]T{s}, len(s)-p.cfg.minKeep, p.cfg.workers))
		} else {
			top.keepAll()
		}
		for j := range s {
			if top.Keep(j) && (p.prior(k) == nil || p.prior(k).Keep(j)) {
				s[j] = T(math.Inf(1))
			}
		}
	}
}

func (p *picker[T]) chooseOne(k int, sparsity float64, counts []int) error {
	info, next, prior := p.infos[p.at[k]], p.next[k], p.prior(k)
	switch c := &p.cfg; {
	case c.rule == RuleBernoulli:
		bernoulli(next, 1-sparsity, tensor.Stream(c.seed, nameKey(info.Name)).Float64)
		return nil
	case c.rule == RuleQuantile:
		return p.aboveQuantile([]*Mask{next}, [][]T{p.scores[k]}, sparsity)
	case c.scope == PerRow:
		return p.chooseRows(k, info, sparsity)
	case c.unstructured():
		return keepTop([]*Mask{next}, [][]T{p.scores[k]}, counts[k], c.workers)
	}
	scores := make([]float64, info.Size)
	for j, v := range p.scores[k] {
		scores[j] = float64(v)
	}
	m, err := p.cfg.pattern.Select(scores, info, sparsity, prior)
	if err != nil {
		return err
	}
	if m == nil || m.n != info.Size {
		return fmt.Errorf("prune: param %q: %T made a mask of another length: %w", info.Name, p.cfg.pattern, tensor.ErrShape)
	}
	copy(next.words, m.words)
	return nil
}

// chooseRows selects within each output. A parameter without inputs is one row.
func (p *picker[T]) chooseRows(k int, info Info, sparsity float64) error {
	next, scores := p.next[k], p.scores[k]
	if len(info.Shape) < 2 {
		return keepTop([]*Mask{next}, [][]T{scores}, roundHalfEven(sparsity, len(scores)), 1)
	}
	outer, rows, inner := split(info.Shape, info.Out)
	row := make([]T, outer*inner)
	m := NewMask(len(row))
	for r := range rows {
		for j := range row {
			row[j] = scores[(j/inner*rows+r)*inner+j%inner]
		}
		if err := keepTop([]*Mask{m}, [][]T{row}, roundHalfEven(sparsity, len(row)), 1); err != nil {
			return err
		}
		for j := range row {
			next.Set((j/inner*rows+r)*inner+j%inner, m.Keep(j))
		}
	}
	return nil
}

// aboveQuantile is ShrinkBench's fraction_mask: pruned is what lies strictly between -t and t.
func (p *picker[T]) aboveQuantile(masks []*Mask, scores [][]T, q float64) error {
	t, err := quantile(scores, q, p.cfg.workers)
	if err != nil {
		return err
	}
	for j, m := range masks {
		outside(m, scores[j], t, p.cfg.workers)
	}
	return nil
}

// outside keeps what is not strictly between -t and t, t being rounded to the type of the scores as numpy does.
func outside[T tensor.Float](m *Mask, x []T, t float64, workers int) {
	keepIf(m, x, T(t), workers, outsideBits[T])
}

func outsideBits[T tensor.Float](x []T, t T) (w uint64) {
	for j, v := range x {
		bit := uint64(1)
		if v < t && v > -t {
			bit = 0
		}
		w |= bit << (j & 63)
	}
	return w
}

// bernoulli keeps elements whose draw is not above the density.
func bernoulli(m *Mask, density float64, draw func() float64) {
	for i := range m.n {
		m.Set(i, !(draw() > density))
	}
}
