package structured

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Compact makes the smaller dense model that computes what the masked one does, up to rounding. Masks are those of
// single weights, as package prune makes them; parameters without one keep all, and so does a nil masks. Cut out are
// channels that nothing reads, and those that are the same for every input: what they add to the layers that read
// them goes into the biases of these. A constant stays where that would not be exact: behind zero padding, unless it
// is zero, into a layer without a bias or with one that another layer adds too, and through norms over several
// channels. Where a whole group is dead, one of its channels stays.
//
// What masks prune is zero in the new tensors, and Shrunk.Masks are the masks of these: what is left can be stored by
// package prune/sparse. Errors wrap tensor.ErrRange for a mask without a parameter, tensor.ErrShape for one of
// another length, and tensor.ErrConflict for different masks of the same memory.
func (g *Graph[T]) Compact(masks *prune.Masks) (*Shrunk[T], error) {
	const call = "structured: Compact"
	if err := g.Err(); err != nil {
		return nil, option.Call(call, err)
	}
	m := masked[T]{graph: g, masks: map[*T]*prune.Mask{}, biases: map[*T]int{}}
	if err := m.collect(masks); err != nil {
		return nil, option.Call(call, err)
	}
	for _, l := range g.layers {
		if l.bias != nil && len(l.bias.Data) > 0 {
			m.biases[&l.bias.Data[0]]++
		}
	}
	m.propagate()
	groups := g.groups()
	needed := m.needed(groups)
	gone := map[int]bool{}
	for _, group := range groups {
		for _, set := range group.units {
			if !needed[set] {
				gone[set] = true
			}
		}
	}
	s := g.shrinkFrom(func(id int) bool { return gone[g.links.find(id)] }, g.report(groups, gone), m.folded(gone))
	m.remask(s)
	return s, nil
}

// collect sorts masks by the memory that they are for.
func (m *masked[T]) collect(masks *prune.Masks) error {
	if masks == nil {
		return nil
	}
	found := 0
	for _, p := range m.graph.params {
		mask := masks.Get(p.Name)
		if mask == nil {
			continue
		}
		found++
		if mask.Len() != len(p.Data) {
			return fmt.Errorf("param %q: %d elements and a mask of %d: %w", p.Name, len(p.Data), mask.Len(), tensor.ErrShape)
		}
		if len(p.Data) == 0 {
			continue
		}
		if other := m.masks[&p.Data[0]]; other != nil && !other.Equal(mask) {
			return option.Conflict("param %q has a mask, and its memory another by another name", p.Name)
		}
		m.masks[&p.Data[0]] = mask
	}
	if found == masks.Len() {
		return nil
	}
	for _, name := range masks.Names() {
		if !slices.ContainsFunc(m.graph.params, func(p *tensor.Param[T]) bool { return p.Name == name }) {
			return fmt.Errorf("no parameter for the mask of %q: %w", name, tensor.ErrRange)
		}
	}
	return nil
}

// needed finds the sets of channels that something reads which is needed itself, beginning with those that must stay.
func (m *masked[T]) needed(groups []Group[T]) []bool {
	g := m.graph
	needed := make([]bool, len(g.links.parent))
	for id, why := range g.links.kept {
		needed[id] = why != "" && g.links.find(id) == id
	}
	for _, l := range g.layers {
		if l.kind == layerNormNode || l.kind == groupNormNode {
			for _, id := range l.in {
				needed[g.links.find(id)] = true
			}
		}
	}
	m.spread(needed)
	for _, group := range groups {
		if !slices.ContainsFunc(group.units, func(set int) bool { return needed[set] }) {
			needed[group.units[0]] = true
		}
	}
	m.spread(needed) // what that one reads
	return needed
}

// spread adds what needed channels read, until nothing is new.
func (m *masked[T]) spread(needed []bool) {
	for again := true; again; {
		again = false
		for k := len(m.graph.nodes) - 1; k >= 0; k-- {
			if n := &m.graph.nodes[k]; n.reads() && m.spreadFrom(n, needed) {
				again = true
			}
		}
	}
}

// reads tells operations that read channels which are not their own.
func (n *node[T]) reads() bool {
	return (n.kind == linearNode || n.kind == convNode) && !n.layer.depthwise
}

func (m *masked[T]) spreadFrom(n *node[T], needed []bool) (changed bool) {
	l, in := n.layer, m.at[n.from[0]]
	sets := make([]int, len(l.in)) // -1 for those that need nothing more
	for i, id := range l.in {
		if sets[i] = m.graph.links.find(id); needed[sets[i]] || m.foldable(l, in[i]) {
			sets[i] = -1
		}
	}
	live := make([]bool, len(l.out))
	for o, id := range l.out {
		live[o] = needed[m.graph.links.find(id)]
	}
	mask := m.of(l.weight)
	for e := range l.weight.Data {
		if i := l.inOf(e); sets[i] >= 0 && live[l.outOf(e)] && keeps(mask, e) {
			needed[sets[i]], changed = true, true
			sets[i] = -1
		}
	}
	return changed
}

// foldable tells whether a layer can take a constant input into its bias.
func (m *masked[T]) foldable(l *layer[T], c constant) bool {
	if !c.known || c.value == 0 {
		return c.known
	}
	return !l.padded && l.bias != nil && m.biases[&l.bias.Data[0]] == 1
}

// folded returns the values of a parameter: masked, and biases with what the channels that go have added.
func (m *masked[T]) folded(gone map[int]bool) func(p *tensor.Param[T]) []T {
	g := m.graph
	added := map[*T][]float64{}
	for k := range g.nodes {
		n := &g.nodes[k]
		if !n.reads() || n.layer.bias == nil {
			continue
		}
		l, in := n.layer, m.at[n.from[0]]
		sums, mask := make([]float64, len(l.out)), m.of(l.weight)
		folds := make([]bool, len(l.in))
		for i, id := range l.in {
			folds[i] = gone[g.links.find(id)] && in[i].known && in[i].value != 0
		}
		for e := range l.weight.Data {
			if i := l.inOf(e); folds[i] && keeps(mask, e) {
				sums[l.outOf(e)] += float64(l.weight.Data[e]) * in[i].value
			}
		}
		if m.biases[&l.bias.Data[0]] == 1 {
			added[&l.bias.Data[0]] = sums
		}
	}
	return func(p *tensor.Param[T]) []T {
		data := slices.Clone(p.Data)
		if len(data) == 0 {
			return data
		}
		if mask := m.masks[&p.Data[0]]; mask != nil {
			prune.Apply(mask, data)
		}
		for o, v := range added[&p.Data[0]] {
			if v != 0 {
				data[o] = T(float64(data[o]) + v)
			}
		}
		return data
	}
}

// remask gives the new tensors the masks of the old, a bias that took something in being kept, and counts.
func (m *masked[T]) remask(s *Shrunk[T]) {
	s.Masks = new(prune.Masks)
	counted := map[*T]bool{}
	for _, p := range m.graph.params {
		if len(p.Data) == 0 || m.statistic(p) {
			continue
		}
		mask := m.masks[&p.Data[0]]
		var left []int
		s.maps[p.Name].each(func(e int) { left = append(left, e) })
		kept, effective := len(p.Data), len(left)
		if mask != nil {
			kept, effective = mask.Count(), 0
			small, data := prune.NewMask(len(left)), s.Get(p.Name).Data
			for k, e := range left {
				keep := mask.Keep(e) || data[k] != 0
				small.Set(k, keep)
				if keep {
					effective++
				}
			}
			if err := s.Masks.Add(p.Name, small); err != nil {
				panic(err) // names are different
			}
		}
		if !counted[&p.Data[0]] {
			counted[&p.Data[0]] = true
			s.Report.Masked += kept
			s.Report.Effective += effective
		}
	}
}

func (m *masked[T]) statistic(p *tensor.Param[T]) bool {
	return slices.ContainsFunc(m.graph.layers, func(l *layer[T]) bool { return p == l.mean || p == l.vari })
}
