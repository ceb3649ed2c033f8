package nn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

// The references were computed by torch in float64. The tolerances are those of the reference set: values and, in
// float32, gradients of convolutions, attention and norms.
func closeTo[T tensor.Float](t *testing.T, name string, got []T, want golden.Tensor, gradient bool) {
	t.Helper()
	rtol, atol := 1e-10, 1e-12
	if _, single := any(T(0)).(float32); single {
		rtol, atol = 2e-5, 2e-5
		if gradient {
			rtol, atol = 1e-4, 1e-4
		}
	}
	golden.Close(t, name, got, want.Data, rtol, atol)
}

func dense[T tensor.Float](g golden.Tensor) tensor.Dense[T] {
	d := tensor.NewDense[T](g.Shape...)
	set(d.Data, g)
	return d
}

func set[T tensor.Float](dst []T, g golden.Tensor) {
	for i := range dst {
		dst[i] = T(g.Data[i])
	}
}

type lossCase struct {
	Op        string
	Smoothing float64 `json:"label_smoothing"`
	X, Z, Y   golden.Tensor
	W, DY, DX golden.Tensor
	DZ        golden.Tensor
	Loss      float64
}

func TestGoldenLossesAndActivations(t *testing.T) {
	t.Run("float64", goldenLossesAndActivations[float64])
	t.Run("float32", goldenLossesAndActivations[float32])
}

func goldenLossesAndActivations[T tensor.Float](t *testing.T) {
	var cases []lossCase
	golden.JSON(t, "testdata/loss_activation.json.gz", &cases)
	require.Len(t, cases, 10)
	activations := map[string]*Activation[T]{
		"relu": NewReLU[T](), "tanh": NewTanh[T](), "sigmoid": NewSigmoid[T](), "gelu": NewGELU[T](), "silu": NewSiLU[T](),
	}
	for _, c := range cases {
		switch c.Op {
		case "softmax_cross_entropy_mean":
			labels := make([]int, len(c.Y.Data))
			for i, y := range c.Y.Data {
				labels[i] = int(y)
			}
			loss, grad, err := (&CrossEntropy[T]{Smoothing: c.Smoothing}).Eval(dense[T](c.Z), labels)
			require.NoError(t, err)
			closeTo(t, c.Op, []T{T(loss)}, golden.Tensor{Data: []float64{c.Loss}}, false)
			closeTo(t, c.Op, grad.Data, c.DZ, false)
		case "bce_with_logits_weighted_mean":
			loss, grad, err := new(BCEWithLogits[T]).Eval(dense[T](c.Z), dense[T](c.Y).Data, dense[T](c.W).Data)
			require.NoError(t, err)
			closeTo(t, c.Op, []T{T(loss)}, golden.Tensor{Data: []float64{c.Loss}}, false)
			closeTo(t, c.Op, grad.Data, c.DZ, false)
		default:
			l := activations[c.Op]
			require.NotNil(t, l, c.Op)
			closeTo(t, c.Op, l.Forward(dense[T](c.X), true).Data, c.Y, false)
			closeTo(t, c.Op+" dx", l.Backward(dense[T](c.DY)).Data, c.DX, false)
		}
	}
}

type optimCase struct {
	Optimizer string
	Kwargs    struct {
		LR, Momentum float64
		Nesterov     bool
		WeightDecay  float64 `json:"weight_decay"`
		Betas        []float64
		Eps          float64
	}
	P0            golden.Tensor
	Grads, Params []golden.Tensor
}

func TestGoldenOptimizers(t *testing.T) {
	t.Run("float64", goldenOptimizers[float64])
	t.Run("float32", goldenOptimizers[float32])
}

func goldenOptimizers[T tensor.Float](t *testing.T) {
	var cases []optimCase
	golden.JSON(t, "testdata/optim.json.gz", &cases)
	require.Len(t, cases, 5)
	for _, c := range cases {
		p := newParam[T]("p", len(c.P0.Data))
		set(p.Data, c.P0)
		params := []*tensor.Param[T]{p}
		step := optimizerOf[T](t, c)
		for i, g := range c.Grads {
			set(p.Grad, g)
			require.NoError(t, step(params))
			closeTo(t, c.Optimizer, p.Data, c.Params[i], false)
		}
	}
}

func optimizerOf[T tensor.Float](t *testing.T, c optimCase) func([]*tensor.Param[T]) error {
	k := c.Kwargs
	switch c.Optimizer {
	case "sgd", "sgd_momentum", "sgd_nesterov_wd":
		return (&SGD[T]{LR: k.LR, Momentum: k.Momentum, Nesterov: k.Nesterov, WeightDecay: k.WeightDecay}).Step
	case "adam":
		return NewAdam[T](k.LR).Step
	case "adamw":
		o := NewAdamW[T](k.LR, k.WeightDecay)
		o.Beta1, o.Beta2, o.Eps = k.Betas[0], k.Betas[1], k.Eps
		return o.Step
	}
	require.Fail(t, "unknown optimizer", c.Optimizer)
	return nil
}
