package amm

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
)

// FitPCA projects rows on the d principal components of the training rows a, N x D: y is about (a-mean)*V*(Vᵀ*b) +
// mean*b. No affine projection to d dimensions leaves less of the training rows. It pays for d < M only. Errors wrap
// tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and tensor.ErrRange (d is not in 1 to D).
func FitPCA(a, b tensor.Matrix[float32], d int) (*Factors, error) {
	if err := errors.Join(checkPair(a, b), checkSize("d", d, max(a.Cols, 1), "the columns of a")); err != nil {
		return nil, err
	}
	mean := make([]float64, a.Cols)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			mean[j] += float64(v) / float64(a.Rows)
		}
	}
	centred := tensor.NewMatrix[float64](a.Rows, a.Cols)
	for i := range a.Rows {
		row := centred.Row(i)
		for j, v := range a.Row(i) {
			row[j] = float64(v) - mean[j]
		}
	}
	v, err := topDirections(centred, d)
	if err != nil {
		return nil, err
	}
	f := &Factors{shape: shapeOf(b), left: v, right: tensor.NewMatrix[float32](d, b.Cols), offset: make([]float32, b.Cols),
		project: Cost{Multiplies: a.Cols * d}}
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, v, b, 0, f.right)
	// What the mean loses on its way through V comes back with the offset.
	for m := range b.Cols {
		sum := 0.0
		for j, mu := range mean {
			sum += mu * float64(b.At(j, m))
		}
		for t := range d {
			along := 0.0
			for j, mu := range mean {
				along += mu * float64(v.At(j, t))
			}
			sum -= along * float64(f.right.At(t, m))
		}
		f.offset[m] = float32(sum)
	}
	return f, nil
}

// topDirections returns the d eigenvectors of xᵀx with the largest eigenvalues, as columns.
func topDirections(x tensor.Matrix[float64], d int) (tensor.Matrix[float32], error) {
	gram := tensor.NewMatrix[float64](x.Cols, x.Cols)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, x, x, 0, gram)
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(x.Cols, gram.Data), true) {
		return tensor.Matrix[float32]{}, fmt.Errorf("amm: the covariance of a has no eigenvectors in float64: %w",
			tensor.ErrRange)
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	v := tensor.NewMatrix[float32](x.Cols, d)
	for t := range d {
		for j := range x.Cols {
			v.Set(j, t, float32(vectors.At(j, x.Cols-1-t)))
		}
	}
	return v, nil
}
