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
	for _, act := range []tensor.Activation{tensor.Identity, tensor.ReLUActivation, tensor.TanhActivation,
		tensor.SigmoidActivation} {
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
	for _, l := range []Layer[float64]{NewReLU[float64](), NewTanh[float64](), NewSigmoid[float64](), NewGELU[float64](),
		NewSiLU[float64]()} {
		checkGradients(t, l, randomInput(3, 4, 9), true)
	}
}

func TestGradientsOfConv2D(t *testing.T) {
	for i, c := range []struct {
		w       tensor.Window
		n, h, x int // images of h by x pixels
		out     int
	}{
		{tensor.Window{KH: 3, KW: 3, C: 2, PadH: 1, PadW: 1}, 3, 5, 4, 3},
		{tensor.Window{KH: 3, KW: 2, C: 1, StrideH: 2, StrideW: 3, PadH: 2, PadW: 0}, 2, 6, 7, 2},
		{tensor.Window{KH: 2, KW: 3, C: 2, DilationH: 2, DilationW: 2, PadH: 1, PadW: 2}, 2, 5, 6, 2},
		{tensor.Window{KH: 3, KW: 3, C: 4, Groups: 2, PadH: 1, PadW: 1}, 2, 4, 4, 6},
		{tensor.Window{KH: 3, KW: 1, C: 3, Groups: 3, StrideH: 2}, 2, 5, 3, 3},
		{tensor.Window{KH: 1, KW: 1, C: 3}, 2, 4, 3, 5},
		{tensor.Window{KH: 1, KW: 1, C: 4, Groups: 2}, 2, 3, 3, 2},
		{tensor.Window{KH: 1, KW: 1, C: 2, StrideH: 2, StrideW: 2}, 2, 5, 5, 2},
		{tensor.Window{KH: 1, KW: 5, C: 2, PadW: 2}, 20, 1, 9, 2},
	} {
		l := Must(NewConv2D[float64](c.w, c.out, tensor.Stream(1)))
		l.Act = tensor.Activation(i % 4)
		if i%3 == 2 {
			l.Bias = nil
			require.Len(t, l.Params(), 1)
		}
		checkGradients(t, l, randomInput(uint64(i), c.n, c.h, c.x, c.w.C), true)
	}
}

func TestSkipInputGrad(t *testing.T) {
	rng := tensor.Stream(1)
	conv := Must(NewConv2D[float64](tensor.Window{KH: 3, KW: 3, C: 2}, 3, rng))
	linear := Must(NewLinear[float64](4, 3, rng))
	for _, c := range []struct {
		layer Layer[float64]
		skip  *bool
		x     tensor.Dense[float64]
	}{
		{conv, &conv.SkipInputGrad, randomInput(1, 3, 5, 5, 2)},
		{linear, &linear.SkipInputGrad, randomInput(2, 3, 4)},
	} {
		grads := func() (g [][]float64) {
			ZeroGrad(c.layer.Params())
			y := c.layer.Forward(c.x, true)
			dx := c.layer.Backward(tensor.DenseOf(append([]float64(nil), y.Data...), y.Shape...))
			require.Equal(t, *c.skip, dx.Data == nil)
			for _, p := range c.layer.Params() {
				g = append(g, append([]float64(nil), p.Grad...))
			}
			return g
		}
		want := grads()
		*c.skip = true
		require.Equal(t, want, grads(), "the gradients of the parameters stay")
	}
}

func TestGradientsOfPooling(t *testing.T) {
	for _, w := range []tensor.Window{
		{KH: 2, KW: 2}, {KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 1},
		{KH: 2, KW: 2, DilationH: 2, DilationW: 3, PadW: 1, StrideH: 1, StrideW: 1},
	} {
		checkGradients(t, Must(NewMaxPool2D[float64](w)), randomInput(2, 2, 5, 7, 3), true)
		avg := Must(NewAvgPool2D[float64](w))
		checkGradients(t, avg, randomInput(3, 2, 5, 7, 3), true)
		avg.ExcludePad = true
		checkGradients(t, avg, randomInput(4, 2, 5, 7, 3), true)
	}
	mean := NewGlobalAvgPool[float64]()
	checkGradients(t, mean, randomInput(5, 2, 3, 4, 3), true)
	mean.Lengths = []int{1, 4, 5}
	checkGradients(t, mean, randomInput(6, 3, 5, 2), true)
}

func TestGradientsOfNorms(t *testing.T) {
	layer, batch := Must(NewLayerNorm[float64](6)), Must(NewBatchNorm[float64](5))
	for _, p := range append(layer.Params(), batch.Params()...) {
		normal(tensor.Stream(8), p.Data, 1)
	}
	checkGradients(t, layer, randomInput(9, 3, 2, 6), true)
	batch.Momentum = 0
	checkGradients(t, batch, randomInput(10, 2, 2, 3, 5), true)
	uniform(tensor.Stream(11), batch.Mean, 1)
	fill(batch.Var, 2)
	checkGradients(t, batch, randomInput(12, 7, 5), false)
}

func TestGradientsOfAttention(t *testing.T) {
	for _, lengths := range [][]int{nil, {1, 5, 3}} {
		for _, causal := range []bool{false, true} {
			a := Must(NewMultiHeadAttention[float64](6, 3, tensor.Stream(1)))
			normal(tensor.Stream(2), a.InBias.Data, 0.5)
			a.Lengths, a.Causal = lengths, causal
			checkGradients(t, a, randomInput(13, 3, 5, 6), true)
		}
	}
	a := Must(NewMultiHeadAttention[float64](4, 1, tensor.Stream(1)))
	a.InBias, a.OutBias = nil, nil
	require.Len(t, a.Params(), 2)
	checkGradients(t, a, randomInput(14, 2, 3, 4), true)
}

func TestGradientsOfDropout(t *testing.T) {
	d := Must(NewDropout[float64](0.4, 1))
	checkGradients(t, fixedMask{d}, randomInput(15, 5, 9), true)
	checkGradients(t, d, randomInput(16, 5, 9), false)
}

// fixedMask draws the same mask at every Forward.
type fixedMask struct{ *Dropout[float64] }

func (f fixedMask) Forward(x tensor.Dense[float64], train bool) tensor.Dense[float64] {
	f.Step = 0
	return f.Dropout.Forward(x, train)
}

func TestGradientsOfEmbedding(t *testing.T) {
	e := Must(NewEmbedding[float64](5, 3, tensor.Stream(1)))
	ids := []int{4, 0, 4, 2, 1, 4}
	r := randomInput(17, 2, 3, 3)
	value := func() float64 {
		y, err := e.Forward(ids, 2, 3)
		require.NoError(t, err)
		require.Equal(t, []int{2, 3, 3}, y.Shape)
		return tensor.Dot(r.Data, y.Data)
	}
	value()
	e.Backward(r)
	golden.Close(t, "table", e.Weight.Grad, differences(e.Weight.Data, value), 1e-6, 1e-7)
	y, err := e.Forward(ids)
	require.NoError(t, err)
	require.Equal(t, []int{6, 3}, y.Shape)
}

func TestGradientsOfChains(t *testing.T) {
	rng := tensor.Stream(4)
	body := NewResidual[float64](Must(NewLinear[float64](6, 8, rng)), NewTanh[float64](),
		Must(NewLinear[float64](8, 6, rng)))
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
	golden.Close(t, "bce", got, differences(z.Data, func() float64 { l, _, _ := bce.Eval(z, targets, weights); return l }),
		1e-6, 1e-8)

	var mse MSE[float64]
	_, grad, err = mse.Eval(z, targets)
	require.NoError(t, err)
	got = append([]float64(nil), grad.Data...)
	golden.Close(t, "mse", got, differences(z.Data, func() float64 { l, _, _ := mse.Eval(z, targets); return l }), 1e-6,
		1e-8)
}
