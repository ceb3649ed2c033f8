package beats

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// The convolution is the one of the layer kit, outputs and gradients.
func TestConvolutionIsThatOfTheKit(t *testing.T) {
	rng := tensor.Stream(3)
	for _, channels := range []int{1, 2} {
		own := newConv1D(8, channels, 2, false, rng)
		kit, err := nn.NewConv2D[float32](tensor.Window{KH: 1, KW: 8, C: channels, StrideH: 1, StrideW: 2, PadW: 3},
			2, rng)
		require.NoError(t, err)
		kit.Act = tensor.ReLUActivation
		for f := range 2 {
			own.bias.Data[f] = 0.1
			kit.Bias.Data[f] = 0.1
			for k := range 8 * channels { // [taps, out] there
				kit.Weight.Data[k*2+f] = own.weight.Data[f*8*channels+k]
			}
		}
		x, dy := tensor.NewDense[float32](3, 1, 20, channels), tensor.NewDense[float32](3, 1, 10, 2)
		for _, list := range [][]float32{x.Data, dy.Data} {
			for i := range list {
				list[i] = float32(rng.NormFloat64())
			}
		}
		want, got := kit.Forward(x, true), own.Forward(x, true)
		require.InDeltaSlice(t, want.Data, got.Data, 1e-5)
		nn.ZeroGrad(kit.Params())
		require.InDeltaSlice(t, kit.Backward(dy).Data, own.Backward(dy).Data, 1e-5)
		require.InDeltaSlice(t, kit.Bias.Grad, own.bias.Grad, 1e-4)
		for f := range 2 {
			for k := range 8 * channels {
				require.InDelta(t, kit.Weight.Grad[k*2+f], own.weight.Grad[f*8*channels+k], 1e-4)
			}
		}
	}
}

// The effect of a pair of beats is what the logit loses without it.
func TestEffectsAreThoseOfLeavingOut(t *testing.T) {
	train, _, err := Simulate(36, 24, ecg.Aligned, 2)
	require.NoError(t, err)
	pool, err := mil.NewAttention[float32](features, 16)
	require.NoError(t, err)
	m, err := newModel(pool, 1)
	require.NoError(t, err)
	bag := train.Bags.Bag(5)
	logit := func(x tensor.Matrix[float32]) float64 {
		l, err := m.forward(mil.Bags[float32]{X: x, Offsets: []int{0, x.Rows}}, false)
		require.NoError(t, err)
		return float64(l[0])
	}
	effects, err := m.Effects(train.Bags, 5)
	require.NoError(t, err)
	require.Len(t, effects, bag.Rows)
	whole := logit(bag)
	for n, effect := range effects {
		data := slices.Concat(bag.Data[:n*bag.Cols], bag.Data[(n+1)*bag.Cols:bag.Rows*bag.Cols])
		require.InDelta(t, whole-logit(tensor.Of(bag.Rows-1, bag.Cols, data)), effect, 1e-4)
	}
}
