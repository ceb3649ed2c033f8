package benchmarks

import (
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

// Product holds the operands of a [Shape]. Its methods compute it times times with one library each.
type Product[T float32 | float64] struct {
	Shape
	A, B, C tensor.Matrix[T]
}

// NewProduct returns a product of random numbers.
func NewProduct[T float32 | float64](s Shape) *Product[T] {
	p := &Product[T]{Shape: s, A: random[T](1, s.M, s.K), B: random[T](2, s.K, s.N), C: tensor.NewMatrix[T](s.M, s.N)}
	if s.TransB {
		p.B.Rows, p.B.Cols, p.B.Stride = s.N, s.K, s.K
	}
	return p
}

func random[T float32 | float64](seed uint64, rows, cols int) tensor.Matrix[T] {
	m, r := tensor.NewMatrix[T](rows, cols), tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = T(r.NormFloat64())
	}
	return m
}

// Espalier runs this library.
func (p *Product[T]) Espalier(times int) {
	for range times {
		tensor.Gemm(tensor.NoTrans, tensor.Transpose(p.TransB), 1, p.A, p.B, 0, p.C)
	}
}

// OpenBLAS runs OpenBLAS.
func (p *Product[T]) OpenBLAS(times int) { openblas.Gemm(times, p.TransB, p.A, p.B, p.C) }

// Gonum runs gonum.
func (p *Product[T]) Gonum(times int) {
	trans := blas.NoTrans
	if p.TransB {
		trans = blas.Trans
	}
	if unsafe.Sizeof(p.A.Data[0]) == 4 {
		a, b, c := gonum.Blas32(as[float32](p.A)), gonum.Blas32(as[float32](p.B)), gonum.Blas32(as[float32](p.C))
		for range times {
			blas32.Gemm(blas.NoTrans, trans, 1, a, b, 0, c)
		}
		return
	}
	a, b, c := gonum.Blas64(as[float64](p.A)), gonum.Blas64(as[float64](p.B)), gonum.Blas64(as[float64](p.C))
	for range times {
		blas64.Gemm(blas.NoTrans, trans, 1, a, b, 0, c)
	}
}

func as[U, T float32 | float64](m tensor.Matrix[T]) tensor.Matrix[U] {
	return any(m).(tensor.Matrix[U])
}

// VectorProduct is [Product] for a [Vector].
type VectorProduct[T float32 | float64] struct {
	Vector
	A    tensor.Matrix[T]
	X, Y []T
}

// NewVectorProduct returns a product of random numbers.
func NewVectorProduct[T float32 | float64](v Vector) *VectorProduct[T] {
	n, m := v.Cols, v.Rows
	if v.Trans {
		n, m = m, n
	}
	return &VectorProduct[T]{Vector: v, A: random[T](1, v.Rows, v.Cols), X: random[T](2, 1, n).Data, Y: make([]T, m)}
}

// Espalier runs this library.
func (p *VectorProduct[T]) Espalier(times int) {
	for range times {
		tensor.Gemv(tensor.Transpose(p.Trans), 1, p.A, p.X, 0, p.Y)
	}
}

// OpenBLAS runs OpenBLAS.
func (p *VectorProduct[T]) OpenBLAS(times int) { openblas.Gemv(times, p.Trans, p.A, p.X, p.Y) }

// Gonum runs gonum.
func (p *VectorProduct[T]) Gonum(times int) {
	trans := blas.NoTrans
	if p.Trans {
		trans = blas.Trans
	}
	if unsafe.Sizeof(p.X[0]) == 4 {
		a, x, y := gonum.Blas32(as[float32](p.A)), any(p.X).([]float32), any(p.Y).([]float32)
		for range times {
			blas32.Gemv(trans, 1, a, blas32.Vector{N: len(x), Data: x, Inc: 1}, 0, blas32.Vector{N: len(y), Data: y, Inc: 1})
		}
		return
	}
	a, x, y := gonum.Blas64(as[float64](p.A)), any(p.X).([]float64), any(p.Y).([]float64)
	for range times {
		blas64.Gemv(trans, 1, a, blas64.Vector{N: len(x), Data: x, Inc: 1}, 0, blas64.Vector{N: len(y), Data: y, Inc: 1})
	}
}
