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
