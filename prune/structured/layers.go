package structured

import (
	"fmt"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Linear is a fully connected layer over the channels of x, or over the last axis of a sequence. bias may be nil.
func (g *Graph[T]) Linear(name string, x Node, weight, bias *tensor.Param[T]) Node {
	return g.weighted(name, linearNode, x, weight, bias, tensor.Window{})
}

// Conv2D is a convolution. Of the window, groups and padding count. One with as many groups as inputs, and more than
// one, is depthwise: each input goes with its own outputs, one or several. In other grouped ones the same channels go
// from every group. bias may be nil.
func (g *Graph[T]) Conv2D(name string, x Node, weight, bias *tensor.Param[T], w tensor.Window) Node {
	return g.weighted(name, convNode, x, weight, bias, w)
}

func (g *Graph[T]) weighted(name string, k kind, x Node, weight, bias *tensor.Param[T], w tensor.Window) Node {
	dims := 2
	call := fmt.Sprintf("Linear %q", name)
	if k == convNode {
		dims, call = 4, fmt.Sprintf("Conv2D %q", name)
	}
	if !g.read(call, x) {
		return none
	}
	l := &layer[T]{name: name, kind: k, weight: weight, bias: bias, groups: max(w.Groups, 1),
		padded: w.PadH > 0 || w.PadW > 0}
	if weight == nil {
		return g.fault(call, "the weight is nil: %w", tensor.ErrEmpty)
	}
	if len(weight.Shape) != dims {
		return g.fault(call, "a weight of shape %v, want %d dimensions: %w", weight.Shape, dims, tensor.ErrShape)
	}
	l.outAxis, l.inAxis = axes(g.layout, dims)
	l.outStride, l.inStride = strideOf(weight.Shape, l.outAxis), strideOf(weight.Shape, l.inAxis)
	out, per, in := weight.Shape[l.outAxis], weight.Shape[l.inAxis], len(g.nodes[x].channels)
	if w.Groups < 0 || out < 1 || in%l.groups != 0 || out%l.groups != 0 || per*l.groups != in {
		return g.fault(call, "a weight of shape %v in %d groups for %d inputs: %w", weight.Shape, l.groups, in,
			tensor.ErrShape)
	}
	if bias != nil && (len(bias.Shape) != 1 || bias.Shape[0] != out) {
		return g.fault(call, "a bias of shape %v for %d outputs: %w", bias.Shape, out, tensor.ErrShape)
	}
	if !g.register(call, l, weight, bias) {
		return none
	}
	l.in = g.nodes[x].channels
	l.out = g.links.add(out)
	l.depthwise = l.groups > 1 && per == 1
	switch {
	case l.depthwise:
		for o, id := range l.out {
			g.links.join(l.in[o/(out/in)], id)
		}
	case l.groups > 1:
		g.joinGroups(l.in, l.groups)
		g.joinGroups(l.out, l.groups)
	}
	g.use(call, weight, l.out, l.in)
	g.use(call, bias, l.out)
	return g.add(node[T]{kind: k, channels: l.out, from: []Node{x}, layer: l})
}

// joinGroups couples the channels at the same place of every group.
func (g *Graph[T]) joinGroups(ids []int, groups int) {
	per := len(ids) / groups
	for k := per; k < len(ids); k++ {
		g.links.join(ids[k%per], ids[k])
	}
}

// use couples the channels along the dimensions of a parameter with those of earlier uses of the same memory: a layer
// that is used twice, or weights that two share.
func (g *Graph[T]) use(call string, p *tensor.Param[T], dims ...[]int) {
	if p == nil || len(p.Data) == 0 {
		return
	}
	before, again := g.uses[&p.Data[0]]
	if !again {
		g.uses[&p.Data[0]] = dims
		return
	}
	if len(before) != len(dims) {
		g.fault(call, "param %q is the weight of one layer and something else of another: %w", p.Name, tensor.ErrShape)
		return
	}
	for k := range dims {
		g.couple(call, before[k], dims[k])
	}
}

// axes are the dimensions of a weight that count outputs and inputs.
func axes(layout prune.Layout, dims int) (out, in int) {
	if layout == prune.OutputLast || layout == prune.LayoutNN && dims == 4 {
		return dims - 1, dims - 2
	}
	return 0, 1
}

// BatchNorm is the parameters and the statistics of a batch norm; Weight and Bias may be nil for one without.
type BatchNorm[T tensor.Float] struct {
	Weight, Bias *tensor.Param[T]
	Mean, Var    []T // running statistics, one of each channel
	Eps          float64
}

// BatchNorm normalises channels by running statistics, each by itself. Shrinking names the statistics after the
// layer: name.mean and name.var.
func (g *Graph[T]) BatchNorm(name string, x Node, b BatchNorm[T]) Node {
	call := fmt.Sprintf("BatchNorm %q", name)
	if !g.read(call, x) {
		return none
	}
	n := len(g.nodes[x].channels)
	if len(b.Mean) != n || len(b.Var) != n || !(b.Eps >= 0) {
		return g.fault(call, "%d means, %d variances and eps %v of %d channels: %w", len(b.Mean), len(b.Var), b.Eps, n,
			tensor.ErrShape)
	}
	l := &layer[T]{name: name, kind: batchNormNode, weight: b.Weight, bias: b.Bias, eps: b.Eps,
		mean: &tensor.Param[T]{Name: name + ".mean", Shape: []int{n}, Data: b.Mean},
		vari: &tensor.Param[T]{Name: name + ".var", Shape: []int{n}, Data: b.Var}}
	return g.norm(call, x, l, l.mean, l.vari)
}

// LayerNorm normalises all channels of a position together; weight and bias may be nil. Pruning a channel changes
// what is left of the others, so that groups which pass through one are reported as inexact.
func (g *Graph[T]) LayerNorm(name string, x Node, weight, bias *tensor.Param[T]) Node {
	return g.norm(fmt.Sprintf("LayerNorm %q", name), x, &layer[T]{name: name, kind: layerNormNode, weight: weight,
		bias: bias})
}

// GroupNorm normalises so many groups of neighbouring channels; weight and bias may be nil. The same channels go from
// every group, and as with [Graph.LayerNorm] that is inexact.
func (g *Graph[T]) GroupNorm(name string, x Node, groups int, weight, bias *tensor.Param[T]) Node {
	call := fmt.Sprintf("GroupNorm %q", name)
	if !g.read(call, x) {
		return none
	}
	ids := g.nodes[x].channels
	if groups < 1 || len(ids)%groups != 0 {
		return g.fault(call, "%d channels in %d groups: %w", len(ids), groups, tensor.ErrShape)
	}
	y := g.norm(call, x, &layer[T]{name: name, kind: groupNormNode, weight: weight, bias: bias, groups: groups})
	if y != none {
		g.joinGroups(ids, groups)
	}
	return y
}

func (g *Graph[T]) norm(call string, x Node, l *layer[T], statistics ...*tensor.Param[T]) Node {
	if !g.read(call, x) {
		return none
	}
	ids := g.nodes[x].channels
	for _, p := range []*tensor.Param[T]{l.weight, l.bias} {
		if p != nil && (len(p.Shape) != 1 || p.Shape[0] != len(ids)) {
			return g.fault(call, "param %q of shape %v for %d channels: %w", p.Name, p.Shape, len(ids), tensor.ErrShape)
		}
	}
	if !g.register(call, l, append(statistics, l.weight, l.bias)...) {
		return none
	}
	l.in, l.out = ids, ids
	for _, p := range append(statistics, l.weight, l.bias) {
		g.use(call, p, ids)
	}
	return g.add(node[T]{kind: l.kind, channels: ids, from: []Node{x}, layer: l})
}

// register takes a layer and its parameters in, unless something is wrong with them.
func (g *Graph[T]) register(call string, l *layer[T], params ...*tensor.Param[T]) bool {
	before := len(g.faults)
	if g.names[l.name] || l.name == "" {
		g.fault(call, "two layers are named %q, or none: %w", l.name, prune.ErrDuplicateName)
	}
	var fresh []*tensor.Param[T]
	for _, p := range params {
		if p == nil {
			continue
		}
		if err := p.Validate(); err != nil {
			g.fault(call, "%w", err)
		}
		for i, v := range p.Data {
			if v-v != 0 {
				g.fault(call, "param %q: element %d is %v: %w", p.Name, i, v, tensor.ErrNotFinite)
				break
			}
		}
		known := false
		for _, q := range g.params {
			known = known || p == q
			if p != q && p.Name == q.Name {
				g.fault(call, "two parameters are named %q: %w", p.Name, prune.ErrDuplicateName)
			}
		}
		if !known {
			fresh = append(fresh, p)
		}
	}
	if len(g.faults) > before {
		return false
	}
	g.names[l.name] = true
	g.params = append(g.params, fresh...)
	g.layers = append(g.layers, l)
	return true
}
