package maddness

import (
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

// layer makes rows like a hidden layer's: 8 latent factors and noise, negative values cut off.
func layer(rows, columns, outputs int) (a, b tensor.Matrix[float32]) {
	r := tensor.Stream(1, uint64(rows), uint64(columns), uint64(outputs))
	const factors = 8
	draw := func(rows, columns int) tensor.Matrix[float32] {
		m := tensor.NewMatrix[float32](rows, columns)
		for i := range m.Data {
			m.Data[i] = float32(r.NormFloat64())
		}
		return m
	}
	a, b = draw(rows, columns), draw(columns, outputs)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, draw(rows, factors), draw(factors, columns), 0.5, a)
	tensor.ReLU(a.Data, a.Data)
	return a, b
}

func BenchmarkFit(b *testing.B) {
	for _, s := range []struct{ rows, columns, outputs, codebooks int }{{8000, 512, 10, 16}, {8000, 512, 100, 16},
		{8000, 512, 512, 16}, {8000, 512, 10, 64}} {
		x, w := layer(s.rows, s.columns, s.outputs)
		for _, way := range []struct {
			name string
			opts []Option
		}{{"default", nil}, {"simple", []Option{WithSimple()}}} {
			b.Run(fmt.Sprintf("%dx%dx%d/C=%d/%s", s.rows, s.columns, s.outputs, s.codebooks, way.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Fit(background, x, w, append(way.opts, WithCodebooks(s.codebooks))...); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(s.rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// BenchmarkMul is the shape of a classifier's last layer, per layout, epilogue and number of goroutines.
func BenchmarkMul(b *testing.B) {
	const rows, columns, outputs = 10016, 512, 100
	x, w := layer(rows, columns, outputs)
	xT, dst, dstT, index := x.Transposed(), tensor.NewMatrix[float32](rows, outputs),
		tensor.NewMatrix[float32](outputs, rows), make([]int32, rows)
	for _, codebooks := range []int{8, 16, 32} {
		for _, workers := range []int{1, 2} {
			op, err := Fit(background, x.Slice(0, 2000, 0, columns), w, WithCodebooks(codebooks), WithRefine(0),
				WithWorkers(workers))
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range []struct {
				name string
				f    func() error
			}{
				{"MulT", func() error { return op.MulT(dstT, xT) }},
				{"Mul", func() error { return op.Mul(dst, x) }},
				{"ArgMaxT", func() error { return op.ArgMaxT(index, xT) }},
				{"ArgMax", func() error { return op.ArgMax(index, x) }},
			} {
				b.Run(fmt.Sprintf("%s/C=%d/workers=%d", c.name, codebooks, workers), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := c.f(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(rows*outputs*float64(codebooks)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Glookups/s")
				})
			}
		}
	}
}
