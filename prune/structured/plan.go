package structured

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Plan is which units of a graph go. Nothing is changed before [Plan.Shrink], which takes the parameters as they are
// then: a plan can be made, the model be trained with [Plan.Masks], and then be shrunk. A graph that is built on
// makes its plans invalid.
type Plan[T tensor.Float] struct {
	graph  *Graph[T]
	gone   map[int]bool // sets of channels
	report Report
}

// Plan chooses units to prune: of every group the ratio times the number of its units, rounded up, those of the least
// importance; of equally important ones those further back. Units that must stay count in the number of a group but
// are not chosen. Note that the ratio is one of channels: parameters between two pruned layers shrink by its square.
//
// Errors wrap tensor.ErrRange, tensor.ErrConflict, tensor.ErrNotFinite for an importance that is NaN, and those of
// [Graph.Err] and of the scorer.
func (g *Graph[T]) Plan(ratio float64, opts ...Option) (*Plan[T], error) {
	const call = "structured: Plan"
	c := config{roundTo: 1, minKeep: 1}
	err := errors.Join(option.Apply(call, &c, opts), option.Range(ratio >= 0 && ratio <= 1, "ratio", ratio, "0 to 1"))
	if err == nil && c.global && c.ratios != nil {
		err = option.Conflict("WithGlobal beside WithRatios")
	}
	if err == nil {
		err = g.Err()
	}
	if err != nil {
		return nil, option.Call(call, err)
	}
	s := selection[T]{config: c, graph: g, groups: g.groups()}
	if err := s.score(); err != nil {
		return nil, option.Call(call, err)
	}
	if c.global {
		s.global(ratio)
	} else {
		s.each(ratio)
	}
	return s.plan(), nil
}

// selection is the choice of units.
type selection[T tensor.Float] struct {
	config
	graph  *Graph[T]
	groups []Group[T]
	scores [][]float64
	gone   [][]bool
	least  []int // how many units of each group stay at least
	notes  []string
}

func (s *selection[T]) score() error {
	scorer, ok := s.scorer.(Scorer[T])
	if s.scorer == nil {
		scorer = Magnitude[T]{}
	} else if !ok {
		return option.Conflict("WithScorer(%T) beside a graph of another type", s.scorer)
	}
	if err := s.fix(); err != nil {
		return err
	}
	for name := range s.ratios {
		if !slices.ContainsFunc(s.groups, func(g Group[T]) bool { return g.Name == name }) {
			return fmt.Errorf("WithRatios: no group %q: %w", name, tensor.ErrRange)
		}
	}
	for k := range s.groups {
		g := &s.groups[k]
		scores := make([]float64, g.Units)
		if err := scorer.Score(scores, g); err != nil {
			return fmt.Errorf("group %q: %w", g.Name, err)
		}
		for u, v := range scores {
			if v != v {
				return fmt.Errorf("group %q: importance of unit %d is NaN: %w", g.Name, u, tensor.ErrNotFinite)
			}
		}
		s.scores = append(s.scores, scores)
		s.gone = append(s.gone, make([]bool, g.Units))
		s.least = append(s.least, min(s.minKeep, g.Units))
	}
	s.notes = make([]string, len(s.groups))
	return nil
}

// fix notes which units the fixed layers keep.
func (s *selection[T]) fix() error {
	for _, name := range s.fixed {
		at := slices.IndexFunc(s.graph.layers, func(l *layer[T]) bool { return l.name == name })
		if at < 0 {
			return fmt.Errorf("WithFixed: no layer %q: %w", name, tensor.ErrRange)
		}
		for _, id := range s.graph.layers[at].out {
			set := s.graph.links.find(id)
			for k := range s.groups {
				if u := slices.Index(s.groups[k].units, set); u >= 0 && s.groups[k].kept[u] == "" {
					s.groups[k].kept[u] = fmt.Sprintf("outputs of %q, which is fixed", name)
				}
			}
		}
	}
	return nil
}

// share is ratio*n rounded up, a ratio such as 0.9 taken for the decimal number that it is meant to be.
func share(ratio float64, n int) int { return int(math.Ceil(ratio*float64(n) - 1e-9)) }

// unit is a candidate.
type unit struct {
	group, at int
	score     float64
}

func (s *selection[T]) free(group int) []unit {
	var all []unit
	for u, why := range s.groups[group].kept {
		if why == "" {
			all = append(all, unit{group, u, s.scores[group][u]})
		}
	}
	return all
}

// rank puts those that go first in front: the least important, and of equals the last.
func rank(all []unit) {
	slices.SortFunc(all, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.score, b.score), b.group-a.group, b.at-a.at)
	})
}

func (s *selection[T]) each(ratio float64) {
	for k := range s.groups {
		r := ratio
		if own, given := s.ratios[s.groups[k].Name]; given {
			r = own
		}
		all := s.free(k)
		rank(all)
		s.prune(all, share(r, s.groups[k].Units))
	}
	s.round()
}

func (s *selection[T]) global(ratio float64) {
	var all []unit
	n := 0
	for k := range s.groups {
		mean := 0.0
		for _, v := range s.scores[k] {
			mean += v / float64(len(s.scores[k]))
		}
		free := s.free(k)
		if len(free) > 0 {
			n += s.groups[k].Units
		}
		for _, u := range free {
			if mean > 0 {
				u.score /= mean
			}
			all = append(all, u)
		}
	}
	rank(all)
	s.prune(all, share(ratio, n))
	s.round()
}

// prune takes the first n candidates that their groups can lose.
func (s *selection[T]) prune(all []unit, n int) {
	left := map[int]int{}
	for _, u := range all {
		if n == 0 {
			break
		}
		if _, seen := left[u.group]; !seen {
			left[u.group] = s.groups[u.group].Units
		}
		if left[u.group] <= s.least[u.group] {
			s.notes[u.group] = fmt.Sprintf("no more can go: %d stay at least", s.least[u.group])
			continue
		}
		s.gone[u.group][u.at] = true
		left[u.group]--
		n--
	}
}

// round gives groups back what they lack to a multiple, the most important first.
func (s *selection[T]) round() {
	for k := range s.groups {
		var gone []unit
		for u, g := range s.gone[k] {
			if g {
				gone = append(gone, unit{k, u, s.scores[k][u]})
			}
		}
		kept := s.groups[k].Units - len(gone)
		lacks := min((kept+s.roundTo-1)/s.roundTo*s.roundTo, s.groups[k].Units) - kept
		rank(gone)
		for _, u := range gone[len(gone)-min(lacks, len(gone)):] {
			s.gone[k][u.at] = false
		}
		if lacks > 0 && len(gone) > 0 {
			s.notes[k] = fmt.Sprintf("%d rounded up to a multiple of %d", kept, s.roundTo)
		}
	}
}

func (s *selection[T]) plan() *Plan[T] {
	p := &Plan[T]{graph: s.graph, gone: map[int]bool{}}
	for k := range s.groups {
		for u, gone := range s.gone[k] {
			if gone {
				p.gone[s.groups[k].units[u]] = true
			}
		}
	}
	p.report = s.graph.report(s.groups, p.gone)
	for k, note := range s.notes {
		if note != "" {
			p.report.Groups[k].Notes = append(p.report.Groups[k].Notes, note)
		}
	}
	return p
}

// PlanOutputs plans to prune the given outputs of layers, with all that is coupled with them. The error wraps
// tensor.ErrRange for a layer or an output that there is not and for one that must stay, and tensor.ErrShape where a
// grouped layer would keep different outputs from its groups.
func (g *Graph[T]) PlanOutputs(outputs map[string][]int) (*Plan[T], error) {
	const call = "structured: PlanOutputs"
	if err := g.Err(); err != nil {
		return nil, option.Call(call, err)
	}
	p := &Plan[T]{graph: g, gone: map[int]bool{}}
	for _, l := range g.layers {
		drop, named := outputs[l.name]
		if !named {
			continue
		}
		if err := g.dropFrom(l, drop, p.gone); err != nil {
			return nil, option.Call(call, fmt.Errorf("layer %q: %w", l.name, err))
		}
	}
	for name := range outputs {
		if !g.names[name] {
			return nil, fmt.Errorf("%s: no layer %q: %w", call, name, tensor.ErrRange)
		}
	}
	groups := g.groups()
	for _, group := range groups {
		left := 0
		for _, set := range group.units {
			if !p.gone[set] {
				left++
			}
		}
		if left == 0 {
			return nil, fmt.Errorf("%s: all %d units of group %q: %w", call, group.Units, group.Name, prune.ErrCollapse)
		}
	}
	p.report = g.report(groups, p.gone)
	return p, nil
}

func (g *Graph[T]) dropFrom(l *layer[T], drop []int, gone map[int]bool) error {
	kept := make([]int, max(l.groups, 1))
	for k := range kept {
		kept[k] = len(l.out) / len(kept)
	}
	seen := map[int]bool{}
	for _, o := range drop {
		if o < 0 || o >= len(l.out) {
			return fmt.Errorf("output %d of %d: %w", o, len(l.out), tensor.ErrRange)
		}
		set := g.links.find(l.out[o])
		if why := g.links.kept[set]; why != "" {
			return fmt.Errorf("output %d goes with %s: %w", o, why, tensor.ErrRange)
		}
		if !seen[o] {
			kept[o/(len(l.out)/len(kept))]--
		}
		seen[o], gone[set] = true, true
	}
	for _, k := range kept {
		if k != kept[0] && !l.depthwise {
			return fmt.Errorf("its groups would keep %d outputs, want as many of each: %w", kept, tensor.ErrShape)
		}
	}
	for o, id := range l.out {
		if l.groups > 1 && !l.depthwise && gone[g.links.find(id)] && !seen[o] {
			return fmt.Errorf("output %d, the same of its group as one that goes, would go too: %w", o, tensor.ErrShape)
		}
	}
	return nil
}

func (p *Plan[T]) isGone(id int) bool { return p.gone[p.graph.links.find(id)] }

// Report says what goes, group by group and layer by layer.
func (p *Plan[T]) Report() Report { return p.report }

// Masks prune, in the parameters as they are, what [Plan.Shrink] will cut out: weights on both sides of a channel,
// its bias, and weight and bias of its norms, without which a norm would go on emitting its shift. A model masked so
// gives what the shrunk one gives, up to rounding, unless the report calls a group inexact.
func (p *Plan[T]) Masks() *prune.Masks {
	masks := new(prune.Masks)
	for _, q := range p.graph.tensors() {
		if q.statistic || masks.Get(q.param.Name) != nil {
			continue
		}
		m := prune.NewMask(len(q.param.Data)).Not()
		q.indexMap(p.isGone).each(func(e int) { m.Set(e, true) })
		if err := masks.Add(q.param.Name, m); err != nil {
			panic(err) // excluded above
		}
	}
	return masks
}
