package structured

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Graph says how the layers of a model hang together: which channels are the outputs of what and the inputs of what.
// It is built layer by layer, in the order in which they compute; parameters are views, and nothing is changed.
// Faults are collected and returned by [Graph.Err] and by whatever uses the graph. It is not for concurrent use while
// it is built.
type Graph[T tensor.Float] struct {
	layout prune.Layout
	nodes  []node[T]
	layers []*layer[T]
	links  links
	names  map[string]bool
	uses   map[*T][][]int // by memory, the channels along each dimension of a parameter
	params []*tensor.Param[T]
	faults []error
}

// Node is the channels that an operation of a graph gives.
type Node int

// none is the node of an operation that could not be added.
const none Node = -1

// node is an operation. Operations that keep channels as they are share their numbers with what they read.
type node[T tensor.Float] struct {
	kind     kind
	channels []int // numbers by which links joins what must be kept or pruned together
	from     []Node
	layer    *layer[T] // of those with parameters
	apply    func(T) T // of activations
	padded   bool      // of pools
	copies   int       // of Flatten, the positions
	order    Order
}

type kind uint8

const (
	inputNode kind = iota
	linearNode
	convNode
	batchNormNode
	layerNormNode
	groupNormNode
	activationNode
	poolNode
	addNode
	concatNode
	flattenNode
)

// layer is an operation with parameters.
type layer[T tensor.Float] struct {
	name         string
	kind         kind
	weight, bias *tensor.Param[T]
	mean, vari   *tensor.Param[T] // of a batch norm, named after the layer
	eps          float64
	out, in      []int // channel numbers; equal for norms and depthwise convolutions
	outAxis      int
	inAxis       int
	outStride    int // of the weight along its axes
	inStride     int
	groups       int
	depthwise    bool
	padded       bool
}

// Order is how [Graph.Flatten] lays positions and channels out.
type Order uint8

// The orders.
const (
	ChannelsLast  Order = iota // channel c of position p becomes p*C+c: HWC, the layout of package tensor/nn
	ChannelsFirst              // c*P+p: CHW, torch's
)

var orders = enum.Of[Order]("order", "channels last", "channels first")

// String is the name.
func (o Order) String() string { return orders.String(o) }

// MarshalText writes the name.
func (o Order) MarshalText() ([]byte, error) { return orders.Marshal(o) }

// UnmarshalText reads a name.
func (o *Order) UnmarshalText(text []byte) error { return orders.Unmarshal(o, text) }

// NewGraph returns an empty graph of a model whose weights have the given layout.
func NewGraph[T tensor.Float](layout prune.Layout) *Graph[T] {
	g := &Graph[T]{layout: layout, names: map[string]bool{}, uses: map[*T][][]int{}}
	if layout > prune.OutputLast {
		g.fault("NewGraph", "layout %v: %w", layout, tensor.ErrRange)
	}
	return g
}

// Err is everything that is wrong with the operations so far, or nil. Errors wrap tensor.ErrShape for what does not
// fit, tensor.ErrRange for numbers and for nodes that are none, tensor.ErrEmpty for what is missing,
// tensor.ErrOverlap for parameters that share some of their memory, and prune.ErrDuplicateName.
func (g *Graph[T]) Err() error {
	faults := g.faults
	if len(faults) == 0 {
		if len(g.layers) == 0 {
			return fmt.Errorf("structured: the graph has no layers: %w", tensor.ErrEmpty)
		}
		if _, err := tensor.Tied(g.params); err != nil {
			faults = append(faults, fmt.Errorf("structured: %w", err))
		}
	}
	return errors.Join(faults...)
}

func (g *Graph[T]) fault(call, format string, args ...any) Node {
	g.faults = append(g.faults, fmt.Errorf("structured: "+call+": "+format, args...))
	return none
}

// read checks what an operation reads. ok is false for a node that is none; only the first use of one is a fault.
func (g *Graph[T]) read(call string, from ...Node) (ok bool) {
	ok = len(from) > 0
	for _, n := range from {
		if n == none && len(g.faults) > 0 {
			return false
		}
		if n < 0 || int(n) >= len(g.nodes) {
			g.fault(call, "node %d of %d: %w", n, len(g.nodes), tensor.ErrRange)
			ok = false
		}
	}
	return ok
}

func (g *Graph[T]) add(n node[T]) Node {
	g.nodes = append(g.nodes, n)
	return Node(len(g.nodes) - 1)
}

// Input is channels that the model is given. They stay.
func (g *Graph[T]) Input(name string, channels int) Node {
	call := fmt.Sprintf("Input %q", name)
	if channels < 1 {
		return g.fault(call, "%d channels, want 1 or more: %w", channels, tensor.ErrRange)
	}
	ids := g.links.add(channels)
	for _, id := range ids {
		g.links.keep(id, "an input of the model")
	}
	return g.add(node[T]{kind: inputNode, channels: ids})
}

// State is channels that a model keeps from one step of a sequence to the next; couple them with those of what they
// become. Unlike inputs they may shrink.
func (g *Graph[T]) State(channels int) Node {
	if channels < 1 {
		return g.fault("State", "%d channels, want 1 or more: %w", channels, tensor.ErrRange)
	}
	return g.add(node[T]{kind: inputNode, channels: g.links.add(channels)})
}

// Output says that the channels of x are results of the model. They stay.
func (g *Graph[T]) Output(x Node) {
	if !g.read("Output", x) {
		return
	}
	for _, id := range g.nodes[x].channels {
		g.links.keep(id, "an output of the model")
	}
}

// Couple says that the channels of a and b are kept or pruned together, the first with the first and so on: the state
// of a recurrent layer and what it becomes.
func (g *Graph[T]) Couple(a, b Node) {
	if !g.read("Couple", a, b) {
		return
	}
	g.couple("Couple", g.nodes[a].channels, g.nodes[b].channels)
}

func (g *Graph[T]) couple(call string, a, b []int) bool {
	if len(a) != len(b) {
		g.fault(call, "%d channels and %d: %w", len(a), len(b), tensor.ErrShape)
		return false
	}
	for k := range a {
		g.links.join(a[k], b[k])
	}
	return true
}

// Activation applies a function to every element; f is also used to fold constants, and may be nil for what folds
// none, such as dropout.
func (g *Graph[T]) Activation(x Node, f func(T) T) Node {
	if !g.read("Activation", x) {
		return none
	}
	return g.add(node[T]{kind: activationNode, channels: g.nodes[x].channels, from: []Node{x}, apply: f})
}

// Pool is whatever moves or merges the positions of a channel: pooling, resizing, averaging. padded says that zeros
// at the border take part, so that a constant does not stay one.
func (g *Graph[T]) Pool(x Node, padded bool) Node {
	if !g.read("Pool", x) {
		return none
	}
	return g.add(node[T]{kind: poolNode, channels: g.nodes[x].channels, from: []Node{x}, padded: padded})
}

// Add is the sum of nodes of as many channels, which it couples.
func (g *Graph[T]) Add(xs ...Node) Node {
	if len(xs) == 0 {
		return g.fault("Add", "no nodes: %w", tensor.ErrEmpty)
	}
	if !g.read("Add", xs...) {
		return none
	}
	first := g.nodes[xs[0]].channels
	for _, x := range xs[1:] {
		if !g.couple("Add", first, g.nodes[x].channels) {
			return none
		}
	}
	return g.add(node[T]{kind: addNode, channels: first, from: xs})
}

// Concat is the channels of nodes behind each other. A node may come twice.
func (g *Graph[T]) Concat(xs ...Node) Node {
	if len(xs) == 0 {
		return g.fault("Concat", "no nodes: %w", tensor.ErrEmpty)
	}
	if !g.read("Concat", xs...) {
		return none
	}
	var ids []int
	for _, x := range xs {
		ids = append(ids, g.nodes[x].channels...)
	}
	return g.add(node[T]{kind: concatNode, channels: ids, from: xs})
}

// Flatten makes a channel of each of so many positions of every channel, in the given order.
func (g *Graph[T]) Flatten(x Node, positions int, order Order) Node {
	if !g.read("Flatten", x) {
		return none
	}
	if positions < 1 || !orders.Valid(order) {
		return g.fault("Flatten", "%d positions, %v: %w", positions, order, tensor.ErrRange)
	}
	from := g.nodes[x].channels
	ids := make([]int, 0, positions*len(from))
	for k := range positions * len(from) {
		ids = append(ids, from[flattened(k, len(from), positions, order)])
	}
	return g.add(node[T]{kind: flattenNode, channels: ids, from: []Node{x}, copies: positions, order: order})
}

// flattened is the channel that place k of a flattened node holds.
func flattened(k, channels, positions int, order Order) int {
	if order == ChannelsFirst {
		return k / positions
	}
	return k % channels
}
