package benchmarks

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
)

// library is one way to compute a product.
type library struct {
	name string
	run  func(times int)
}

func agree[T float32 | float64](t *testing.T, k int, result []T, libraries []library) {
	var want []T
	for _, l := range libraries {
		clear(result)
		l.run(2)
		if want == nil {
			want = slices.Clone(result)
			continue
		}
		for i, v := range result {
			if math.Abs(float64(v-want[i])) > 1e-5*float64(k+1) {
				t.Fatalf("element %d: %s has %v, %s %v", i, l.name, v, libraries[0].name, want[i])
			}
		}
	}
}

func products[T float32 | float64](p *Product[T]) []library {
	return []library{{"espalier", p.Espalier}, {"openblas", p.OpenBLAS}, {"gonum", p.Gonum}}
}

func vectorProducts[T float32 | float64](p *VectorProduct[T]) []library {
	return []library{{"espalier", p.Espalier}, {"openblas", p.OpenBLAS}, {"gonum", p.Gonum}}
}

// TestLibrariesAgree checks that what is compared is the same product.
func TestLibrariesAgree(t *testing.T) {
	shapes := append(Small(), Products32...)
	for _, s := range append(shapes, Products64...) {
		if s.Flops() > 1e8 {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			p, q := NewProduct[float32](s), NewProduct[float64](s)
			agree(t, s.K, p.C.Data, products(p))
			agree(t, s.K, q.C.Data, products(q))
		})
	}
	for _, v := range Vectors {
		t.Run("gemv"+v.String(), func(t *testing.T) {
			p, q := NewVectorProduct[float32](v), NewVectorProduct[float64](v)
			agree(t, len(p.X), p.Y, vectorProducts(p))
			agree(t, len(q.X), q.Y, vectorProducts(q))
		})
	}
}

// The benchmarks use as many threads as -cpu says.
func benchmark(b *testing.B, shape fmt.Stringer, flops float64, libraries []library) {
	for _, l := range libraries {
		b.Run(shape.String()+"/"+l.name, func(b *testing.B) {
			openblas.SetThreads(runtime.GOMAXPROCS(0))
			b.ReportAllocs()
			l.run(1)
			b.ResetTimer()
			l.run(b.N)
			b.ReportMetric(flops*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range Products32 {
		benchmark(b, s, s.Flops(), products(NewProduct[float32](s)))
	}
}

func BenchmarkGemm64(b *testing.B) {
	for _, s := range Products64 {
		benchmark(b, s, s.Flops(), products(NewProduct[float64](s)))
	}
}

func BenchmarkGemmSmall(b *testing.B) {
	for _, s := range Small() {
		benchmark(b, s, s.Flops(), products(NewProduct[float32](s)))
	}
}

func BenchmarkGemv(b *testing.B) {
	for _, v := range Vectors {
		benchmark(b, v, 2*float64(v.Rows)*float64(v.Cols), vectorProducts(NewVectorProduct[float32](v)))
	}
}
