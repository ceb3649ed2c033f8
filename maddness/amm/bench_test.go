package amm_test

import (
	"context"
	"testing"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// BenchmarkMul multiplies 2048 rows of 512 columns for 10 outputs, at 8 dimensions or 16 codebooks. Run it with -cpu
// 1.
func BenchmarkMul(b *testing.B) {
	a, w := rectified(1, 2048, 512), normal(2, 512, 10)
	dst := tensor.NewMatrix[float32](a.Rows, w.Cols)
	for _, m := range amm.Methods() {
		b.Run(m.Name, func(b *testing.B) {
			size := 8
			if m.Size == amm.Codebooks {
				size = 16
			}
			ap, err := m.Fit(context.Background(), a, w, size, 0)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := ap.Mul(dst, a); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.Rows), "ns/row")
		})
	}
}

// BenchmarkSketch projects one row of 512 columns as sketches are defined, and 256 rows as a dense product as
// [amm.Factors] does it.
func BenchmarkSketch(b *testing.B) {
	const columns = 512
	a := normal(1, 256, columns)
	rng := tensor.Stream(1)
	to, sign := make([]int32, columns), make([]float32, columns)
	for j := range to {
		to[j], sign[j] = int32(rng.IntN(8)), float32(1-2*rng.IntN(2))
	}
	dst := make([]float32, 8)
	b.Run("CountSketch/scatter", func(b *testing.B) {
		for b.Loop() {
			for i := range a.Rows {
				scatter(dst, a.Row(i), to, sign)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.Rows), "ns/row")
	})
	b.Run("FastJL/transform", func(b *testing.B) {
		x := make([]float32, columns)
		for b.Loop() {
			for i := range a.Rows {
				tensor.Mul(x, a.Row(i), sign)
				transform(x)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.Rows), "ns/row")
	})
	for name, d := range map[string]int{"dense/8": 8, "dense/64": 64} {
		s, y := normal(2, columns, d), tensor.NewMatrix[float32](a.Rows, d)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, s, 0, y)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.Rows), "ns/row")
		})
	}
}
