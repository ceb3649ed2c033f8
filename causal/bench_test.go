package causal

import (
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

func benchmarkMMD[T tensor.Float](b *testing.B, rows, cols int, opts ...Option) {
	rng := tensor.Stream(1)
	z, grad := tensor.NewMatrix[T](rows, cols), tensor.NewMatrix[T](rows, cols)
	batch := Batch{Y: make([]int, rows), V: make([]int, rows), W: make([]float64, rows)}
	for i := range rows {
		batch.V[i], batch.Y[i], batch.W[i] = rng.IntN(2), rng.IntN(2), 0.5+rng.Float64()
		for j := range cols {
			z.Set(i, j, T(rng.NormFloat64()))
		}
	}
	m, err := NewMMD[T](opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Eval(z, batch, grad); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(rows)*float64(b.N)/1e6/b.Elapsed().Seconds(), "Mpairs/s")
}

func BenchmarkMMD(b *testing.B) {
	for _, s := range [][2]int{{64, 16}, {64, 1000}, {256, 128}, {512, 512}, {4096, 64}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			benchmarkMMD[float32](b, s[0], s[1], WithKernel(RBF(5)), WithWorkers(1))
		})
	}
}

func BenchmarkMMDScalars(b *testing.B) {
	benchmarkMMD[float32](b, 65536, 1, WithKernel(Laplace(1)), WithWorkers(1))
}
