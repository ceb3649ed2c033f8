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

type convCase struct {
	Stride, Padding int
	X, W, B, Y      golden.Tensor
	DY, DX, DW, DB  golden.Tensor
}

func TestGoldenConv2D(t *testing.T) {
	t.Run("float64", goldenConv2D[float64])
	t.Run("float32", goldenConv2D[float32])
}

func goldenConv2D[T tensor.Float](t *testing.T) {
	var cases []convCase
	golden.JSON(t, "testdata/conv2d_nhwc.json.gz", &cases)
	require.Len(t, cases, 4)
	for _, c := range cases {
		s := c.W.Shape
		l := Must(NewConv2D[T](tensor.Window{
			KH: s[0], KW: s[1], C: s[2], StrideH: c.Stride, StrideW: c.Stride, PadH: c.Padding, PadW: c.Padding,
		}, s[3], tensor.Stream(1)))
		require.Equal(t, s, l.Weight.Shape)
		set(l.Weight.Data, c.W)
		set(l.Bias.Data, c.B)
		y := l.Forward(dense[T](c.X), true)
		require.Equal(t, c.Y.Shape, y.Shape)
		closeTo(t, "y", y.Data, c.Y, false)
		dx := l.Backward(dense[T](c.DY))
		require.Equal(t, c.X.Shape, dx.Shape)
		closeTo(t, "dx", dx.Data, c.DX, true)
		closeTo(t, "dw", l.Weight.Grad, c.DW, true)
		closeTo(t, "db", l.Bias.Grad, c.DB, true)
	}
}

type poolCase struct {
	Kind           string
	Kernel, Stride int
	X, Y, DY, DX   golden.Tensor
}

func TestGoldenPooling(t *testing.T) {
	t.Run("float64", goldenPooling[float64])
	t.Run("float32", goldenPooling[float32])
}

func goldenPooling[T tensor.Float](t *testing.T) {
	var cases []poolCase
	golden.JSON(t, "testdata/pool2d_nhwc.json.gz", &cases)
	require.Len(t, cases, 4)
	for _, c := range cases {
		w := tensor.Window{KH: c.Kernel, KW: c.Kernel, StrideH: c.Stride, StrideW: c.Stride}
		var l Layer[T] = Must(NewMaxPool2D[T](w))
		if c.Kind == "avg" {
			l = Must(NewAvgPool2D[T](w))
		}
		y := l.Forward(dense[T](c.X), true)
		require.Equal(t, c.Y.Shape, y.Shape)
		closeTo(t, c.Kind, y.Data, c.Y, false)
		dx := l.Backward(dense[T](c.DY))
		require.Equal(t, c.X.Shape, dx.Shape)
		closeTo(t, c.Kind+" dx", dx.Data, c.DX, false)
	}
}

type normCase struct {
	Op                string
	Eps, Momentum     float64
	X, Gamma, Beta, Y golden.Tensor
	DY, DX            golden.Tensor
	DGamma, DBeta     golden.Tensor
	RunningMean       golden.Tensor `json:"running_mean_after"`
	RunningVar        golden.Tensor `json:"running_var_after"`
}

func TestGoldenNorms(t *testing.T) {
	t.Run("float64", goldenNorms[float64])
	t.Run("float32", goldenNorms[float32])
}

func goldenNorms[T tensor.Float](t *testing.T) {
	var cases []normCase
	golden.JSON(t, "testdata/norm.json.gz", &cases)
	require.Len(t, cases, 4)
	for _, c := range cases {
		var l Layer[T]
		var batch *BatchNorm[T]
		switch c.Op {
		case "layernorm":
			n := Must(NewLayerNorm[T](len(c.Gamma.Data)))
			n.Eps = c.Eps
			l = n
		case "batchnorm_train":
			batch = Must(NewBatchNorm[T](len(c.Gamma.Data)))
			batch.Eps, batch.Momentum = c.Eps, c.Momentum
			l = batch
		}
		require.NotNil(t, l, c.Op)
		weight, bias := l.Params()[0], l.Params()[1]
		set(weight.Data, c.Gamma)
		set(bias.Data, c.Beta)
		closeTo(t, c.Op, l.Forward(dense[T](c.X), true).Data, c.Y, true)
		closeTo(t, c.Op+" dx", l.Backward(dense[T](c.DY)).Data, c.DX, true)
		closeTo(t, c.Op+" dgamma", weight.Grad, c.DGamma, true)
		closeTo(t, c.Op+" dbeta", bias.Grad, c.DBeta, true)
		if batch != nil {
			closeTo(t, "running mean", batch.Mean, c.RunningMean, false)
			closeTo(t, "running variance", batch.Var, c.RunningVar, false)
		}
	}
}

type attentionCase struct {
	Heads      int
	Causal     bool
	InWeight   golden.Tensor `json:"in_proj_weight"`
	InBias     golden.Tensor `json:"in_proj_bias"`
	OutWeight  golden.Tensor `json:"out_weight"`
	OutBias    golden.Tensor `json:"out_bias"`
	X, Y, DY   golden.Tensor
	DX         golden.Tensor
	DInWeight  golden.Tensor `json:"d_in_proj_weight"`
	DInBias    golden.Tensor `json:"d_in_proj_bias"`
	DOutWeight golden.Tensor `json:"d_out_weight"`
	DOutBias   golden.Tensor `json:"d_out_bias"`
}

func TestGoldenAttention(t *testing.T) {
	t.Run("float64", goldenAttention[float64])
	t.Run("float32", goldenAttention[float32])
}

func goldenAttention[T tensor.Float](t *testing.T) {
	var cases []attentionCase
	golden.JSON(t, "testdata/mha.json.gz", &cases)
	require.Len(t, cases, 2)
	for _, c := range cases {
		a := Must(NewMultiHeadAttention[T](c.OutWeight.Shape[0], c.Heads, tensor.Stream(1)))
		a.Causal = c.Causal
		for i, v := range []golden.Tensor{c.InWeight, c.InBias, c.OutWeight, c.OutBias} {
			require.Equal(t, v.Shape, a.Params()[i].Shape)
			set(a.Params()[i].Data, v)
		}
		closeTo(t, "y", a.Forward(dense[T](c.X), true).Data, c.Y, false)
		closeTo(t, "dx", a.Backward(dense[T](c.DY)).Data, c.DX, true)
		for i, v := range []golden.Tensor{c.DInWeight, c.DInBias, c.DOutWeight, c.DOutBias} {
			closeTo(t, a.Params()[i].Name, a.Params()[i].Grad, v, true)
		}
	}
}
