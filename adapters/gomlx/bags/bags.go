package bags

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/espalier-ml/espalier/tensor"
)

// Bags is bags of instances in a graph.
type Bags struct {
	x     *graph.Node // [n, d], 0 in padding
	place *graph.Node // [n, 2]
	bag   *graph.Node // [n, 1]
	real  *graph.Node // [n, 1]: no padding
	len   int
	most  int
}

// Of is so many bags of the rows of x, [n, d], at the places of [Pad], of up to most instances each. A row whose place
// is none in them is padding.
func Of(x, place *graph.Node, bags, most int) Bags {
	const call = "bags: Of"
	if x.Rank() != 2 || !x.DType().IsFloat() || place.Rank() != 2 || !place.DType().IsInt() ||
		place.Shape().Dimensions[0] != x.Shape().Dimensions[0] || place.Shape().Dimensions[1] != 2 {
		panic(fmt.Errorf("%s: instances %v at places %v: %w", call, x.Shape(), place.Shape(), tensor.ErrShape))
	}
	if bags < 1 || most < 1 {
		panic(fmt.Errorf("%s: %d bags of up to %d instances: %w", call, bags, most, tensor.ErrRange))
	}
	g := x.Graph()
	place = graph.ConvertDType(place, dtypes.Int32)
	in := graph.LessThan(place, graph.Const(g, [][]int32{{int32(bags), int32(most)}}))
	in = graph.LogicalAnd(in, graph.GreaterOrEqual(place, graph.ZerosLike(place)))
	b := Bags{len: bags, most: most}
	b.real = graph.LogicalAnd(graph.Slice(in, graph.AxisRange(), graph.AxisElem(0)),
		graph.Slice(in, graph.AxisRange(), graph.AxisElem(1)))
	padding := graph.BroadcastToDims(graph.Const(g, [][]int32{{int32(bags), 0}}), place.Shape().Dimensions...)
	b.place = graph.Where(wide(b.real, 2), place, padding)
	b.bag = graph.Slice(b.place, graph.AxisRange(), graph.AxisElem(0))
	b.x = b.clear(x)
	return b
}

// wide repeats a column.
func wide(x *graph.Node, columns int) *graph.Node {
	return graph.BroadcastToDims(x, x.Shape().Dimensions[0], columns)
}

// clear is x with 0 in padding, whatever is there.
func (b Bags) clear(x *graph.Node) *graph.Node {
	return graph.Where(wide(b.real, x.Shape().Dimensions[1]), x, graph.ZerosLike(x))
}

// sum adds up the rows of x, [n, k], of each bag and of padding, [bags+1, k].
func (b Bags) sum(x *graph.Node) *graph.Node {
	zero := graph.Zeros(x.Graph(), shapes.Make(x.DType(), b.len+1, x.Shape().Dimensions[1]))
	return graph.ScatterSum(zero, b.bag, x, false, false)
}

// bags is the rows of bags without that of padding.
func (b Bags) bags(x *graph.Node) *graph.Node { return graph.Slice(x, graph.AxisRange(0, b.len)) }

// softmax is that of s, [n, k], finite numbers, over the rows of each bag. Padding has 0.
func (b Bags) softmax(s *graph.Node) *graph.Node {
	g, k := s.Graph(), s.Shape().Dimensions[1]
	low := graph.BroadcastToDims(graph.Infinity(g, s.DType(), -1), b.len+1, k)
	top := graph.StopGradient(graph.ScatterMax(low, b.bag, graph.StopGradient(s), false, false))
	e := b.clear(graph.Exp(graph.Sub(s, graph.Gather(top, b.bag))))
	sum := b.sum(e)
	sum = graph.Where(graph.Equal(sum, graph.ZerosLike(sum)), graph.OnesLike(sum), sum) // an empty bag, and padding
	return graph.Div(e, graph.Gather(sum, b.bag))
}
