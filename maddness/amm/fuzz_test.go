package amm_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// FuzzApproximators fits every method to rows of any bits: it refuses them, or multiplies the same rows twice alike,
// without a NaN, and leaves them as they were.
func FuzzApproximators(f *testing.F) {
	f.Add(uint64(1), uint8(9), uint8(6), uint8(3), uint8(2), []byte{})
	f.Add(uint64(2), uint8(1), uint8(1), uint8(1), uint8(1), []byte("\x00\x00\xc0\x7f"))
	f.Add(uint64(3), uint8(20), uint8(8), uint8(4), uint8(4), []byte("\xff\xff\x7f\x7f\xff\xff\x7f\xff\x01\x00\x00\x00"))
	f.Add(uint64(4), uint8(30), uint8(2), uint8(2), uint8(7), []byte("\x00\x00\x00\x60\x00\x00\x00\x10"))
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, outputs, size uint8, bits []byte) {
		n, d, m, c := 1+int(rows)%40, 1+int(columns)%12, 1+int(outputs)%6, 1+int(size)%12
		a, b := normal(seed, n, d), normal(seed+1, d, m)
		for i := 0; i+4 <= len(bits) && i/4 < len(a.Data); i += 4 {
			a.Data[i/4] = math.Float32frombits(binary.LittleEndian.Uint32(bits[i:]))
		}
		before := a.Clone()
		ctx := context.Background()
		for name, fit := range map[string]func() (amm.Approximator, error){
			"PQ":         func() (amm.Approximator, error) { return amm.FitPQ(ctx, a, b, c) },
			"Bolt":       func() (amm.Approximator, error) { return amm.FitBolt(ctx, a, b, c) },
			"MaddnessPQ": func() (amm.Approximator, error) { return amm.FitMaddnessPQ(ctx, a, b, c) },
			"columns":    func() (amm.Approximator, error) { return amm.FitColumns(a, b, c) },
			"PCA":        func() (amm.Approximator, error) { return amm.FitPCA(a, b, c) },
			"SVD":        func() (amm.Approximator, error) { return amm.NewSVD(b, c) },
			"int8":       func() (amm.Approximator, error) { return amm.NewInt8(b) },
		} {
			q, err := fit()
			if err != nil {
				continue
			}
			got, again := tensor.NewMatrix[float32](n, m), tensor.NewMatrix[float32](n, m)
			if q.Mul(got, a) != nil {
				continue
			}
			require.NoError(t, q.Mul(again, a), name)
			for i, v := range got.Data {
				require.Equal(t, math.Float32bits(v), math.Float32bits(again.Data[i]), name)
				if small(a) {
					require.False(t, v != v, "%s: output %d is NaN", name, i)
				}
			}
		}
		for i, v := range a.Data {
			require.Equal(t, math.Float32bits(before.Data[i]), math.Float32bits(v), "element %d was changed", i)
		}
	})
}

// small says that sums of products of a stay far below the largest float32.
func small(a tensor.Matrix[float32]) bool {
	for _, v := range a.Data {
		if !(math.Abs(float64(v)) < 1e30) {
			return false
		}
	}
	return true
}
