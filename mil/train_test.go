package mil_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// TestTrainingAgainstTorch takes ten steps of stochastic gradient descent, one bag each, with a network, gated
// attention and a linear head. torch has a bias behind w too, on which nothing depends.
func TestTrainingAgainstTorch(t *testing.T) {
	var f struct {
		goldenCase
		Labels    []float64
		Order     []int
		Losses    []float64
		Attention [][]float64
	}
	golden.JSON(t, "testdata/abmil_sgd.json.gz", &f)
	linear := func(in, out int) *nn.Linear[float64] {
		l, err := nn.NewLinear[float64](in, out, tensor.Stream(1))
		require.NoError(t, err)
		return l
	}
	net, head := linear(6, 5), linear(5, 1)
	net.Act, net.SkipInputGrad = tensor.ReLUActivation, true
	pool, err := mil.NewAttention[float64](5, 4, mil.WithGate())
	require.NoError(t, err)
	named := map[string]*tensor.Param[float64]{"f.weight": net.Weight, "f.bias": net.Bias, "V.weight": pool.V,
		"V.bias": pool.BV, "U.weight": pool.U, "U.bias": pool.BU, "w.weight": pool.W, "c.weight": head.Weight,
		"c.bias": head.Bias}
	for name, p := range named {
		copy(p.Data, f.data(t, "init."+name))
	}
	params := append(append(net.Params(), pool.Params()...), head.Params()...)
	opt := nn.SGD[float64]{LR: 0.1, Momentum: 0.9, Nesterov: true, WeightDecay: 0.005}
	var tape mil.Tape[float64]
	for k, i := range f.Order {
		x := f.matrix(t, []string{"bag0", "bag1", "bag2", "bag3"}[i])
		h := net.Forward(tensor.DenseOf(x.Data, x.Rows, x.Cols), true)
		y, dh, a := tensor.NewDense[float64](1, 5), tensor.NewDense[float64](x.Rows, 5), tensor.NewMatrix[float64](x.Rows, 1)
		require.NoError(t, pool.Forward(y.Matrix(1), mil.Bags[float64]{X: h.Matrix(1), Offsets: []int{0, x.Rows}}, &tape))
		require.NoError(t, pool.Weights(a, &tape))
		golden.Close(t, "attention", a.Data, f.Attention[k], 1e-9, 1e-12)
		grad := tensor.NewDense[float64](1, 1)
		loss, err := mil.BCE[float64]{}.Eval(grad.Data, head.Forward(y, true).Data, []bool{f.Labels[i] == 1}, nil)
		require.NoError(t, err)
		golden.Same(t, f.Losses[k], loss, 1e-9, "loss of step %d", k)
		nn.ZeroGrad(params)
		require.NoError(t, pool.Backward(dh.Matrix(1), head.Backward(grad).Matrix(1), &tape))
		net.Backward(dh)
		require.NoError(t, opt.Step(params))
	}
	for name, p := range named {
		golden.Close(t, name, p.Data, f.data(t, "final."+name), 1e-9, 1e-12)
	}
}

// instanceNet is the paper's network of pairs of heartbeats: two convolutions with two filters each, stride 2, with
// maxima over four, and a linear layer.
type instanceNet struct {
	first, second *nn.Conv2D[float64]
	head          *nn.Linear[float64]
	all           *nn.Sequential[float64]
}

func newInstanceNet(t *testing.T) instanceNet {
	t.Helper()
	conv := func(k, c, pad int) *nn.Conv2D[float64] {
		l, err := nn.NewConv2D[float64](tensor.Window{KH: 1, KW: k, C: c, StrideH: 1, StrideW: 2, PadW: pad}, 2,
			tensor.Stream(1))
		require.NoError(t, err)
		l.Act = tensor.ReLUActivation
		return l
	}
	pool := func() nn.Layer[float64] {
		l, err := nn.NewMaxPool2D[float64](tensor.Window{KH: 1, KW: 4, StrideH: 1, StrideW: 4})
		require.NoError(t, err)
		return l
	}
	head, err := nn.NewLinear[float64](8, 1, tensor.Stream(1))
	require.NoError(t, err)
	n := instanceNet{first: conv(128, 1, 63), second: conv(64, 2, 31), head: head}
	n.all = nn.NewSequential[float64](n.first, pool(), n.second, pool(), nn.NewFlatten[float64](), n.head)
	return n
}

// arranged is weights [out, in, k] of torch as [k, in, out], and back if inverse is set.
func arranged(x []float64, out, in, k int, inverse bool) []float64 {
	y := make([]float64, len(x))
	for o := range out {
		for i := range in {
			for j := range k {
				a, b := (o*in+i)*k+j, (j*in+i)*out+o
				if inverse {
					a, b = b, a
				}
				y[b] = x[a]
			}
		}
	}
	return y
}

// TestInstanceNetworkAgainstTorch trains on instances that inherit the labels of their bags, as the paper does, with a
// penalty on the convolutions, and scores bags by the mean of the largest fifth of the probabilities.
func TestInstanceNetworkAgainstTorch(t *testing.T) {
	var f struct {
		goldenCase
		AdamLosses []float64 `json:"adam_losses"`
	}
	golden.JSON(t, "testdata/mil_cnn.json.gz", &f)
	n := newInstanceNet(t)
	type part struct {
		name       string
		param      *tensor.Param[float64]
		out, in, k int
	}
	parts := []part{{"c1.weight", n.first.Weight, 2, 1, 128}, {"c1.bias", n.first.Bias, 2, 1, 1},
		{"c2.weight", n.second.Weight, 2, 2, 64}, {"c2.bias", n.second.Bias, 2, 1, 1},
		{"o.weight", n.head.Weight, 1, 2, 4}, {"o.bias", n.head.Bias, 1, 1, 1}}
	for _, p := range parts {
		copy(p.param.Data, arranged(f.data(t, p.name), p.out, p.in, p.k, false))
	}
	x, bags := f.matrix(t, "x"), f.bags(t)
	input := tensor.DenseOf(x.Data, x.Rows, 1, x.Cols, 1)
	all := mil.Batch{Bags: []int{0, 1}, Offsets: f.Offsets, Rows: make([]int, x.Rows)}
	inherited := all.InstanceLabels(booleans(f.data(t, "labels")))
	opt, grad := nn.NewAdam[float64](1e-3), tensor.NewDense[float64](x.Rows, 1)
	for step, want := range f.AdamLosses {
		z := n.all.Forward(input, true)
		loss, err := mil.BCE[float64]{}.Eval(grad.Data, z.Data, inherited, nil)
		require.NoError(t, err)
		nn.ZeroGrad(n.all.Params())
		dx := n.all.Backward(grad)
		penalty := 0.0
		for _, w := range []*tensor.Param[float64]{n.first.Weight, n.second.Weight} {
			penalty += 0.01 * tensor.Dot(w.Data, w.Data)
			tensor.Axpy(w.Grad, 0.02, w.Data)
		}
		golden.Same(t, want, loss+penalty, 1e-9, "loss of step %d", step)
		if step == 0 {
			golden.Close(t, "logits", z.Data, f.data(t, "z"), 1e-9, 1e-12)
			golden.Close(t, "dx", dx.Data, f.data(t, "dx"), 1e-9, 1e-12)
			for _, p := range parts {
				got := arranged(p.param.Grad, p.out, p.in, p.k, true)
				golden.Close(t, "d"+p.name, got, f.data(t, "d"+p.name), 1e-9, 1e-12)
			}
			risks, err := mil.Risk(bags.With(tensor.Of(x.Rows, 1, z.Data)), func(p []float64, z tensor.Matrix[float64]) error {
				tensor.Sigmoid(p, z.Data)
				return nil
			}, mil.TopFraction(0.2))
			require.NoError(t, err)
			golden.Close(t, "risks", risks, f.data(t, "bag_prob_top20"), 1e-9, 1e-12)
		}
		require.NoError(t, opt.Step(n.all.Params()))
	}
	for _, p := range parts {
		got := arranged(p.param.Data, p.out, p.in, p.k, true)
		golden.Close(t, p.name, got, f.data(t, "adam5."+p.name), 1e-9, 1e-12)
	}
}
