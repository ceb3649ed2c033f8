package bags

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// AttentionOption is a choice of [Attention].
type AttentionOption func(*attentionConfig) error

type attentionConfig struct {
	gate        bool
	heads       int
	temperature float64
}

// WithGate multiplies the hidden units by a sigmoid of their own: gated attention.
func WithGate() AttentionOption {
	return func(c *attentionConfig) error {
		c.gate = true
		return nil
	}
}

// WithHeads sets how many weighted means there are, 1 or more; default 1.
func WithHeads(n int) AttentionOption {
	return func(c *attentionConfig) error {
		c.heads = n
		return option.Range(n >= 1, "WithHeads", n, "1 or more")
	}
}

// WithTemperature sets what logits are divided by, a finite number above 0; default 1.
func WithTemperature(t float64) AttentionOption {
	return func(c *attentionConfig) error {
		c.temperature = t
		return option.Range(t > 0 && !math.IsInf(t, 1), "WithTemperature", t, "a finite number above 0")
	}
}

// Attention is the attention pooling of mil.Attention with so many hidden units: the weighted means of each bag,
// [bags, heads·d], heads one after the other, and the weights of the instances, [n, heads], which of a bag add up to 1
// and are 0 in padding. The variables V, V.bias, w, U and U.bias of the scope have the shapes of that type's
// parameters; biases begin at 0.
func Attention(scope *model.Scope, b Bags, hidden int, opts ...AttentionOption) (y, weights *graph.Node) {
	const call = "bags: Attention"
	c := attentionConfig{heads: 1, temperature: 1}
	if err := option.Apply(call, &c, opts); err != nil {
		panic(err)
	}
	if hidden < 1 {
		panic(fmt.Errorf("%s: %d hidden units, want 1 or more: %w", call, hidden, tensor.ErrRange))
	}
	host.RefuseSPMD(b.x.Graph(), call)
	g, n, d := b.x.Graph(), b.x.Shape().Dimensions[0], b.x.Shape().Dimensions[1]
	layer := func(name string) *graph.Node {
		w := scope.VariableWithShape(name, shapes.Make(b.x.DType(), hidden, d)).NodeValue(g)
		bias := scope.WithInitializer(initializer.Zero).VariableWithShape(name+".bias", shapes.Make(b.x.DType(), hidden))
		return graph.Add(graph.Dot(b.x, graph.Transpose(w, 0, 1)).Product(), graph.InsertAxes(bias.NodeValue(g), 0))
	}
	h := graph.Tanh(layer("V"))
	if c.gate {
		h = graph.Mul(h, graph.Sigmoid(layer("U")))
	}
	w := scope.VariableWithShape("w", shapes.Make(b.x.DType(), c.heads, hidden)).NodeValue(g)
	weights = b.softmax(graph.DivScalar(graph.Dot(h, graph.Transpose(w, 0, 1)).Product(), c.temperature))
	products := graph.Mul(graph.InsertAxes(weights, -1), graph.InsertAxes(b.x, 1)) // [n, heads, d]
	return b.bags(b.sum(graph.Reshape(products, n, c.heads*d))), weights
}
