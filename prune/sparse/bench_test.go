package sparse_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/cpu"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

func normal[T tensor.Float](seed uint64, rows, cols int) tensor.Matrix[T] {
	m, rng := tensor.NewMatrix[T](rows, cols), tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = T(rng.NormFloat64())
	}
	return m
}

// some keeps each of n elements with the given probability.
func some(seed uint64, n int, density float64) *prune.Mask {
	mask, rng := prune.NewMask(n), tensor.Stream(seed, 1)
	for i := range n {
		mask.Set(i, rng.Float64() < density)
	}
	return mask
}

func BenchmarkMulBatch(b *testing.B) {
	const n, batch = 1024, 64
	w, x, dst := normal[float32](1, n, n), normal[float32](2, batch, n), tensor.NewMatrix[float32](batch, n)
	for _, sparsity := range []float64{0.5, 0.8, 0.9, 0.95, 0.98} {
		for _, f := range []sparse.Format{sparse.Panels, sparse.Compressed, sparse.Bitmask, sparse.Dense} {
			m, err := sparse.New(w, some(3, n*n, 1-sparsity), sparse.WithFormat(f))
			require.NoError(b, err)
			b.Run(fmt.Sprintf("%v/%v", sparsity, f), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, m.MulBatch(dst, x))
				}
				b.ReportMetric(2*batch*float64(m.Kept())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

func BenchmarkMulVec(b *testing.B) {
	const n = 1024
	w, x, dst := normal[float32](1, n, n), normal[float32](2, 1, n).Data, make([]float32, n)
	for _, f := range []sparse.Format{sparse.Panels, sparse.Compressed, sparse.Bitmask, sparse.Dense} {
		m, err := sparse.New(w, some(3, n*n, 0.1), sparse.WithFormat(f))
		require.NoError(b, err)
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, m.MulVec(dst, x))
			}
		})
	}
}

// The same without AVX-512, whose results have the same bits.
func BenchmarkMulBatchAVX2(b *testing.B) {
	if !cpu.AVX2 {
		b.Skip("no AVX2")
	}
	defer func(was bool) { cpu.AVX512 = was }(cpu.AVX512)
	cpu.AVX512 = false
	BenchmarkMulBatch(b)
}
