package amm

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

// NewSVD replaces b, D x M, by the nearest matrix of rank d, its truncated singular value decomposition (Eckart and
// Young 1936): what layers are compressed with if no data is at hand. Errors wrap tensor.ErrShape, tensor.ErrEmpty,
// tensor.ErrNotFinite and tensor.ErrRange (d is not in 1 to min(D, M)).
func NewSVD(b tensor.Matrix[float32], d int) (*Factors, error) {
	if err := errors.Join(checkMatrix("b", b), checkSize("d",
		d, max(min(b.Rows, b.Cols), 1), "the smaller side of b")); err != nil {
		return nil, err
	}
	var svd mat.SVD
	if !svd.Factorize(gonum.ToMat(tensor.Convert[float64](b)), mat.SVDThin) {
		return nil, fmt.Errorf("amm: b has no singular values in float64: %w", tensor.ErrRange)
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	f := &Factors{shape: shapeOf(b), left: tensor.NewMatrix[float32](b.Rows, d),
		right:   tensor.NewMatrix[float32](d, b.Cols),
		project: Cost{Multiplies: b.Rows * d}}
	for t, sigma := range svd.Values(nil)[:d] {
		for j := range b.Rows {
			f.left.Set(j, t, float32(sigma*u.At(j, t)))
		}
		for m := range b.Cols {
			f.right.Set(t, m, float32(v.At(m, t)))
		}
	}
	return f, nil
}

// RowSVD is the product of b and of the nearest matrix of rank d to the very rows it is given, which it decomposes in
// every call. That costs more than the exact product: it is not a method but a bound, the error that projections of
// these rows to d dimensions cannot avoid on average over b. Results depend on which rows come in one call.
type RowSVD struct {
	shape
	b    tensor.Matrix[float32]
	dims int
}

// NewRowSVD copies b, D x M. Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and tensor.ErrRange (d
// is not in 1 to D).
func NewRowSVD(b tensor.Matrix[float32], d int) (*RowSVD, error) {
	if err := errors.Join(checkMatrix("b", b), checkSize("d", d, max(b.Rows, 1), "the rows of b")); err != nil {
		return nil, err
	}
	return &RowSVD{shapeOf(b), b.Clone(), d}, nil
}

// Mul is described at [Approximator]; it refuses rows that are not finite with an error wrapping tensor.ErrNotFinite.
func (r *RowSVD) Mul(dst, a tensor.Matrix[float32]) error {
	if err := r.check(dst, a); err != nil || a.Rows == 0 {
		return err
	}
	if err := checkMatrix("a", a); err != nil {
		return err
	}
	v, err := topDirections(tensor.Convert[float64](a), r.dims)
	if err != nil {
		return err
	}
	f := Factors{shape: r.shape, left: v, right: tensor.NewMatrix[float32](r.dims, r.outputs)}
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, v, r.b, 0, f.right)
	return f.Mul(dst, a)
}

// Cost is D*D multiplications for the covariance and d*(D+M) for the product; finding the eigenvectors, of the order
// of D*D*D per call, comes on top.
func (r *RowSVD) Cost() Cost {
	return Cost{Multiplies: r.columns*r.columns + r.dims*(r.columns+r.outputs)}
}
