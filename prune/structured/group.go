package structured

import (
	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Group is channels that are compared with each other: those that the same layers give. A unit is what is pruned
// together, a channel with all that is coupled with it.
type Group[T tensor.Float] struct {
	Name    string // the first layer that gives these channels
	Units   int
	Members []Member[T] // the parameters that lose something with a unit, in the order of the graph

	units []int    // by unit, the number of its set of channels
	kept  []string // by unit, why it must stay, or ""
}

// Side is what a layer has to do with the channels of a group.
type Side uint8

// The sides.
const (
	Outputs Side = iota // the layer computes them
	Inputs              // it reads them
	Scales              // it scales them: the weight of a norm
)

var sides = enum.Of[Side]("side", "outputs", "inputs", "scales")

// String is the name.
func (s Side) String() string { return sides.String(s) }

// MarshalText writes the name.
func (s Side) MarshalText() ([]byte, error) { return sides.Marshal(s) }

// UnmarshalText reads a name.
func (s *Side) UnmarshalText(text []byte) error { return sides.Unmarshal(s, text) }

// Member is a parameter and the elements of it that belong to the units of a group.
type Member[T tensor.Float] struct {
	Layer string
	Side  Side
	Param *tensor.Param[T]

	unit func(element int) int // -1 for elements of other groups
}

// Each visits the elements of the parameter that belong to a unit, in order.
func (m Member[T]) Each(visit func(unit, element int)) {
	for e := range m.Param.Data {
		if u := m.unit(e); u >= 0 {
			visit(u, e)
		}
	}
}

// Groups lists what can be pruned together, in the order of the first layer of each. Channels that must stay are in
// it with the others. The error is that of [Graph.Err].
func (g *Graph[T]) Groups() ([]Group[T], error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	return g.groups(), nil
}

func (g *Graph[T]) groups() []Group[T] {
	together := links{} // of sets: those that one layer gives
	together.add(len(g.links.parent))
	gives := func(ids []int) {
		for _, id := range ids {
			together.join(g.links.find(ids[0]), g.links.find(id))
		}
	}
	for _, l := range g.layers {
		if l.kind == linearNode || l.kind == convNode && !l.depthwise {
			gives(l.out)
		}
	}
	for _, n := range g.nodes {
		if n.kind == inputNode {
			gives(n.channels)
		}
	}
	var all []Group[T]
	at, seen := map[int]int{}, map[int]bool{}
	for _, l := range g.layers {
		for _, id := range l.out {
			set := g.links.find(id)
			if seen[set] {
				continue
			}
			seen[set] = true
			root := together.find(set)
			k, known := at[root]
			if !known {
				k = len(all)
				at[root] = k
				all = append(all, Group[T]{Name: l.name})
			}
			all[k].units = append(all[k].units, set)
			all[k].kept = append(all[k].kept, g.links.kept[set])
		}
	}
	for k := range all {
		all[k].Units = len(all[k].units)
		all[k].Members = g.members(all[k].units)
	}
	return all
}

// members are the parameters that sets of channels run through.
func (g *Graph[T]) members(units []int) []Member[T] {
	at := map[int]int{}
	for u, set := range units {
		at[set] = u
	}
	places := func(ids []int) []int { // by channel of a layer, its unit
		of := make([]int, len(ids))
		any := false
		for k, id := range ids {
			u, mine := at[g.links.find(id)]
			if of[k] = -1; mine {
				of[k], any = u, true
			}
		}
		if !any {
			return nil
		}
		return of
	}
	var all []Member[T]
	for _, l := range g.layers {
		out, in := places(l.out), places(l.in)
		switch {
		case l.weight == nil:
		case l.kind == linearNode || l.kind == convNode:
			if out != nil {
				all = append(all, Member[T]{l.name, Outputs, l.weight, func(e int) int { return out[l.outOf(e)] }})
			}
			if in != nil && !l.depthwise {
				all = append(all, Member[T]{l.name, Inputs, l.weight, func(e int) int { return in[l.inOf(e)] }})
			}
		case out != nil:
			all = append(all, Member[T]{l.name, Scales, l.weight, func(e int) int { return out[e] }})
		}
	}
	return all
}

// outOf is the output that an element of the weight belongs to.
func (l *layer[T]) outOf(element int) int { return element / l.outStride % len(l.out) }

// inOf is the input that an element of the weight is multiplied with.
func (l *layer[T]) inOf(element int) int {
	i := element / l.inStride % (len(l.in) / l.groups)
	if l.groups > 1 {
		i += l.outOf(element) / (len(l.out) / l.groups) * (len(l.in) / l.groups)
	}
	return i
}

// strideOf is how far elements are apart whose index in a dimension differs by one.
func strideOf(shape []int, axis int) int {
	n := 1
	for _, d := range shape[axis+1:] {
		n *= d
	}
	return n
}
