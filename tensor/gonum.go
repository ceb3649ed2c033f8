package tensor

import (
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// FromBlas32 returns a view of g; nothing is copied.
func FromBlas32(g blas32.General) Matrix[float32] {
	return Matrix[float32]{Rows: g.Rows, Cols: g.Cols, Stride: g.Stride, Data: g.Data}
}

// FromBlas64 returns a view of g; nothing is copied. With d.RawMatrix() it views a [mat.Dense].
func FromBlas64(g blas64.General) Matrix[float64] {
	return Matrix[float64]{Rows: g.Rows, Cols: g.Cols, Stride: g.Stride, Data: g.Data}
}

// Blas32 returns m as gonum's type; nothing is copied.
func Blas32(m Matrix[float32]) blas32.General {
	return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Data: m.Data}
}

// Blas64 returns m as gonum's type; nothing is copied.
func Blas64(m Matrix[float64]) blas64.General {
	return blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Data: m.Data}
}

// FromMat returns the elements of m: a view if m is a [mat.Dense] or anything else that gives out its
// row-major storage as one, and a copy otherwise (transposes, triangles, symmetric and banded matrices).
func FromMat(m mat.Matrix) Matrix[float64] {
	if raw, ok := m.(mat.RawMatrixer); ok {
		return FromBlas64(raw.RawMatrix())
	}
	rows, cols := m.Dims()
	c := NewMatrix[float64](rows, cols)
	for i := range rows {
		for j := range cols {
			c.Set(i, j, m.At(i, j))
		}
	}
	return c
}

// ToMat returns m as gonum's matrix: a view of the same memory. It panics if m has no elements, which
// gonum does not allow.
func ToMat(m Matrix[float64]) *mat.Dense {
	m.check("ToMat", "m")
	if m.Rows == 0 || m.Cols == 0 {
		shapePanic(ErrEmpty, "ToMat: m is %dx%d", m.Rows, m.Cols)
	}
	d := new(mat.Dense)
	d.SetRawMatrix(Blas64(m))
	return d
}
