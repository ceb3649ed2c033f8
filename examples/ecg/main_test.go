package main

import (
	"context"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	s := settings{seed: 3, patients: 200, epochs: 1, out: dir, wfdb: filepath.Join("..", "..", "mil", "ecg",
		"testdata")}
	require.NoError(t, run(context.Background(), s))
	for _, name := range []string{"report.svg", "strip.svg"} {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		defer f.Close()
		d := xml.NewDecoder(f)
		for err == nil {
			_, err = d.Token()
		}
		require.ErrorIs(t, err, io.EOF, name)
	}
	// The record that it wrote is one, with a mark for each pair of beats.
	r, err := ecg.Open(os.DirFS(dir), "patient")
	require.NoError(t, err)
	frames, err := r.Frames()
	require.NoError(t, err)
	_, err = ecg.Read[float32](r, 0, frames)
	require.NoError(t, err)
	marks, err := os.Open(filepath.Join(dir, "patient.risk"))
	require.NoError(t, err)
	defer marks.Close()
	a, err := ecg.ReadAnnotations(marks)
	require.NoError(t, err)
	require.Greater(t, len(a.Items), 25)
	for _, bad := range []settings{{patients: 10, epochs: 1}, {patients: 600}} {
		require.Error(t, run(context.Background(), bad))
	}
}

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
	train, _, err := simulate(settings{seed: 2, patients: 60})
	require.NoError(t, err)
	pool, err := mil.NewAttention[float32](features, 16)
	require.NoError(t, err)
	m, err := newModel(pool, 1)
	require.NoError(t, err)
	bag := train.bags.Bag(5)
	logit := func(x tensor.Matrix[float32]) float64 {
		l, err := m.forward(mil.Bags[float32]{X: x, Offsets: []int{0, x.Rows}}, false)
		require.NoError(t, err)
		return float64(l[0])
	}
	effects, err := m.effects(train.bags, 5)
	require.NoError(t, err)
	require.Len(t, effects, bag.Rows)
	whole := logit(bag)
	for n, effect := range effects {
		data := slices.Concat(bag.Data[:n*bag.Cols], bag.Data[(n+1)*bag.Cols:bag.Rows*bag.Cols])
		require.InDelta(t, whole-logit(tensor.Of(bag.Rows-1, bag.Cols, data)), effect, 1e-4)
	}
}

// The paper's claims on these patients, as far as one seed can show them.
func TestAggregationOfBeats(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	s := settings{seed: 1, patients: 3000, epochs: 3}
	train, test, err := simulate(s)
	require.NoError(t, err)
	single, attention, err := fit(train, s)
	require.NoError(t, err)
	methods, err := score(train, test, single, attention)
	require.NoError(t, err)
	areas := map[string]float64{}
	for _, m := range methods {
		area, err := areaOf(test, m.test)
		require.NoError(t, err)
		areas[m.name] = area.Value
	}
	require.GreaterOrEqual(t, areas[meanOfScores], areas[bestPossible]-0.05)
	require.GreaterOrEqual(t, areas[meanOfScores], areas[maxOfScores]+0.03)
	require.Greater(t, areas[meanOfScores], areas["variability by hand"]+0.1)
}
