package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// normalised is the definition in float64, scaled so that squares of anything finite stay in range.
func normalised(x []float64, eps float64) []float64 {
	most := 1.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / most / float64(len(x))
	}
	for _, v := range x {
		square += (v/most - mean) * (v/most - mean) / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v/most - mean) / math.Sqrt(square+eps/most/most)
	}
	return y
}

// Values far from zero, and values whose squares overflow or vanish, are normalised like any others.
func TestNormsFarFromZero(t *testing.T) {
	for name, value := range map[string]func(i int) float64{
		"offset":        func(i int) float64 { return 10000 + float64(i)*1e-3 },
		"large":         func(i int) float64 { return float64(i%7-3) * 1e19 },
		"larger":        func(i int) float64 { return float64(i%5-2) * 1e37 },
		"small":         func(i int) float64 { return float64(i%5-2) * 1e-25 },
		"both":          func(i int) float64 { return 1e30 + float64(i%3)*1e26 },
		"one of a kind": func(i int) float64 { return float64(i / 63 * 1000) },
	} {
		const n = 64
		x32 := make([]float32, n)
		x := make([]float64, n)
		for i := range x {
			x32[i] = float32(value(i))
			x[i] = float64(x32[i])
		}
		want := normalised(x, 1e-5)
		near := func(got []float32, what string) {
			for i := range want {
				require.InDelta(t, want[i], got[i], 2e-6*max(1, math.Abs(want[i])), "%s %s %d", name, what, i)
			}
		}
		layer := Must(NewLayerNorm[float32](n))
		near(layer.Forward(tensor.Dense[float32]{Shape: []int{1, n}, Data: x32}, true).Data, "LayerNorm")
		batch := Must(NewBatchNorm[float32](1))
		near(batch.Forward(tensor.Dense[float32]{Shape: []int{n, 1}, Data: x32}, true).Data, "BatchNorm")

		for _, l := range []Layer[float32]{layer, batch} { // gradients are those of the definition
			shape := []int{1, n}
			if l == Layer[float32](batch) {
				shape = []int{n, 1}
			}
			dy := make([]float32, n)
			sum, inner := 0.0, 0.0
			for i := range dy {
				dy[i] = float32(i%4) - 1
				sum += float64(dy[i]) / n
				inner += float64(dy[i]) * want[i] / n
			}
			dx := l.Backward(tensor.Dense[float32]{Shape: shape, Data: dy}).Data
			scale := 0.0
			for i := range x {
				if want[i] != 0 {
					mean := 0.0
					for _, v := range x {
						mean += v / n
					}
					scale = max(scale, math.Abs(want[i]/(x[i]-mean)))
				}
			}
			for i := range dx {
				require.InDelta(t, (float64(dy[i]) - sum - want[i]*inner), float64(dx[i])/scale, 2e-4, "%s %T %d", name, l, i)
			}
		}
	}
}

// float64 has the same promise where squares leave its range.
func TestNormsOfLargeFloat64(t *testing.T) {
	x := []float64{1e200, -2e200, 4e200, 0}
	want := normalised(x, 0)
	layer, batch := Must(NewLayerNorm[float64](4)), Must(NewBatchNorm[float64](1))
	for _, got := range [][]float64{
		layer.Forward(tensor.Dense[float64]{Shape: []int{1, 4}, Data: x}, true).Data,
		batch.Forward(tensor.Dense[float64]{Shape: []int{4, 1}, Data: x}, true).Data,
	} {
		for i := range want {
			require.InDelta(t, want[i], got[i], 1e-12)
		}
	}
	require.Equal(t, []float64{1}, batch.Var) // a variance beyond float64 leaves the running one alone
}

// Whatever padding holds, valid steps and gradients are those of padding that holds zero.
func TestAttentionIgnoresPadding(t *testing.T) {
	for _, causal := range []bool{false, true} {
		run := func(fill float32) (y, dx []float32, grads [][]float32) {
			a := Must(NewMultiHeadAttention[float32](8, 2, tensor.Stream(3)))
			a.Causal, a.Lengths = causal, []int{2, 5, 1}
			rng := tensor.Stream(4)
			x, dy := tensor.NewDense[float32](3, 5, 8), tensor.NewDense[float32](3, 5, 8)
			for i := range x.Data {
				x.Data[i], dy.Data[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
				if i/8%5 >= a.Lengths[i/40] {
					x.Data[i], dy.Data[i] = fill, 0
				}
			}
			out, in := a.Forward(x, true), a.Backward(dy)
			for i := range out.Data {
				if i/8%5 < a.Lengths[i/40] {
					y, dx = append(y, out.Data[i]), append(dx, in.Data[i])
				}
			}
			for _, p := range a.Params() {
				grads = append(grads, p.Grad)
			}
			return y, dx, grads
		}
		y, dx, grads := run(0)
		for _, fill := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 3e38, 1e22, -7} {
			gotY, gotDX, gotGrads := run(float32(fill))
			require.Equal(t, y, gotY, "%v", fill)
			require.Equal(t, dx, gotDX, "%v", fill)
			for i := range grads {
				require.InDeltaSlice(t, grads[i], gotGrads[i], 1e-5, "%v %d", fill, i)
			}
		}
	}
}

// Tied parameters are stepped once.
func TestTiedParametersStepOnce(t *testing.T) {
	for name, step := range map[string]func([]*tensor.Param[float32]) error{
		"sgd":  (&SGD[float32]{LR: 1}).Step,
		"adam": NewAdam[float32](1).Step,
	} {
		w, g := []float32{1, 2}, []float32{0.5, -1}
		a := &tensor.Param[float32]{Name: "a", Shape: []int{2}, Data: w, Grad: g}
		b := &tensor.Param[float32]{Name: "b", Shape: []int{2}, Data: w, Grad: g}
		require.NoError(t, step([]*tensor.Param[float32]{a, b, a}))
		require.InDelta(t, map[string]float64{"sgd": 0.5, "adam": 0}[name], w[0], 1e-6, name)
		b.Grad = []float32{1, 1}
		require.ErrorContains(t, step([]*tensor.Param[float32]{a, b}), "give them one Grad", name)
		b.Data, b.Grad, b.Shape = w[1:], g[1:], []int{1}
		require.ErrorIs(t, step([]*tensor.Param[float32]{a, b}), tensor.ErrOverlap, name)
	}
}
