package conv_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/tensor"
)

// FuzzApply compares any convolution, by any trees over it, with the operator on the columns of package tensor.
func FuzzApply(f *testing.F) {
	f.Add(uint64(1), []byte{3, 3, 2, 1, 1, 1, 1, 1, 1, 9, 11, 2, 3, 4})
	f.Add(uint64(2), []byte{1, 5, 1, 2, 3, 0, 4, 2, 1, 6, 40, 3, 1, 1})
	f.Add(uint64(3), []byte{4, 1, 3, 1, 1, 3, 0, 1, 3, 1, 1, 1, 7, 2})
	f.Add(uint64(4), []byte{2, 2, 1, 1, 1, 0, 0, 1, 1, 40, 61, 1, 2, 9})
	f.Fuzz(func(t *testing.T, seed uint64, b []byte) {
		if len(b) < 14 {
			return
		}
		pick := func(i, lo, hi int) int { return lo + int(b[i])%(hi-lo+1) }
		w := tensor.Window{KH: pick(0, 1, 5), KW: pick(1, 1, 5), C: pick(2, 1, 4), StrideH: pick(3, 0, 3),
			StrideW: pick(4, 0, 3),
			PadH:    pick(5, 0, 6), PadW: pick(6, 0, 6), DilationH: pick(7, 0, 3), DilationW: pick(8, 0, 3)}
		x := images(seed, pick(11, 0, 3), pick(9, 1, 64), pick(10, 1, 64), w.C)
		codebooks, outputs := pick(12, 1, 9), pick(13, 1, 9)
		rng := tensor.Stream(seed, 1)
		trees := maddness.Trees{Dims: make([][4]int, codebooks), Thresholds: make([][16]float32, codebooks)}
		for c := range codebooks {
			for l := range 4 {
				trees.Dims[c][l] = rng.IntN(w.KH * w.KW * w.C)
			}
			for i := range 16 {
				trees.Thresholds[c][i] = float32(rng.NormFloat64())
			}
		}
		lut := maddness.NewLUT(outputs, codebooks)
		for i := range lut.Table.Data {
			lut.Table.Data[i] = float32(rng.NormFloat64())
		}
		op, err := maddness.New(w.KH*w.KW*w.C, trees, lut)
		require.NoError(t, err)
		c, err := conv.New(op, w)
		require.NoError(t, err)
		full := w
		full.N, full.H, full.W = x.Shape[0], x.Shape[1], x.Shape[2]
		if invalid := full.Validate(); invalid != nil {
			require.Nil(t, c.OutShape(x))
			require.ErrorIs(t, c.Apply(tensor.NewDense[float32](0, 1, 1, outputs), x), tensor.ErrRange)
			return
		}
		_, a := columns(x, w)
		want := tensor.NewMatrix[float32](a.Rows, outputs)
		require.NoError(t, op.Mul(want, a))
		y := tensor.NewDense[float32](c.OutShape(x)...)
		require.NoError(t, c.Apply(y, x))
		require.Equal(t, want.Data, y.Data)
	})
}
