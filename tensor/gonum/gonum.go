// Package gonum converts between the matrices of package tensor and those of gonum, which have the same layout: views
// of the same memory, but for matrices of gonum that do not store their elements in rows. It is apart from package
// tensor so that nobody compiles gonum who does not use it.
//
//	var svd mat.SVD
//	if !svd.Factorize(gonum.ToMat(weights), mat.SVDThin) {
//		return errNotFactorized
//	}
//	var u mat.Dense
//	svd.UTo(&u)
//	left := gonum.FromMat(&u)
package gonum

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
)

// FromBlas32 returns a view of g; nothing is copied.
func FromBlas32(g blas32.General) tensor.Matrix[float32] {
	return tensor.Matrix[float32]{Rows: g.Rows, Cols: g.Cols, Stride: g.Stride, Data: g.Data}
}

// FromBlas64 returns a view of g; nothing is copied. With d.RawMatrix() it views a [mat.Dense].
func FromBlas64(g blas64.General) tensor.Matrix[float64] {
	return tensor.Matrix[float64]{Rows: g.Rows, Cols: g.Cols, Stride: g.Stride, Data: g.Data}
}

// Blas32 returns m as gonum's type; nothing is copied.
func Blas32(m tensor.Matrix[float32]) blas32.General {
	return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Data: m.Data}
}

// Blas64 returns m as gonum's type; nothing is copied.
func Blas64(m tensor.Matrix[float64]) blas64.General {
	return blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Data: m.Data}
}

// FromMat returns the elements of m: a view if m is a [mat.Dense] or anything else that gives out its
// row-major storage as one, and a copy otherwise (transposes, triangles, symmetric and banded matrices).
func FromMat(m mat.Matrix) tensor.Matrix[float64] {
	if raw, ok := m.(mat.RawMatrixer); ok {
		return FromBlas64(raw.RawMatrix())
	}
	rows, cols := m.Dims()
	c := tensor.NewMatrix[float64](rows, cols)
	for i := range rows {
		for j := range cols {
			c.Set(i, j, m.At(i, j))
		}
	}
	return c
}

// ToMat returns m as gonum's matrix: a view of the same memory. It panics with an error that wraps [tensor.ErrEmpty] if
// m has no elements, which gonum does not allow, and [tensor.ErrShape] if its fields do not fit together.
func ToMat(m tensor.Matrix[float64]) *mat.Dense {
	if err := m.Validate(); err != nil {
		panic(fmt.Errorf("gonum: ToMat: %w", err))
	}
	if m.Rows == 0 || m.Cols == 0 {
		panic(fmt.Errorf("gonum: ToMat: m is %dx%d: %w", m.Rows, m.Cols, tensor.ErrEmpty))
	}
	d := new(mat.Dense)
	d.SetRawMatrix(Blas64(m))
	return d
}
