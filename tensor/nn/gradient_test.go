package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

// checkGradients compares Backward with central differences of the scalar <r, Forward(x)>, for the input and for
// every parameter, and checks that Backward accumulates into Grad.
func checkGradients(t *testing.T, l Layer[float64], x tensor.Dense[float64], train bool) {
	t.Helper()
	rng := tensor.Stream(99)
	r := make([]float64, len(l.Forward(x, train).Data))
	normal(rng, r, 1)
	value := func() float64 { return tensor.Dot(r, l.Forward(x, train).Data) }

	for _, p := range l.Params() {
		for i := range p.Grad {
			p.Grad[i] = 7
		}
	}
	value()
	dy := append([]float64(nil), r...)
	dx := append([]float64(nil), l.Backward(tensor.DenseOf(dy, len(dy))).Data...)
	require.Equal(t, r, dy, "Backward changed dy")
	require.Len(t, dx, len(x.Data))
	golden.Close(t, "dx", dx, differences(x.Data, value), 1e-6, 1e-7)
	for _, p := range l.Params() {
		got := append([]float64(nil), p.Grad...)
		for i := range got {
			got[i] -= 7
		}
		golden.Close(t, p.Name, got, differences(p.Data, value), 1e-6, 1e-7)
	}
}

// differences is the derivative of value with respect to every element of x.
func differences(x []float64, value func() float64) []float64 {
	const h = 1e-5
	d := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + h
		up := value()
		x[i] = v - h
		d[i] = (up - value()) / (2 * h)
		x[i] = v
	}
	return d
}

// randomInput is drawn from a normal distribution, away from the kink of ReLU.
func randomInput(seed uint64, shape ...int) tensor.Dense[float64] {
	x := tensor.NewDense[float64](shape...)
	normal(tensor.Stream(seed), x.Data, 1)
	for i, v := range x.Data {
		if math.Abs(v) < 1e-3 {
			x.Data[i] = 0.1
		}
	}
	return x
}

func TestGradientsOfLinear(t *testing.T) {
	for _, act := range []tensor.Activation{tensor.Identity, tensor.ReLUActivation, tensor.TanhActivation, tensor.SigmoidActivation} {
		l := Must(NewLinear[float64](5, 3, tensor.Stream(1)))
		l.Act = act
		checkGradients(t, l, randomInput(2, 2, 3, 5), true)
	}
	l := Must(NewLinear[float64](4, 6, tensor.Stream(1)))
	l.Bias = nil
	require.Len(t, l.Params(), 1)
	checkGradients(t, l, randomInput(2, 7, 4), true)
}

func TestGradientsOfActivations(t *testing.T) {
	for _, l := range []Layer[float64]{NewReLU[float64](), NewTanh[float64](), NewSigmoid[float64](), NewGELU[float64](), NewSiLU[float64]()} {
		checkGradients(t, l, randomInput(3, 4, 9), true)
	}
}

func TestGradientsOfChains(t *testing.T) {
	rng := tensor.Stream(4)
	body := NewResidual[float64](Must(NewLinear[float64](6, 8, rng)), NewTanh[float64](), Must(NewLinear[float64](8, 6, rng)))
	s := NewSequential[float64](NewFlatten[float64](), body, Must(NewLinear[float64](6, 2, rng)))
	var names []string
	for _, p := range s.Params() {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"1.0.weight", "1.0.bias", "1.2.weight", "1.2.bias", "2.weight", "2.bias"}, names)
	checkGradients(t, s, randomInput(5, 4, 2, 3), true)
}

func TestGradientsOfLosses(t *testing.T) {
	z := randomInput(6, 3, 4)
	targets, weights := make([]float64, 12), make([]float64, 12)
	uniform(tensor.Stream(7), weights, 1)
	for i := range targets {
		targets[i] = math.Abs(weights[11-i])
	}
	var bce BCEWithLogits[float64]
	_, grad, err := bce.Eval(z, targets, weights)
	require.NoError(t, err)
	require.Equal(t, z.Shape, grad.Shape)
	got := append([]float64(nil), grad.Data...)
	golden.Close(t, "bce", got, differences(z.Data, func() float64 { l, _, _ := bce.Eval(z, targets, weights); return l }), 1e-6, 1e-8)

	var mse MSE[float64]
	_, grad, err = mse.Eval(z, targets)
	require.NoError(t, err)
	got = append([]float64(nil), grad.Data...)
	golden.Close(t, "mse", got, differences(z.Data, func() float64 { l, _, _ := mse.Eval(z, targets); return l }), 1e-6, 1e-8)
}
