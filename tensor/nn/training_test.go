package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

type stateful interface {
	Step(params []*tensor.Param[float32]) error
	MarshalState(params []*tensor.Param[float32]) []byte
	UnmarshalState(params []*tensor.Param[float32], state []byte) error
}

// A run that is saved and restored ends where one that is not does, to the bit, wherever it is interrupted.
func TestOptimizerState(t *testing.T) {
	makers := map[string]func() stateful{
		"adam":         func() stateful { return NewAdam[float32](.01) },
		"momentum":     func() stateful { return &SGD[float32]{LR: .01, Momentum: .9, Nesterov: true} },
		"plain":        func() stateful { return &SGD[float32]{LR: .01} },
		"adamw, again": func() stateful { return NewAdamW[float32](.01, .1) },
	}
	for name, maker := range makers {
		run := func(interrupt int) []float32 {
			params := []*tensor.Param[float32]{
				{Name: "a", Shape: []int{3}, Data: []float32{1, -2, 3}, Grad: make([]float32, 3)},
				{Name: "fixed", Shape: []int{1}, Data: []float32{4}},
				{Name: "b", Shape: []int{2}, Data: []float32{.5, 7}, Grad: make([]float32, 2)},
			}
			opt := maker()
			for step := range 60 {
				if step == interrupt {
					blob := opt.MarshalState(params)
					opt = maker()
					for _, p := range params { // other memory, as after a restart
						p.Data = append([]float32(nil), p.Data...)
					}
					copied := make([]*tensor.Param[float32], len(params))
					for i, p := range params {
						c := *p
						copied[i] = &c
					}
					params = copied
					require.NoError(t, opt.UnmarshalState(params, blob))
				}
				for _, p := range params {
					for i := range p.Grad {
						p.Grad[i] = p.Data[i] - float32(step%7)
					}
				}
				require.NoError(t, opt.Step(params))
			}
			return append(append([]float32(nil), params[0].Data...), params[2].Data...)
		}
		want := run(-1)
		for _, interrupt := range []int{0, 1, 50, 59} {
			require.Equal(t, want, run(interrupt), "%s at %d", name, interrupt)
		}
	}
}

func TestOptimizerStateRefuses(t *testing.T) {
	params := []*tensor.Param[float32]{{Name: "a", Shape: []int{2}, Data: []float32{1, 2}, Grad: []float32{1, 1}}}
	opt := NewAdam[float32](.1)
	require.NoError(t, opt.Step(params))
	blob := opt.MarshalState(params)
	renamed := []*tensor.Param[float32]{{Name: "b", Shape: []int{2}, Data: []float32{1, 2}}}
	require.ErrorIs(t, opt.UnmarshalState(renamed, blob), tensor.ErrShape)
	require.ErrorIs(t, opt.UnmarshalState(nil, blob), tensor.ErrShape)
	require.ErrorIs(t, (&SGD[float32]{}).UnmarshalState(params, blob), tensor.ErrRange)
	wide := []*tensor.Param[float64]{{Name: "a", Shape: []int{2}, Data: []float64{1, 2}}}
	require.ErrorIs(t, NewAdam[float64](1).UnmarshalState(wide, blob), tensor.ErrShape)
	for i := range blob {
		require.Error(t, opt.UnmarshalState(params, blob[:i]), "%d bytes", i)
	}
}

func FuzzOptimizerState(f *testing.F) {
	params := []*tensor.Param[float32]{{Name: "a", Shape: []int{2}, Data: []float32{1, 2}, Grad: []float32{1, 1}}}
	opt := NewAdam[float32](.1)
	require.NoError(f, opt.Step(params))
	f.Add(opt.MarshalState(params))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := NewAdam[float32](.1)
		if o.UnmarshalState(params, b) == nil {
			require.NoError(t, o.UnmarshalState(params, o.MarshalState(params)))
		}
	})
}

// Values are those of torch 1.13 in float64.
func TestCrossEntropyWeights(t *testing.T) {
	logits := tensor.Dense[float64]{Shape: []int{4, 3}, Data: []float64{.5, -1, 2, 1, 0, -.5, 0, 3, 1, 2, 2, -1}}
	labels := []int{2, 0, 1, -1}
	for _, c := range []struct {
		smoothing, divisor, loss float64
		grad                     []float64
	}{
		{0, 0, 0.289591571521997, []float64{0.123734394452, 0.0276088752499, -0.151343269702, -0.0874043013619,
			0.0544056229699, 0.032998678392, 0.00247118036083, -0.00918854503051, 0.00671736466968, 0, 0, 0}},
		{0, 1, 1.2307641789684873, []float64{0.52587117642, 0.117337719812, -0.643208896232, -0.371468280788, 0.231223897622,
			0.140244383166, 0.0105025165335, -0.0390513163797, 0.0285487998461, 0, 0, 0}},
		{.1, 0, 0.41530681379227496, []float64{0.109360830823, 0.0241909558535, -0.133551786677, -0.0655559511736,
			0.0547117396133, 0.0108442115603, -0.00421873939236, 0.0178960163082, -0.0136772769158, 0, 0, 0}},
		{.1, 1, 1.7650539586171687, []float64{0.464783530998, 0.102811562378, -0.567595093375, -0.278612792488,
			0.232524893356, 0.0460878991313, -0.0179296424175, 0.0760580693098, -0.0581284268923, 0, 0, 0}},
	} {
		ce := CrossEntropy[float64]{Smoothing: c.smoothing, Weights: []float64{1, .25, 3}, Divisor: c.divisor}
		loss, grad, err := ce.Eval(logits, labels)
		require.NoError(t, err)
		require.InDelta(t, c.loss, loss, 1e-12)
		require.InDeltaSlice(t, c.grad, grad.Data, 1e-11)
	}
	for text, ce := range map[string]CrossEntropy[float64]{"2 weights for 3": {Weights: []float64{1, 2}},
		"weights[1] is -1": {Weights: []float64{1, -1, 2}}, "divisor is NaN": {Divisor: math.NaN()},
		"weigh 0": {Weights: make([]float64, 3)}} {
		_, _, err := ce.Eval(logits, labels)
		require.ErrorContains(t, err, text)
	}
}

// Gradients of micro-batches add up to those of the whole batch, one without labels included.
func TestCrossEntropyOfMicroBatches(t *testing.T) {
	rng := tensor.Stream(5)
	logits := tensor.NewDense[float64](12, 3)
	labels := make([]int, 12)
	for i := range labels {
		if labels[i] = rng.IntN(4) - 1; i >= 8 {
			labels[i] = -1
		}
		for j := range 3 {
			logits.Data[3*i+j] = rng.NormFloat64()
		}
	}
	for _, weights := range [][]float64{nil, {1, .2, 5}} {
		full := CrossEntropy[float64]{Weights: weights}
		want, grad, err := full.Eval(logits, labels)
		require.NoError(t, err)
		part := CrossEntropy[float64]{Weights: weights, Divisor: full.Count(labels)}
		sum := 0.0
		for i := 0; i < 12; i += 4 {
			loss, g, err := part.Eval(tensor.Dense[float64]{Shape: []int{4, 3}, Data: logits.Data[3*i : 3*i+12]}, labels[i:i+4])
			require.NoError(t, err)
			sum += loss
			require.InDeltaSlice(t, grad.Data[3*i:3*i+12], g.Data, 1e-14)
		}
		require.InDelta(t, want, sum, 1e-14)
	}
}

func TestClip(t *testing.T) {
	a := &tensor.Param[float32]{Name: "a", Shape: []int{2}, Data: make([]float32, 2), Grad: []float32{3, 4}}
	b := &tensor.Param[float32]{Name: "b", Shape: []int{1}, Data: make([]float32, 1), Grad: []float32{12}}
	tied := &tensor.Param[float32]{Name: "c", Shape: []int{1}, Data: b.Data, Grad: b.Grad}
	params := []*tensor.Param[float32]{a, b, tied}
	norm, err := ClipNorm(params, 6.5)
	require.NoError(t, err)
	require.InDelta(t, 13, norm, 1e-6)
	require.InDeltaSlice(t, []float32{1.5, 2, 6}, append(append([]float32(nil), a.Grad...), b.Grad...), 1e-6)
	norm, err = ClipNorm(params, 100)
	require.NoError(t, err)
	require.InDelta(t, 6.5, norm, 1e-6)
	a.Grad[0], a.Grad[1] = 3e30, -4e30 // squares overflow
	norm, err = ClipNorm(params, 5)
	require.NoError(t, err)
	require.InEpsilon(t, 5e30, norm, 1e-6)
	require.InDeltaSlice(t, []float32{3, -4}, a.Grad, 1e-5)
	require.NoError(t, ClipValue(params, 2))
	require.Equal(t, []float32{2, -2}, a.Grad)
	_, err = ClipNorm(params, 0)
	require.ErrorIs(t, err, tensor.ErrRange)
	a.Grad[0] = float32(math.NaN())
	require.ErrorIs(t, ClipValue(params, 1), tensor.ErrNotFinite)
}

// Hidden keys are as if they were not there: the other steps get what a shorter sequence gives them.
func TestAttentionKeyMask(t *testing.T) {
	for seed := range uint64(20) {
		rng := tensor.Stream(seed, 7)
		mask := make([]bool, 6)
		var kept []int
		for i := range mask {
			if mask[i] = rng.IntN(2) == 0 || i == 3; mask[i] {
				kept = append(kept, i)
			}
		}
		long, short := tensor.NewDense[float64](1, 6, 4), tensor.NewDense[float64](1, len(kept), 4)
		dLong, dShort := tensor.NewDense[float64](1, 6, 4), tensor.NewDense[float64](1, len(kept), 4)
		for i := range long.Data {
			long.Data[i] = rng.NormFloat64()
			if !mask[i/4] && seed%2 == 0 {
				long.Data[i] = math.Inf(1)
			}
		}
		for k, i := range kept {
			for j := range 4 {
				short.Data[4*k+j] = long.Data[4*i+j]
				dLong.Data[4*i+j] = rng.NormFloat64()
				dShort.Data[4*k+j] = dLong.Data[4*i+j]
			}
		}
		for _, causal := range []bool{false, true} {
			a := Must(NewMultiHeadAttention[float64](4, 2, tensor.Stream(1)))
			b := Must(NewMultiHeadAttention[float64](4, 2, tensor.Stream(1)))
			a.Causal, b.Causal, a.KeyMask = causal, causal, mask
			y, want := a.Forward(long, true), b.Forward(short, true)
			dx, wantDX := a.Backward(dLong), b.Backward(dShort)
			for k, i := range kept {
				require.InDeltaSlice(t, want.Data[4*k:4*k+4], y.Data[4*i:4*i+4], 1e-12)
				require.InDeltaSlice(t, wantDX.Data[4*k:4*k+4], dx.Data[4*i:4*i+4], 1e-12)
			}
			for i, p := range a.Params() {
				require.InDeltaSlice(t, b.Params()[i].Grad, p.Grad, 1e-11, p.Name)
			}
		}
	}
	a := Must(NewMultiHeadAttention[float64](4, 2, tensor.Stream(1)))
	a.KeyMask = make([]bool, 6)
	for i, v := range a.Forward(tensor.NewDense[float64](1, 6, 4), true).Data {
		require.False(t, math.IsNaN(v), "%d: nothing to see", i)
	}
	require.PanicsWithError(t,
		"nn: MultiHeadAttention: a key mask of 6 steps for 2 samples of 6: "+tensor.ErrShape.Error(),
		func() { a.Forward(tensor.NewDense[float64](2, 6, 4), true) })
}
