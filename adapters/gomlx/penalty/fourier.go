package penalty

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// FourierSums is the weighted sums of the random Fourier features of the rows of each group, [levels, D], and the sums
// of the weights, [levels]. Both add up over parts of a batch: reduce them over devices, and [FourierMMD] is the
// penalty of the whole. Groups.Y must be nil.
func FourierSums(z *graph.Node, rows Groups, f *causal.Fourier[float32]) (sums, weights *graph.Node) {
	const call = "FourierSums"
	n, d := representation(call, z, rows)
	if rows.Y != nil {
		panic(fmt.Errorf("penalty: %s: has no comparison within classes: %w", call, tensor.ErrConflict))
	}
	if f == nil {
		panic(fmt.Errorf("penalty: %s: no features: %w", call, tensor.ErrEmpty))
	}
	omega, phase := f.Frequencies()
	if omega.Rows != d {
		panic(fmt.Errorf("penalty: %s: the representation has %d columns, the features are of %d: %w", call, d, omega.Rows,
			tensor.ErrShape))
	}
	g := z.Graph()
	frequencies := graph.ConvertDType(graph.Const(g, tensors.FromFlatDataAndDimensions(omega.Data, omega.Rows,
		omega.Cols)), z.DType())
	angles := graph.Add(graph.Dot(z, frequencies).Product(), graph.InsertAxes(graph.ConvertDType(graph.Const(g, phase),
		z.DType()), 0))
	features := graph.MulScalar(graph.Cos(angles), math.Sqrt(2/float64(omega.Cols)))
	w := rows.weights(call, n, z.DType())
	return graph.Dot(graph.Transpose(w, 0, 1), features).Product(), graph.ReduceSum(w, 0)
}

// FourierMMD is the mean over pairs of groups of the squared distance of their mean features, a scalar, as
// causal.FourierSums.MMD: an approximation of [MMD] in memory that does not grow with the square of the rows. It is 0
// if there are not two groups.
func FourierMMD(sums, weights *graph.Node) *graph.Node {
	zero := graph.ZerosLike(weights)
	there := graph.ConvertDType(graph.GreaterThan(weights, zero), weights.DType())
	mean := graph.Div(sums, graph.InsertAxes(host.OrOne(weights), 1))
	first, second := pairs(weights.Shape().Dimensions[0])
	value, number := graph.ScalarZero(sums.Graph(), sums.DType()), graph.ScalarZero(sums.Graph(), sums.DType())
	for k := range first {
		i, j := first[k], second[k]
		both := graph.Mul(element(there, i), element(there, j))
		difference := graph.Sub(graph.Slice(mean, graph.AxisElem(i)), graph.Slice(mean, graph.AxisElem(j)))
		value = graph.Add(value, graph.Mul(both, squared(difference)))
		number = graph.Add(number, both)
	}
	return graph.Div(value, graph.StopGradient(host.OrOne(number)))
}
