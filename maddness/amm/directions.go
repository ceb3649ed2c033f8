package amm

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

// Directions is the method of co-occurring directions (Mroueh, Marcheret and Goel 2017), frequent directions (Liberty
// 2013) for products: the D outer products that a*b is the sum of pass through a buffer of 2d, which is shrunk
// whenever it is full to the d largest singular values less the next one. The spectral norm of the error is at most
// |a|*|b|/(d+1) in Frobenius norms.
//
// It looks at all of a in every call, with more arithmetic than the exact product needs unless M is large. Results
// depend on which rows come in one call.
type Directions struct {
	shape
	b    tensor.Matrix[float64]
	dims int
}

// NewDirections copies b, D x M, for results of rank d. Errors wrap tensor.ErrShape, tensor.ErrEmpty,
// tensor.ErrNotFinite and tensor.ErrRange (d is not in 1 to D).
func NewDirections(b tensor.Matrix[float32], d int) (*Directions, error) {
	if err := errors.Join(checkMatrix("b", b), checkSize("d", d, max(b.Rows, 1), "the rows of b")); err != nil {
		return nil, err
	}
	return &Directions{shapeOf(b), tensor.Convert[float64](b), d}, nil
}

// Mul is described at [Approximator]; it refuses rows that are not finite with an error wrapping tensor.ErrNotFinite.
func (s *Directions) Mul(dst, a tensor.Matrix[float32]) error {
	if err := s.check(dst, a); err != nil || a.Rows == 0 {
		return err
	}
	if err := checkMatrix("a", a); err != nil {
		return err
	}
	x, y := tensor.NewMatrix[float64](2*s.dims, a.Rows), tensor.NewMatrix[float64](2*s.dims, s.outputs)
	held := 0
	for j := range s.columns {
		if held == 2*s.dims {
			if err := shrink(x, y, s.dims); err != nil {
				return err
			}
			held = s.dims
		}
		for i := range a.Rows {
			x.Row(held)[i] = float64(a.At(i, j))
		}
		copy(y.Row(held), s.b.Row(j))
		held++
	}
	if held > s.dims {
		if err := shrink(x, y, s.dims); err != nil {
			return err
		}
	}
	product := tensor.NewMatrix[float64](a.Rows, s.outputs)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, rows64(x, s.dims), rows64(y, s.dims), 0, product)
	for i := range a.Rows {
		for m, v := range product.Row(i) {
			dst.Set(i, m, float32(v))
		}
	}
	return nil
}

func rows64(m tensor.Matrix[float64], n int) tensor.Matrix[float64] { return m.Slice(0, n, 0, m.Cols) }

// shrink replaces the rows of x and y by d rows each with xᵀy of the same singular vectors and singular values less
// the (d+1)th. The other rows become zero.
func shrink(x, y tensor.Matrix[float64], d int) error {
	rx, px, err := root(x)
	if err != nil {
		return err
	}
	ry, py, err := root(y)
	if err != nil {
		return err
	}
	var core mat.Dense
	core.Mul(rx, ry.T())
	var svd mat.SVD
	if !svd.Factorize(&core, mat.SVDThin) {
		return fmt.Errorf("amm: a sketch has no singular values in float64: %w", tensor.ErrRange)
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	sigma := svd.Values(nil)
	for k, s := range sigma {
		w := 0.0
		if k < d {
			w = math.Sqrt(s - sigma[d])
		}
		for i := range x.Rows {
			u.Set(i, k, w*u.At(i, k))
			v.Set(i, k, w*v.At(i, k))
		}
	}
	for _, side := range []struct {
		m    tensor.Matrix[float64]
		p, w *mat.Dense
	}{{x, px, &u}, {y, py, &v}} {
		var turn mat.Dense
		turn.Mul(side.p, side.w)
		old := tensor.Of(side.m.Rows, side.m.Cols, append([]float64(nil), side.m.Data...))
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, gonum.FromMat(&turn), old, 0, side.m)
	}
	return nil
}

// root returns r with r'r = m*mᵀ and its pseudo-inverse p, so that the columns of mᵀ*p are orthonormal or zero.
func root(m tensor.Matrix[float64]) (r, p *mat.Dense, err error) {
	n := m.Rows
	gram := tensor.NewMatrix[float64](n, n)
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, m, m, 0, gram)
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(n, gram.Data), true) {
		return nil, nil, fmt.Errorf("amm: a sketch has no eigenvectors in float64: %w", tensor.ErrRange)
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	r, p = mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for k, lambda := range values {
		if lambda <= 1e-14*values[n-1] {
			continue
		}
		s := math.Sqrt(lambda)
		for i := range n {
			r.Set(k, i, s*vectors.At(i, k))
			p.Set(i, k, vectors.At(i, k)/s)
		}
	}
	return r, p, nil
}

// Cost is that of the shrinking, 6*D*d multiplications per row, and d*M for the product.
func (s *Directions) Cost() Cost {
	return Cost{Multiplies: 6*s.columns*s.dims + s.dims*s.outputs}
}
