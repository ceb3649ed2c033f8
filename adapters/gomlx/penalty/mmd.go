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

// Kernel is a similarity of rows as a function of their squared distances d2, in the graph: k(d2) - k(0), computed
// without that difference where it would cancel.
type Kernel func(d2 *graph.Node) *graph.Node

// RBF is the Gaussian kernel exp(-d²/2sigma²), the sum of several for several bandwidths, as causal.RBF. The bandwidths
// are checked when the graph is built: an error wraps causal.ErrBandwidth.
func RBF(sigma ...float64) Kernel {
	return func(d2 *graph.Node) *graph.Node {
		if err := causal.RBF(sigma...).Validate(); err != nil {
			panic(fmt.Errorf("penalty: RBF: %w", err))
		}
		k := graph.ZerosLike(d2)
		for _, s := range sigma {
			k = graph.Add(k, expm1(graph.MulScalar(d2, -1/(2*s*s))))
		}
		return k
	}
}

// expm1 has a gradient, of which GoMLX's has none. The second term is 0 and carries the derivative.
func expm1(u *graph.Node) *graph.Node {
	e := graph.Exp(u)
	return graph.Add(graph.StopGradient(graph.Expm1(u)), graph.Sub(e, graph.StopGradient(e)))
}

// IMQ is the inverse multiquadric 1/sqrt(c²+d²), as causal.IMQ.
func IMQ(c float64) Kernel {
	return func(d2 *graph.Node) *graph.Node {
		if err := causal.IMQ(c).Validate(); err != nil {
			panic(fmt.Errorf("penalty: IMQ: %w", err))
		}
		s := graph.Sqrt(graph.AddScalar(d2, c*c))
		return graph.Neg(graph.Div(d2, graph.MulScalar(graph.Mul(s, graph.AddScalar(s, c)), c)))
	}
}

// Linear is the inner product, whose penalty is the squared distance of the means, as causal.Linear.
func Linear() Kernel {
	return func(d2 *graph.Node) *graph.Node { return graph.MulScalar(d2, -.5) }
}

// MMD is the squared maximum mean discrepancy between the groups of the rows of z, [n, d], a scalar: that of causal.MMD
// with the same kernel, weights and classes, VStatistic and PairwiseMean. A batch that cannot tell, without rows of two
// groups in any class, has the value 0 and no gradient. It takes memory for n² numbers.
func MMD(z *graph.Node, rows Groups, k Kernel) *graph.Node {
	const call = "MMD"
	host.RefuseSPMD(z.Graph(), "penalty: "+call)
	if k == nil {
		panic(fmt.Errorf("penalty: %s: no kernel: %w", call, tensor.ErrEmpty))
	}
	n, _ := representation(call, z, rows)
	a, pi := rows.factor(call, n, z.DType())
	ka := graph.Dot(k(distances(z, n)), a).Product()
	return graph.ReduceAllSum(graph.Mul(graph.Mul(a, ka), graph.InsertAxes(pi, 0)))
}

// distances is the squared distances of the rows, exactly 0 of a row to itself. Rows are centred before, so that those
// far from the origin keep their digits.
func distances(z *graph.Node, n int) *graph.Node {
	z = graph.Sub(z, graph.StopGradient(graph.ReduceAndKeep(z, graph.ReduceMean, 0)))
	sq := graph.ReduceSum(graph.Square(z), 1)
	d2 := graph.Sub(graph.Add(graph.Reshape(sq, n, 1), graph.Reshape(sq, 1, n)),
		graph.MulScalar(graph.Dot(z, graph.Transpose(z, 0, 1)).Product(), 2))
	zero := graph.ZerosLike(d2)
	index := shapes.Make(dtypes.Int32, n, n)
	same := graph.Equal(graph.Iota(z.Graph(), index, 0), graph.Iota(z.Graph(), index, 1))
	return graph.Where(graph.LogicalOr(same, graph.LessThan(d2, zero)), zero, d2)
}
