package nn

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// everyLayer is a chain over images [N, 12, 10, 3] in which each layer occurs, attention as over the rows of a map.
func everyLayer[T tensor.Float]() *Sequential[T] {
	rng := tensor.Stream(1)
	conv := Must(NewConv2D[T](tensor.Window{KH: 3, KW: 3, C: 3, PadH: 1, PadW: 1}, 8, rng))
	conv.Act = tensor.TanhActivation
	return NewSequential[T](
		conv,
		Must(NewMaxPool2D[T](tensor.Window{KH: 2, KW: 2})),
		Must(NewBatchNorm[T](8)),
		NewReLU[T](),
		Must(NewConv2D[T](tensor.Window{KH: 3, KW: 3, C: 8, Groups: 2, DilationH: 2, PadH: 2, PadW: 1}, 8, rng)),
		NewSiLU[T](),
		Must(NewAvgPool2D[T](tensor.Window{KH: 1, KW: 5})),
		&merge[T]{},
		Must(NewLayerNorm[T](8)),
		NewResidual[T](Must(NewMultiHeadAttention[T](8, 2, rng)), Must(NewDropout[T](0.2, 1))),
		NewResidual[T](Must(NewLinear[T](8, 16, rng)), NewGELU[T](), Must(NewLinear[T](16, 8, rng)), NewTanh[T](),
			NewSigmoid[T]()),
		NewGlobalAvgPool[T](),
		NewFlatten[T](),
		Must(NewLinear[T](8, 10, rng)),
	)
}

// merge turns images into sequences of their pixels.
type merge[T tensor.Float] struct{ in, out []int }

func (m *merge[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	m.in, m.out = append(m.in[:0], x.Shape...), append(m.out[:0], x.Shape[0], x.Shape[1]*x.Shape[2], x.Shape[3])
	return tensor.Dense[T]{Shape: m.out, Data: x.Data}
}

func (m *merge[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	return tensor.Dense[T]{Shape: m.in, Data: dy.Data}
}

func (m *merge[T]) Params() []*tensor.Param[T] { return nil }

func trainers[T tensor.Float]() map[string]*trainer[T] {
	return map[string]*trainer[T]{
		"mlp":         newTrainer(mlpModel[T](), 64, 28, 28, 1),
		"cnn":         newTrainer(cnnModel[T](), 20, 28, 28, 1),
		"transformer": newTrainer(transformerModel[T](24, 3, 50), 9, 30, 24),
		"every layer": newTrainer(everyLayer[T](), 70, 12, 10, 3),
	}
}

func TestSameBitsForAnyNumberOfProcessors(t *testing.T) {
	t.Run("float32", sameBits[float32])
	t.Run("float64", sameBits[float64])
}

func sameBits[T tensor.Float](t *testing.T) {
	defer sharing.Everything()()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	first := map[string][]T{}
	for _, procs := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(procs)
		for name, tr := range trainers[T]() {
			tr.opt.Momentum, tr.opt.Nesterov, tr.opt.WeightDecay = 0.9, true, 1e-3
			var bits []T
			for range 2 {
				loss, err := tr.step()
				require.NoError(t, err)
				bits = append(bits, T(loss))
			}
			for _, p := range tr.model.Params() {
				bits = append(append(bits, p.Data...), p.Grad...)
			}
			if first[name] == nil {
				first[name] = bits
			}
			require.Equal(t, first[name], bits, "%s with %d processors", name, procs)
		}
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop objects under the race detector")
	}
	for name, tr := range trainers[float32]() {
		step := func() {
			if _, err := tr.step(); err != nil {
				t.Error(err)
			}
		}
		step()
		require.Zero(t, testing.AllocsPerRun(3, step), name)
		adam := NewAdamW[float32](1e-3, 0.1)
		update := func() { _ = adam.Step(tr.model.Params()) }
		update()
		require.Zero(t, testing.AllocsPerRun(3, update), name)
	}
	e, ids := Must(NewEmbedding[float32](10, 4, tensor.Stream(1))), []int{1, 2, 3, 9}
	lookUp := func() {
		y, _ := e.Forward(ids, 2, 2)
		e.Backward(y)
	}
	lookUp()
	require.Zero(t, testing.AllocsPerRun(3, lookUp))
}

func TestModelsLearn(t *testing.T) {
	for name, tr := range trainers[float32]() {
		tr.opt.LR, tr.opt.Momentum = 0.05, 0.9
		first, err := tr.step()
		require.NoError(t, err)
		last := first
		for range 10 {
			last, err = tr.step()
			require.NoError(t, err)
		}
		require.Less(t, last, 0.99*first, "%s does not fit one batch", name)
	}
}

// correlate is a convolution by its definition.
func correlate(l *Conv2D[float64], x tensor.Dense[float64]) []float64 {
	w := l.Window
	rows, cols := w.Out()
	at := func(v int) int { return max(v, 1) }
	out := l.Weight.Shape[3]
	depth, width := w.C/w.Groups, out/w.Groups
	var y []float64
	for n := range w.N {
		for i := range rows {
			for j := range cols {
				for o := range out {
					s := l.Bias.Data[o]
					for kh := range w.KH {
						for kw := range w.KW {
							h, v := i*at(w.StrideH)-w.PadH+kh*at(w.DilationH), j*at(w.StrideW)-w.PadW+kw*at(w.DilationW)
							for c := 0; c < depth && h >= 0 && h < w.H && v >= 0 && v < w.W; c++ {
								s += x.Data[((n*w.H+h)*w.W+v)*w.C+o/width*depth+c] * l.Weight.Data[((kh*w.KW+kw)*depth+c)*out+o]
							}
						}
					}
					y = append(y, s)
				}
			}
		}
	}
	return y
}

func TestConv2DIsCrossCorrelation(t *testing.T) {
	rng := tensor.Stream(21)
	for range 150 {
		groups := 1 + rng.IntN(3)
		w := tensor.Window{
			KH: 1 + rng.IntN(3), KW: 1 + rng.IntN(3), C: groups * (1 + rng.IntN(3)), Groups: groups, StrideH: rng.IntN(3),
			StrideW: rng.IntN(3),
			PadH:    rng.IntN(3), PadW: rng.IntN(3), DilationH: rng.IntN(3), DilationW: rng.IntN(3),
		}
		l := Must(NewConv2D[float64](w, groups*(1+rng.IntN(4)), rng))
		x := randomInput(rng.Uint64(), 1+rng.IntN(20), 5+rng.IntN(4), 5+rng.IntN(4), w.C)
		golden.Close(t, "y", l.Forward(x, false).Data, correlate(l, x), 1e-12, 1e-12)
	}
}

// A batch is the sum of its samples, however it is cut into blocks.
func TestBatchIsItsSamples(t *testing.T) {
	rng := tensor.Stream(22)
	for _, c := range []struct {
		layer Layer[float64]
		shape []int
	}{
		{Must(NewConv2D[float64](tensor.Window{KH: 3, KW: 3, C: 16, PadH: 1, PadW: 1}, 8, rng)), []int{35, 20, 20, 16}},
		// one block: many weights
		{Must(NewConv2D[float64](tensor.Window{KH: 3, KW: 3, C: 480}, 500, rng)), []int{2, 4, 3, 480}},
		{Must(NewMaxPool2D[float64](tensor.Window{KH: 2, KW: 2})), []int{70, 18, 18, 4}},
		{Must(NewAvgPool2D[float64](tensor.Window{KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 2})), []int{70, 18, 18, 4}},
		{NewGlobalAvgPool[float64](), []int{70, 18, 18, 4}},
		{Must(NewLayerNorm[float64](64)), []int{300, 64}},
		{Must(NewMultiHeadAttention[float64](12, 2, rng)), []int{20, 11, 12}},
		{Must(NewLinear[float64](300, 40, rng)), []int{200, 300}},
	} {
		x := randomInput(23, c.shape...)
		y := c.layer.Forward(x, true)
		yShape, whole := append([]int(nil), y.Shape...), append([]float64(nil), y.Data...)
		dy := randomInput(24, yShape...)
		ZeroGrad(c.layer.Params())
		dx := append([]float64(nil), c.layer.Backward(dy).Data...)
		var grads [][]float64
		for _, p := range c.layer.Params() {
			grads = append(grads, append([]float64(nil), p.Grad...))
		}
		ZeroGrad(c.layer.Params())
		n := c.shape[0]
		for i := range n {
			one := func(d tensor.Dense[float64]) tensor.Dense[float64] {
				size := len(d.Data) / n
				return tensor.DenseOf(d.Data[i*size:(i+1)*size], append([]int{1}, d.Shape[1:]...)...)
			}
			golden.Close(t, "y", c.layer.Forward(one(x), true).Data, one(tensor.DenseOf(whole, yShape...)).Data, 1e-11, 1e-11)
			golden.Close(t, "dx", c.layer.Backward(one(dy)).Data, one(tensor.DenseOf(dx, c.shape...)).Data, 1e-11, 1e-11)
		}
		for i, p := range c.layer.Params() {
			golden.Close(t, p.Name, p.Grad, grads[i], 1e-9, 1e-9)
		}
	}
}

func TestBatchNormStatistics(t *testing.T) {
	// Many blocks, and a mean that would cancel in a sum of squares.
	const rows, channels = 30011, 3
	l := Must(NewBatchNorm[float32](channels))
	x := tensor.NewDense[float32](rows, channels)
	normal(tensor.Stream(25), x.Data, 0.5)
	for i := range x.Data {
		x.Data[i] += 1000
	}
	var mean, square [channels]float64
	for i, v := range x.Data {
		mean[i%channels] += float64(v) / rows
	}
	for i, v := range x.Data {
		d := float64(v) - mean[i%channels]
		square[i%channels] += d * d / (rows - 1)
	}
	y := l.Forward(x, true)
	for c := range channels {
		require.InDelta(t, 0.1*mean[c], l.Mean[c], 1e-3)
		require.InDelta(t, 0.9+0.1*square[c], l.Var[c], 1e-4)
	}
	for i := range 20 {
		require.InDelta(t, (float64(x.Data[i])-mean[i%channels])/math.Sqrt(square[i%channels]), y.Data[i], 2e-3)
	}

	// Running statistics reach those of the batch, after which evaluation does what training did.
	m := Must(NewBatchNorm[float64](4))
	in := randomInput(26, 500, 4)
	for range 400 {
		m.Forward(in, true)
	}
	trained := append([]float64(nil), m.Forward(in, true).Data...)
	golden.Close(t, "evaluation", m.Forward(in, false).Data, trained, 2e-3, 2e-3) // n against n-1

	before := append([]float64(nil), m.Mean...)
	in.Data[1] = math.NaN()
	require.True(t, math.IsNaN(m.Forward(in, true).Data[1]), "NaN is passed on")
	require.Equal(t, before[1], m.Mean[1], "and leaves the running statistics alone")
}

func TestAttentionMasks(t *testing.T) {
	a := Must(NewMultiHeadAttention[float64](6, 2, tensor.Stream(27)))
	x := randomInput(28, 2, 7, 6)
	forward := func(x tensor.Dense[float64]) []float64 { return append([]float64(nil), a.Forward(x, true).Data...) }

	// The valid steps of a padded sequence are those of the sequence alone, and the padding gets no gradient.
	a.Lengths = []int{4, 7}
	padded := forward(x)
	r := tensor.NewDense[float64](2, 7, 6)
	normal(tensor.Stream(29), r.Data[:4*6], 1)
	dx := append([]float64(nil), a.Backward(r).Data...)
	require.Equal(t, make([]float64, 3*6), dx[4*6:7*6])
	a.Lengths = nil
	golden.Close(t, "padded", padded[:4*6], forward(tensor.DenseOf(x.Data[:4*6], 1, 4, 6)), 1e-12, 1e-12)

	// What comes later does not matter to a causal layer.
	a.Causal = true
	before := forward(x)
	x.Data[5*6+1] += 3
	after := forward(x)
	require.Equal(t, before[:5*6], after[:5*6])
	require.NotEqual(t, before[5*6:7*6], after[5*6:7*6])
	golden.Close(t, "causal", before[:3*6], forward(tensor.DenseOf(x.Data[:3*6], 1, 3, 6)), 1e-12, 1e-12)
}

func TestGlobalAvgPoolLengths(t *testing.T) {
	p := NewGlobalAvgPool[float64]()
	p.Lengths = []int{2, 3}
	y := p.Forward(tensor.DenseOf([]float64{1, 2, 3, 4, 99, 99, 1, 1, 2, 2, 6, 9}, 2, 3, 2), true)
	require.Equal(t, []float64{2, 3, 3, 4}, y.Data)
	require.Equal(t, []float64{2, 1, 2, 1, 0, 0, 1, 2, 1, 2, 1, 2},
		p.Backward(tensor.DenseOf([]float64{4, 2, 3, 6}, 2, 2)).Data)
}

func TestDropout(t *testing.T) {
	d := Must(NewDropout[float32](0.3, 5))
	x := tensor.NewDense[float32](300, 401)
	fill(x.Data, 1)
	first := append([]float32(nil), d.Forward(x, true).Data...)
	kept := 0
	for _, v := range first {
		if v != 0 {
			require.InDelta(t, 1/0.7, v, 1e-6)
			kept++
		}
	}
	n := float64(len(first))
	require.InDelta(t, 0.7, float64(kept)/n, 5*math.Sqrt(0.21/n), "five standard deviations")
	require.Equal(t, first, d.Backward(x).Data, "the gradient has the same mask")

	second := append([]float32(nil), d.Forward(x, true).Data...)
	both := 0
	for i := range first {
		if first[i] != 0 && second[i] != 0 {
			both++
		}
	}
	require.InDelta(t, 0.49, float64(both)/n, 5*math.Sqrt(0.25/n), "masks of steps are independent")
	require.EqualValues(t, 2, d.Step)

	require.Equal(t, x, d.Forward(x, false), "evaluation is the identity")
	require.Equal(t, x, d.Backward(x))
	require.EqualValues(t, 2, d.Step, "evaluation draws nothing")

	again := Must(NewDropout[float32](0.3, 5))
	again.Step = 1
	require.Equal(t, second, again.Forward(x, true).Data, "a run can be resumed")
	other := Must(NewDropout[float32](0.3, 6))
	require.NotEqual(t, first, other.Forward(x, true).Data)
	other.P = 0
	require.Equal(t, x, other.Forward(x, true))
}

func TestDropoutBlocksDiffer(t *testing.T) {
	d := Must(NewDropout[float64](0.5, 1))
	x := tensor.NewDense[float64](8 * dearGrain)
	fill(x.Data, 1)
	y := d.Forward(x, true).Data
	for i := range 8 {
		for j := range i {
			same := 0
			for k := range dearGrain {
				if y[i*dearGrain+k] == y[j*dearGrain+k] {
					same++
				}
			}
			require.InDelta(t, 0.5, float64(same)/dearGrain, 5*0.5/math.Sqrt(dearGrain), "blocks %d and %d", i, j)
		}
	}
}
