package bags

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/tensor"
)

// TopFraction is the mean of the share f, in (0, 1], of the largest instances of each bag and column, rounded up,
// [bags, d]: mil.TopFraction. Of equal ones the first count. The gradient is that of the instances that count. It sorts
// the instances of bags that are padded to the largest size.
func TopFraction(b Bags, f float64) *graph.Node {
	const call = "bags: TopFraction"
	if !(f > 0 && f <= 1) {
		panic(fmt.Errorf("%s: a share of %v, want one in (0, 1]: %w", call, f, tensor.ErrRange))
	}
	host.RefuseSPMD(b.x.Graph(), call)
	k := b.numbers(f)
	counts := graph.Gather(b.largest(k), b.place) // [n, d]
	sum := b.bags(b.sum(graph.Mul(b.x, graph.StopGradient(counts))))
	return graph.Div(sum, graph.ConvertDType(b.bags(k), sum.DType()))
}

// numbers is how many instances of each bag count, and 1 of an empty one, int32 of [bags+1, 1]. They are looked up: the
// product of a size and a share would be rounded up for a whole number that float32 misses.
func (b Bags) numbers(f float64) *graph.Node {
	table := make([]int32, b.most+1)
	for n := range table {
		table[n] = int32(max(1, math.Ceil(f*float64(n)-1e-9)))
	}
	size := b.sum(graph.ConvertDType(b.real, dtypes.Float32))
	return graph.Reshape(graph.Gather(graph.Const(size.Graph(), table), graph.ConvertDType(size, dtypes.Int32)),
		b.len+1, 1)
}

// largest is 1 for the k largest instances of each bag and column, [bags+1, most, d].
func (b Bags) largest(k *graph.Node) *graph.Node {
	g, d := b.x.Graph(), b.x.Shape().Dimensions[1]
	all := []int{b.len + 1, b.most, d}
	x := graph.StopGradient(b.x)
	low := graph.BroadcastToDims(graph.Infinity(g, x.DType(), -1), all...)
	x = graph.ScatterMax(low, b.place, x, false, false)
	rank := graph.Iota(g, shapes.Make(dtypes.Int32, all...), 1)
	last := graph.BroadcastToDims(graph.AddScalar(graph.InsertAxes(k, -1), -1), all...)
	sorted := graph.Sort(x, 1, false)
	least := graph.ReduceAndKeep(graph.Where(graph.Equal(rank, last), sorted, low), graph.ReduceMax, 1)
	least = graph.BroadcastToDims(least, all...)
	above := graph.GreaterThan(x, least)
	equal := graph.Equal(x, least)
	// Of those that equal the least, as many as are missing, in their order.
	missing := graph.Sub(graph.InsertAxes(k, -1),
		graph.ReduceAndKeep(graph.ConvertDType(above, dtypes.Int32), graph.ReduceSum, 1))
	order := graph.CumSum(graph.ConvertDType(equal, dtypes.Float32), 1)
	among := graph.LessOrEqual(order, graph.ConvertDType(graph.BroadcastToDims(missing, all...), dtypes.Float32))
	return graph.ConvertDType(graph.LogicalOr(above, graph.LogicalAnd(equal, among)), b.x.DType())
}
