package penalty

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// CORAL compares the covariances, and by the convention the means, of the groups of the rows of z, [n, d], a scalar:
// that of causal.CORAL, the mean over pairs of groups of two rows or more, and 0 if there are not two. Weights leave
// out the rows of weight 0 and do nothing else. Groups.Y must be nil.
func CORAL(z *graph.Node, rows Groups, c causal.CORALConvention) *graph.Node {
	const call = "CORAL"
	host.RefuseSPMD(z.Graph(), "penalty: "+call)
	n, d := representation(call, z, rows)
	if rows.Y != nil {
		panic(fmt.Errorf("penalty: %s: has no comparison within classes: %w", call, tensor.ErrConflict))
	}
	w := rows.weights(call, n, z.DType())
	in := graph.ConvertDType(graph.GreaterThan(w, graph.ZerosLike(w)), z.DType()) // [n, levels]
	size := graph.ReduceSum(in, 0)
	enough := graph.ConvertDType(graph.GreaterOrEqual(size, graph.MulScalar(graph.OnesLike(size), 2)), z.DType())

	ofMean, ofCov := 1/float64(d), 1/float64(d*d)
	switch c {
	case causal.MeanAndCovariance:
	case causal.DeepCORAL:
		ofMean, ofCov = 0, 1/float64(4*d*d)
	default:
		panic(fmt.Errorf("penalty: %s: convention %v: %w", call, c, tensor.ErrRange))
	}
	mean, cov := make([]*graph.Node, rows.Levels), make([]*graph.Node, rows.Levels)
	for l := range rows.Levels {
		own := graph.Slice(in, graph.AxisRange(), graph.AxisElem(l)) // [n, 1]
		count := graph.ReduceAllSum(own)
		mean[l] = graph.Div(graph.ReduceAndKeep(graph.Mul(z, own), graph.ReduceSum, 0), host.OrOne(count))
		centred := graph.Mul(graph.Sub(z, mean[l]), own)
		cov[l] = graph.Div(graph.Dot(graph.Transpose(centred, 0, 1), centred).Product(), graph.MaxScalar(
			graph.AddScalar(count, -1), 1))
	}
	value, number := graph.ScalarZero(z.Graph(), z.DType()), graph.ScalarZero(z.Graph(), z.DType())
	first, second := pairs(rows.Levels)
	for k := range first {
		i, j := first[k], second[k]
		both := graph.Mul(element(enough, i), element(enough, j))
		distance := graph.Add(graph.MulScalar(squared(graph.Sub(mean[i], mean[j])), ofMean),
			graph.MulScalar(squared(graph.Sub(cov[i], cov[j])), ofCov))
		value = graph.Add(value, graph.Mul(both, distance))
		number = graph.Add(number, both)
	}
	return graph.Div(value, graph.StopGradient(host.OrOne(number)))
}

func element(x *graph.Node, i int) *graph.Node {
	return graph.Reshape(graph.Slice(x, graph.AxisElem(i)))
}

func squared(x *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(x)) }
