package penalty

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// Groups is which rows of a batch are compared. Of n rows:
type Groups struct {
	// V is the auxiliary label of each row, an integer of [n] or [n, 1]. Rows whose label is none of 0 to Levels-1, such
	// as causal.Unknown, take no part.
	V      *graph.Node
	Levels int
	// W is the weight of each row, 0 or more, [n] or [n, 1]; nil for 1. No gradient goes through it.
	W *graph.Node
	// Y is the main label of each row, 0 to Classes-1, for a comparison within each class, which count as Weighting says:
	// causal.Prior, causal.Uniform or causal.Total. nil compares all rows.
	Y         *graph.Node
	Classes   int
	Weighting causal.ClassWeighting
}

// weights is the weight of each row in each group, [n, groups].
func (g Groups) weights(call string, n int, dtype dtypes.DType) *graph.Node {
	w := oneHot(call, "V", g.V, n, g.Levels, dtype)
	if g.W != nil {
		w = graph.Mul(w, graph.ConvertDType(column(call, "W", g.W, n), dtype))
	}
	return graph.StopGradient(w)
}

// oneHot is 1 where a row has a label, [n, levels]; a row with none of them has no 1.
func oneHot(call, name string, labels *graph.Node, n, levels int, dtype dtypes.DType) *graph.Node {
	if labels == nil || levels < 1 {
		panic(fmt.Errorf("penalty: %s: no %s, or %d levels: %w", call, name, levels, tensor.ErrEmpty))
	}
	if !labels.DType().IsInt() {
		panic(fmt.Errorf("penalty: %s: %s is of type %v, want integers: %w", call, name, labels.DType(), tensor.ErrShape))
	}
	labels = graph.ConvertDType(column(call, name, labels, n), dtypes.Int32)
	all := graph.Iota(labels.Graph(), shapes.Make(dtypes.Int32, n, levels), 1)
	return graph.ConvertDType(graph.Equal(graph.BroadcastToDims(labels, n, levels), all), dtype)
}

// column is a label or weight of each row as [n, 1].
func column(call, name string, x *graph.Node, n int) *graph.Node {
	if d := x.Shape().Dimensions; len(d) == 0 || len(d) > 2 || d[0] != n || len(d) == 2 && d[1] != 1 {
		panic(fmt.Errorf("penalty: %s: %s is of shape %v for %d rows: %w", call, name, x.Shape(), n, tensor.ErrShape))
	}
	return graph.Reshape(x, n, 1)
}

// factor writes the form that compares the groups as sum_c pi_c a_cᵀ K a_c: a is [n, c], a column for each pair of
// groups in each class, and pi [c]. The columns add up to 0, and pi is 0 where one of the two groups is empty.
func (g Groups) factor(call string, n int, dtype dtypes.DType) (a, pi *graph.Node) {
	w := g.weights(call, n, dtype)
	classes := 1
	if g.Y != nil {
		classes = g.Classes
		y := oneHot(call, "Y", g.Y, n, classes, dtype)
		w = graph.Mul(graph.InsertAxes(y, 2), graph.InsertAxes(w, 1))
	}
	w = graph.Reshape(w, n, classes, g.Levels)
	sum := graph.ReduceSum(w, 0) // [classes, levels]
	there := graph.GreaterThan(sum, graph.ZerosLike(sum))
	share := graph.Div(w, graph.InsertAxes(graph.Where(there, sum, graph.OnesLike(sum)), 0))

	first, second := pairs(g.Levels)
	difference := graph.Sub(indicator(w.Graph(), first, g.Levels, dtype), indicator(w.Graph(), second, g.Levels, dtype))
	a = graph.Reshape(graph.Dot(graph.Reshape(share, n*classes, g.Levels), difference).Product(), n, classes*len(first))

	here := graph.ConvertDType(there, dtype)
	both := graph.Mul(graph.Dot(here, indicator(w.Graph(), first, g.Levels, dtype)).Product(),
		graph.Dot(here, indicator(w.Graph(), second, g.Levels, dtype)).Product()) // [classes, pairs]
	pi = graph.Div(both, host.OrOne(graph.ReduceAndKeep(both, graph.ReduceSum, 1)))
	if g.Y != nil {
		pi = graph.Mul(pi, graph.InsertAxes(g.classShares(call, sum), 1))
	}
	return graph.StopGradient(a), graph.StopGradient(graph.Reshape(pi, classes*len(first)))
}

// classShares is what each class counts.
func (g Groups) classShares(call string, sum *graph.Node) *graph.Node {
	own := graph.ReduceSum(sum, 1)
	switch g.Weighting {
	case causal.Prior:
		return graph.Div(own, host.OrOne(graph.ReduceAllSum(own)))
	case causal.Uniform:
		there := graph.ConvertDType(graph.GreaterThan(own, graph.ZerosLike(own)), own.DType())
		return graph.Div(there, host.OrOne(graph.ReduceAllSum(there)))
	case causal.Total:
		return graph.OnesLike(own)
	}
	panic(fmt.Errorf("penalty: %s: Groups.Y without a Weighting: %w", call, tensor.ErrRange))
}

// pairs lists the pairs of so many groups.
func pairs(levels int) (first, second []int) {
	for i := range levels {
		for j := range i {
			first, second = append(first, i), append(second, j)
		}
	}
	return first, second
}

// indicator is 1 in row at[k] of column k, [levels, len(at)].
func indicator(g *graph.Graph, at []int, levels int, dtype dtypes.DType) *graph.Node {
	x := make([][]float32, levels)
	for l := range x {
		x[l] = make([]float32, len(at))
	}
	for k, l := range at {
		x[l][k] = 1
	}
	return graph.ConvertDType(graph.Const(g, x), dtype)
}

// representation checks z, which is rows of columns.
func representation(call string, z *graph.Node, g Groups) (n, d int) {
	if z.Rank() != 2 || !z.DType().IsFloat() {
		panic(fmt.Errorf("penalty: %s: the representation is %v, want rows and columns: %w", call, z.Shape(),
			tensor.ErrShape))
	}
	if g.Levels < 2 {
		panic(fmt.Errorf("penalty: %s: %d levels, want 2 or more: %w", call, g.Levels, tensor.ErrRange))
	}
	return z.Shape().Dimensions[0], z.Shape().Dimensions[1]
}
