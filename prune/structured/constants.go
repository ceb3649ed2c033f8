package structured

import (
	"math"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// constant is what a channel holds at every position of every example, if that is known.
type constant struct {
	known bool
	value float64
}

// masked is the parameters of a graph as masks leave them.
type masked[T tensor.Float] struct {
	graph  *Graph[T]
	masks  map[*T]*prune.Mask // by memory; nil keeps all
	biases map[*T]int         // by memory, how many layers add it
	at     [][]constant       // by node and channel
}

// of is the mask of a parameter, or nil.
func (m *masked[T]) of(p *tensor.Param[T]) *prune.Mask { return m.masks[&p.Data[0]] }

func keeps(mask *prune.Mask, element int) bool { return mask == nil || mask.Keep(element) }

// value is an element, 0 if it is pruned.
func (m *masked[T]) value(p *tensor.Param[T], element int) float64 {
	if !keeps(m.of(p), element) {
		return 0
	}
	return float64(p.Data[element])
}

// propagate finds the channels that are constant, in the order in which the graph computes.
func (m *masked[T]) propagate() {
	m.at = make([][]constant, len(m.graph.nodes))
	for k := range m.graph.nodes {
		n := &m.graph.nodes[k]
		all := make([]constant, len(n.channels))
		switch n.kind {
		case inputNode:
		case linearNode, convNode:
			m.weighted(all, n)
		case batchNormNode, layerNormNode, groupNormNode:
			m.normed(all, n)
		case concatNode:
			all = all[:0]
			for _, from := range n.from {
				all = append(all, m.at[from]...)
			}
		default:
			for c := range all {
				all[c] = m.passed(n, c)
			}
		}
		for c := range all {
			if v := all[c].value; v-v != 0 {
				all[c] = constant{}
			}
		}
		m.at[k] = all
	}
}

// weighted finds outputs to which nothing but constants comes. A constant does not stay one where zeros are around
// it.
func (m *masked[T]) weighted(all []constant, n *node[T]) {
	l, in := n.layer, m.at[n.from[0]]
	for o := range all {
		all[o].known = true
		if l.bias != nil {
			all[o].value = m.value(l.bias, o)
		}
	}
	mask := m.of(l.weight)
	for e := range l.weight.Data {
		if !keeps(mask, e) {
			continue
		}
		from, to := in[l.inOf(e)], &all[l.outOf(e)]
		if !from.known || l.padded && from.value != 0 {
			to.known = false
		}
		to.value += float64(l.weight.Data[e]) * from.value
	}
	for o := range all {
		if !all[o].known {
			all[o].value = 0
		}
	}
}

// normed finds channels whose scale is pruned, and those that a batch norm was given constant.
func (m *masked[T]) normed(all []constant, n *node[T]) {
	l := n.layer
	for c := range all {
		scale, shift := 1.0, 0.0
		if l.bias != nil {
			shift = m.value(l.bias, c)
		}
		if l.weight != nil {
			if scale = m.value(l.weight, c); !keeps(m.of(l.weight), c) {
				all[c] = constant{true, shift}
				continue
			}
		}
		if from := m.at[n.from[0]][c]; from.known && n.kind == batchNormNode {
			deviation := math.Sqrt(float64(l.vari.Data[c]) + l.eps)
			all[c] = constant{true, (from.value-float64(l.mean.Data[c]))/deviation*scale + shift}
		}
	}
}

// passed is channel c of an operation without parameters.
func (m *masked[T]) passed(n *node[T], c int) constant {
	switch n.kind {
	case addNode:
		sum := constant{known: true}
		for _, from := range n.from {
			v := m.at[from][c]
			sum.known = sum.known && v.known
			sum.value += v.value
		}
		if !sum.known {
			return constant{}
		}
		return sum
	case flattenNode:
		from := m.at[n.from[0]]
		return from[flattened(c, len(from), n.copies, n.order)]
	}
	v := m.at[n.from[0]][c]
	switch {
	case n.kind == activationNode && (n.apply == nil || !v.known), n.kind == poolNode && n.padded && v.value != 0:
		return constant{}
	case n.kind == activationNode:
		v.value = float64(n.apply(T(v.value)))
	}
	return v
}
