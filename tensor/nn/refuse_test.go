package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// panics returns the error that f panics with.
func panics(t *testing.T, f func()) (err error) {
	t.Helper()
	defer func() {
		t.Helper()
		r := recover()
		require.NotNil(t, r, "no panic")
		err = r.(error)
	}()
	f()
	return nil
}

func TestConstructorsRefuse(t *testing.T) {
	rng := tensor.Stream(1)
	type window = tensor.Window
	linear := func(in, out int) error { _, err := NewLinear[float32](in, out, rng); return err }
	conv := func(w window, out int) error { _, err := NewConv2D[float32](w, out, rng); return err }
	maxPool := func(w window) error { _, err := NewMaxPool2D[float32](w); return err }
	avgPool := func(w window) error { _, err := NewAvgPool2D[float32](w); return err }
	layerNorm := func(n int) error { _, err := NewLayerNorm[float32](n); return err }
	batchNorm := func(n int) error { _, err := NewBatchNorm[float32](n); return err }
	attention := func(dim, heads int) error { _, err := NewMultiHeadAttention[float32](dim, heads, rng); return err }
	embedding := func(count, dim int) error { _, err := NewEmbedding[float32](count, dim, rng); return err }
	dropout := func(p float64) error { _, err := NewDropout[float32](p, 1); return err }
	for _, x := range []struct {
		err  error
		want error
		says []string
	}{
		{linear(0, -2), tensor.ErrRange, []string{"nn: Linear: in is 0, want at least 1", "nn: Linear: out is -2"}},
		{conv(window{KH: 0, KW: 3, C: 1, PadW: -1}, 0), tensor.ErrRange,
			[]string{"nn: Conv2D: ", "KH is 0", "PadW is -1", "nn: Conv2D: out is 0"}},
		{conv(window{KH: 3, KW: 3}, 1), tensor.ErrRange, []string{"C is 0"}},
		{conv(window{KH: 3, KW: 3, C: 4, Groups: 3}, 3), tensor.ErrRange, []string{"4 channels do not divide into 3 groups"}},
		{conv(window{KH: 3, KW: 3, C: 4, Groups: 2}, 3), tensor.ErrRange,
			[]string{"nn: Conv2D: 3 output channels do not divide into 2 groups"}},
		{conv(window{KH: 3, KW: 3, C: 4, StrideH: -1, DilationW: -2}, 3), tensor.ErrRange,
			[]string{"StrideH is -1", "DilationW is -2"}},
		{maxPool(window{KH: 2}), tensor.ErrRange, []string{"nn: MaxPool2D: ", "KW is 0"}},
		{maxPool(window{KH: 2, KW: 2, PadH: -1}), tensor.ErrRange, []string{"PadH is -1"}},
		{avgPool(window{KW: 2, StrideW: -1}), tensor.ErrRange, []string{"nn: AvgPool2D: ", "KH is 0", "StrideW is -1"}},
		{layerNorm(0), tensor.ErrRange, []string{"nn: LayerNorm: features is 0"}},
		{batchNorm(-1), tensor.ErrRange, []string{"nn: BatchNorm: channels is -1"}},
		{attention(0, 0), tensor.ErrRange, []string{"nn: MultiHeadAttention: dim is 0", "heads is 0"}},
		{attention(10, 4), tensor.ErrRange, []string{"nn: MultiHeadAttention: 10 features do not divide into 4 heads"}},
		{embedding(0, -3), tensor.ErrRange, []string{"nn: Embedding: count is 0", "dim is -3"}},
		{dropout(1), tensor.ErrRange, []string{"nn: Dropout: P is 1"}},
		{dropout(-0.1), tensor.ErrRange, []string{"nn: Dropout: P is -0.1"}},
		{dropout(math.NaN()), tensor.ErrNotFinite, []string{"nn: Dropout: P is NaN"}},
	} {
		require.ErrorIs(t, x.err, x.want)
		for _, s := range x.says {
			require.ErrorContains(t, x.err, s)
		}
	}
	err := panics(t, func() { Must(NewLinear[float32](0, 1, rng)) })
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestForwardRefuses(t *testing.T) {
	rng := tensor.Stream(1)
	zeros := tensor.NewDense[float64]
	lying := tensor.Dense[float64]{Shape: []int{1, 4, 4, 2}, Data: make([]float64, 31)}
	conv := Must(NewConv2D[float64](tensor.Window{KH: 3, KW: 5, C: 2, PadH: 1}, 3, rng))
	maxPool, avgPool := Must(NewMaxPool2D[float64](tensor.Window{KH: 3, KW: 2})),
		Must(NewAvgPool2D[float64](tensor.Window{KH: 2, KW: 2}))
	mean, padded := NewGlobalAvgPool[float64](), NewGlobalAvgPool[float64]()
	padded.Lengths = []int{1, 0}
	batch := Must(NewBatchNorm[float64](3))
	attention := Must(NewMultiHeadAttention[float64](4, 2, rng))
	masked := Must(NewMultiHeadAttention[float64](4, 2, rng))
	masked.Lengths = []int{3, 6}
	dropout := Must(NewDropout[float64](0.5, 1))
	dropout.P = 1.5
	for i, x := range []struct {
		layer Layer[float64]
		x     tensor.Dense[float64]
		want  error
		says  string
	}{
		{Must(NewLinear[float64](3, 2, rng)), zeros(2, 4), tensor.ErrShape,
			"nn: Linear: input has shape [2 4], want [..., 3]"},
		{Must(NewLinear[float64](3, 2, rng)), tensor.Dense[float64]{}, tensor.ErrShape, "nn: Linear: input has shape []"},
		{conv, zeros(1, 4, 5, 3), tensor.ErrShape, "nn: Conv2D: input has shape [1 4 5 3], want [N, H, W, 2]"},
		{conv, zeros(4, 5, 2), tensor.ErrShape, "nn: Conv2D: input has shape [4 5 2]"},
		{conv, zeros(1, 4, 4, 2), tensor.ErrRange, "nn: Conv2D: input has shape [1 4 4 2]: tensor: Window: 5 columns of " +
			"window over 4 padded columns"},
		{avgPool, lying, tensor.ErrShape, "nn: AvgPool2D: x has 31 elements, want 32"},
		{maxPool, zeros(1, 2, 4, 2), tensor.ErrRange, "nn: MaxPool2D: input has shape [1 2 4 2]: tensor: Window: 3 rows " +
			"of window over 2 padded rows"},
		{maxPool, zeros(6, 6), tensor.ErrShape, "nn: MaxPool2D: input has shape [6 6]"},
		{maxPool, zeros(1, 6, 6, 0), tensor.ErrRange, "C is 0"},
		{mean, zeros(4), tensor.ErrShape, "nn: GlobalAvgPool: input has shape [4]"},
		{mean, zeros(2, 0, 3), tensor.ErrShape, "nn: GlobalAvgPool: input has shape [2 0 3]"},
		{padded, zeros(2, 4, 3), tensor.ErrRange, "nn: GlobalAvgPool: Lengths[1] is 0, want 1 to 4"},
		{padded, zeros(3, 4, 3), tensor.ErrShape, "nn: GlobalAvgPool: 2 Lengths for 3 samples"},
		{Must(NewLayerNorm[float64](5)), zeros(2, 3), tensor.ErrShape, "nn: LayerNorm: input has shape [2 3], want [..., 5]"},
		{batch, zeros(2, 4), tensor.ErrShape, "nn: BatchNorm: input has shape [2 4], want [..., 3]"},
		{batch, zeros(1, 3), tensor.ErrShape, "nn: BatchNorm: input has shape [1 3], want more than one value per channel"},
		{attention, zeros(2, 4), tensor.ErrShape, "nn: MultiHeadAttention: input has shape [2 4], want [N, T, 4]"},
		{attention, zeros(2, 3, 5), tensor.ErrShape, "nn: MultiHeadAttention: input has shape [2 3 5]"},
		{masked, zeros(2, 5, 4), tensor.ErrRange, "nn: MultiHeadAttention: Lengths[1] is 6, want 1 to 5"},
		{masked, zeros(3, 6, 4), tensor.ErrShape, "nn: MultiHeadAttention: 2 Lengths for 3 samples"},
		{dropout, zeros(2), tensor.ErrRange, "nn: Dropout: P is 1.5"},
		{NewResidual[float64](Must(NewLinear[float64](3, 2, rng))), zeros(2, 3), tensor.ErrShape,
			"nn: Residual: f(x) has 4 elements, want 6"},
		{NewReLU[float64](), lying, tensor.ErrShape, "nn: Activation: x has 31 elements, want 32"},
	} {
		before := state(x.layer)
		err := panics(t, func() { x.layer.Forward(x.x, true) })
		require.ErrorIs(t, err, x.want, "case %d", i)
		require.ErrorContains(t, err, x.says)
		_, err = TryForward(x.layer, x.x, true)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		require.Equal(t, before, state(x.layer), "modified by a refused call")
	}
}

// state is everything that a layer learns or counts.
func state(l Layer[float64]) string {
	s := ""
	for _, p := range l.Params() {
		s += fmt.Sprint(p.Data, p.Grad)
	}
	switch l := l.(type) {
	case *BatchNorm[float64]:
		s += fmt.Sprint(l.Mean, l.Var)
	case *Dropout[float64]:
		s += fmt.Sprint(l.Step)
	}
	return s
}

func TestBackwardRefuses(t *testing.T) {
	rng := tensor.Stream(1)
	for _, x := range []struct {
		layer Layer[float64]
		in    []int
	}{
		{Must(NewLinear[float64](4, 2, rng)), []int{3, 4}},
		{Must(NewConv2D[float64](tensor.Window{KH: 1, KW: 1, C: 4}, 2, rng)), []int{1, 2, 2, 4}},
		{Must(NewMaxPool2D[float64](tensor.Window{KH: 2, KW: 2})), []int{1, 2, 2, 4}},
		{Must(NewAvgPool2D[float64](tensor.Window{KH: 2, KW: 2})), []int{1, 2, 2, 4}},
		{NewGlobalAvgPool[float64](), []int{2, 3, 4}},
		{Must(NewLayerNorm[float64](4)), []int{3, 4}},
		{Must(NewBatchNorm[float64](4)), []int{3, 4}},
		{Must(NewMultiHeadAttention[float64](4, 2, rng)), []int{2, 3, 4}},
		{Must(NewDropout[float64](0.5, 1)), []int{3, 4}},
		{NewGELU[float64](), []int{3, 4}},
	} {
		wrong := tensor.NewDense[float64](7)
		err := panics(t, func() { x.layer.Backward(wrong) })
		require.ErrorContains(t, err, "dy has 7 elements, want 0", "before the first Forward")
		y := x.layer.Forward(randomInput(2, x.in...), true)
		before := state(x.layer)
		err = panics(t, func() { x.layer.Backward(wrong) })
		require.ErrorIs(t, err, tensor.ErrShape)
		require.ErrorContains(t, err, fmt.Sprintf("dy has 7 elements, want %d", len(y.Data)))
		require.Equal(t, before, state(x.layer), "modified by a refused call")
	}
}

func TestEmbeddingRefuses(t *testing.T) {
	e := Must(NewEmbedding[float64](5, 2, tensor.Stream(1)))
	last, err := e.Forward([]int{1, 2})
	require.NoError(t, err)
	kept := append([]float64(nil), last.Data...)
	for _, x := range []struct {
		ids   []int
		shape []int
		want  error
		says  string
	}{
		{[]int{0, 5}, nil, tensor.ErrRange, "nn: Embedding: ids[1] is 5 of 5"},
		{[]int{-1, 5}, nil, tensor.ErrRange, "nn: Embedding: ids[0] is -1 of 5"},
		{[]int{0, 1, 2}, []int{2, 2}, tensor.ErrShape, "nn: Embedding: 3 ids cannot be viewed as [2 2]"},
		{[]int{0, 1}, []int{-1, -2}, tensor.ErrShape, "nn: Embedding: 2 ids cannot be viewed as [-1 -2]"},
	} {
		_, err := e.Forward(x.ids, x.shape...)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		require.Equal(t, kept, last.Data)
	}
	err = panics(t, func() { e.Backward(tensor.NewDense[float64](3)) })
	require.ErrorContains(t, err, "nn: Embedding: dy has 3 elements, want 4")
}

func TestLossesRefuse(t *testing.T) {
	nan := math.NaN()
	z := func(v ...float64) tensor.Dense[float64] { return tensor.DenseOf(v, len(v)/2, 2) }
	var cross CrossEntropy[float64]
	var binary BCEWithLogits[float64]
	var square MSE[float64]
	eval := func(smoothing float64, logits tensor.Dense[float64], labels ...int) error {
		_, _, err := (&CrossEntropy[float64]{Smoothing: smoothing}).Eval(logits, labels)
		return err
	}
	_, _, noShape := cross.Eval(tensor.Dense[float64]{Data: []float64{1}}, nil)
	_, _, mismatch := binary.Eval(z(1, 2), []float64{1}, nil)
	_, _, weights := binary.Eval(z(1, 2), []float64{1, 0}, []float64{1})
	_, _, target := binary.Eval(z(1, 2), []float64{1, 1.5}, nil)
	_, _, nanTarget := binary.Eval(z(1, 2), []float64{nan, 0}, nil)
	_, _, nanLogit := binary.Eval(z(1, nan), []float64{1, 0}, nil)
	_, _, nanWeight := binary.Eval(z(1, 2), []float64{1, 0}, []float64{nan, 1})
	_, _, short := square.Eval(z(1, 2), []float64{1})
	_, _, nothing := square.Eval(tensor.NewDense[float64](0), nil)
	_, _, infinite := square.Eval(z(1, 2), []float64{1, math.Inf(1)})
	_, _, overflow := square.Eval(z(1, 1e200), []float64{1, 0})
	for i, x := range []struct {
		err  error
		want error
		says string
	}{
		{eval(0, z(1, 2), 2), tensor.ErrRange, "labels[0] is 2 of 2 classes"},
		{eval(0, z(1, 2), 1, 1), tensor.ErrShape, "2 labels for 1 rows"},
		{eval(1, z(1, 2), 1), tensor.ErrRange, "smoothing is 1"},
		{eval(nan, z(1, 2), 1), tensor.ErrRange, "smoothing is NaN"},
		{eval(0, z(1, nan), 1), tensor.ErrNotFinite, "row 0 of logits"},
		{eval(0, z(1, 2), -1), tensor.ErrEmpty, "no row with a label"},
		{eval(0, tensor.NewDense[float64](0, 2)), tensor.ErrEmpty, "nn: CrossEntropy"},
		{noShape, tensor.ErrEmpty, "nn: CrossEntropy"},
		{mismatch, tensor.ErrShape, "nn: BCEWithLogits: 1 targets for an input of shape [1 2]"},
		{weights, tensor.ErrShape, "nn: BCEWithLogits: 1 weights for 2 logits"},
		{target, tensor.ErrRange, "nn: BCEWithLogits: targets[1] = 1.5 is not in [0, 1]"},
		{nanTarget, tensor.ErrRange, "targets[0] = NaN"},
		{nanLogit, tensor.ErrNotFinite, "nn: BCEWithLogits: the loss is NaN: tensor: logits[1] = NaN"},
		{nanWeight, tensor.ErrNotFinite, "weights[0] = NaN"},
		{short, tensor.ErrShape, "nn: MSE: 1 targets for an input of shape [1 2]"},
		{nothing, tensor.ErrEmpty, "nn: MSE"},
		{infinite, tensor.ErrNotFinite, "nn: MSE: the loss is +Inf: tensor: target[1] = +Inf"},
		{overflow, tensor.ErrNotFinite, "nn: MSE: the loss is +Inf"},
	} {
		require.ErrorIs(t, x.err, x.want, "case %d", i)
		require.ErrorContains(t, x.err, x.says)
	}
}

func TestOptimizersRefuse(t *testing.T) {
	good := func() []*tensor.Param[float64] {
		p := newParam[float64]("w", 2)
		fill(p.Data, 1)
		fill(p.Grad, 1)
		return []*tensor.Param[float64]{p}
	}
	spoiled := good()
	spoiled[0].Grad[1] = math.NaN()
	malformed := append(good(), &tensor.Param[float64]{Name: "v", Shape: []int{3}, Data: []float64{1}})
	adam := func(set func(*Adam[float64])) func([]*tensor.Param[float64]) error {
		o := NewAdam[float64](0.1)
		set(o)
		return o.Step
	}
	for _, x := range []struct {
		step   func([]*tensor.Param[float64]) error
		params []*tensor.Param[float64]
		want   error
		says   string
	}{
		{(&SGD[float64]{LR: -1}).Step, good(), tensor.ErrRange, "nn: SGD: LR is -1"},
		{(&SGD[float64]{LR: math.NaN()}).Step, good(), tensor.ErrNotFinite, "nn: SGD: LR is NaN"},
		{(&SGD[float64]{Momentum: 1}).Step, good(), tensor.ErrRange, "nn: SGD: Momentum is 1"},
		{(&SGD[float64]{WeightDecay: -2}).Step, good(), tensor.ErrRange, "nn: SGD: WeightDecay is -2"},
		{(&SGD[float64]{LR: 1, Nesterov: true}).Step, good(), tensor.ErrRange, "Nesterov needs Momentum > 0"},
		{(&SGD[float64]{LR: 1}).Step, spoiled, tensor.ErrNotFinite, `nn: params[0] "w": tensor: Grad[1] = NaN`},
		{(&SGD[float64]{LR: 1}).Step, malformed, tensor.ErrShape, `nn: params[1]: tensor: param "v"`},
		{(&SGD[float64]{LR: 1}).Step, append(good(), nil), tensor.ErrEmpty, "params[1] is nil"},
		{NewAdam[float64](math.Inf(1)).Step, good(), tensor.ErrNotFinite, "nn: Adam: LR is +Inf"},
		{adam(func(o *Adam[float64]) { o.Beta1 = 1 }), good(), tensor.ErrRange, "nn: Adam: Beta1 is 1"},
		{adam(func(o *Adam[float64]) { o.Beta2 = -0.5 }), good(), tensor.ErrRange, "nn: Adam: Beta2 is -0.5"},
		{adam(func(o *Adam[float64]) { o.Eps = 0 }), good(), tensor.ErrRange, "nn: Adam: Eps is 0"},
		{NewAdamW[float64](1, -1).Step, good(), tensor.ErrRange, "nn: Adam: WeightDecay is -1"},
		{NewAdam[float64](1).Step, spoiled, tensor.ErrNotFinite, "Grad[1] = NaN"},
	} {
		err := x.step(x.params)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		require.Equal(t, []float64{1, 1}, x.params[0].Data, "modified by a refused step")
	}
}

func TestNothingAndNaN(t *testing.T) {
	for name, tr := range trainers[float64]() {
		before := append([]float64(nil), tr.model.Params()[0].Data...)
		tr.x.Data[len(tr.x.Data)/2] = math.NaN()
		_, err := tr.step()
		require.ErrorIs(t, err, tensor.ErrNotFinite, name)
		require.Equal(t, before, tr.model.Params()[0].Data, name)

		// A batch without samples passes through the layers; the loss refuses it.
		y := tr.model.Forward(tensor.NewDense[float64](append([]int{0}, tr.x.Shape[1:]...)...), false)
		require.Equal(t, []int{0, 10}, y.Shape, name)
		_, _, err = tr.loss.Eval(y, nil)
		require.ErrorIs(t, err, tensor.ErrEmpty, name)
		ZeroGrad(tr.model.Params())
		tr.model.Backward(y)
		for _, p := range tr.model.Params() {
			require.Equal(t, make([]float64, len(p.Data)), p.Grad, "%s: %s", name, p.Name)
		}
	}
}

// Weights have to be drawn from something.
func TestConstructorsRefuseNil(t *testing.T) {
	_, linear := NewLinear[float32](2, 3, nil)
	_, conv := NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 2}, 4, nil)
	_, embedding := NewEmbedding[float32](2, 3, nil)
	_, attention := NewMultiHeadAttention[float32](4, 2, nil)
	for layer, err := range map[string]error{"Linear": linear, "Conv2D": conv, "Embedding": embedding,
		"MultiHeadAttention": attention} {
		require.ErrorIs(t, err, tensor.ErrEmpty, layer)
		require.EqualError(t, err, "nn: "+layer+": rng is nil: empty input")
	}
}

// Names are those of the chain: layers keep their own, whoever chains them, and memory is shared.
func TestSequentialLeavesNames(t *testing.T) {
	l, err := NewLinear[float32](2, 3, tensor.Stream(1))
	require.NoError(t, err)
	inner := NewSequential[float32](l)
	outer := NewSequential[float32](NewFlatten[float32](), inner)
	require.Equal(t, "weight", l.Params()[0].Name)
	require.Equal(t, "0.weight", inner.Params()[0].Name)
	require.Equal(t, "1.0.weight", outer.Params()[0].Name)
	outer.Params()[0].Data[4], outer.Params()[0].Grad[2] = 7, 5
	require.Equal(t, float32(7), l.Weight.Data[4])
	require.Equal(t, float32(5), l.Weight.Grad[2])
}
