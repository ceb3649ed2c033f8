package amm

import "github.com/espalier-ml/espalier/tensor"

// Factors replaces b by the product of two thin matrices, D x d and d x M: y is about (a*left)*right + offset.
// Principal components, random projections and the singular value decomposition of b differ in the factors alone.
//
// Sketches are multiplied as dense matrices, however sparse or structured they are: up to some dozens of dimensions
// the vector units are faster that way than additions along a hash. [Factors.Cost] counts what the sketch needs by
// its definition.
type Factors struct {
	shape
	left, right tensor.Matrix[float32]
	offset      []float32 // nil for none
	project     Cost      // of a*left
}

// Dims returns d, the number of dimensions that a row is projected to.
func (f *Factors) Dims() int { return f.left.Cols }

// Mul is described at [Approximator].
func (f *Factors) Mul(dst, a tensor.Matrix[float32]) error {
	if err := f.check(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Rows, blockRows, func(lo, hi int) {
		borrow(hi-lo, f.Dims(), func(s tensor.Matrix[float32]) {
			tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, rowsOf(a, lo, hi), f.left, 0, s)
			tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, s, f.right, 0, rowsOf(dst, lo, hi), f.offset, tensor.Identity)
		})
	})
	return nil
}

// MulT is described at [Transposed].
func (f *Factors) MulT(dst, a tensor.Matrix[float32]) error {
	if err := f.checkT(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Cols, blockRows, func(lo, hi int) {
		borrow(f.Dims(), hi-lo, func(s tensor.Matrix[float32]) {
			out := dst.Slice(0, dst.Rows, lo, hi)
			tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, f.left, a.Slice(0, a.Rows, lo, hi), 0, s)
			tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, f.right, s, 0, out)
			for m, v := range f.offset {
				for n := range out.Row(m) {
					out.Row(m)[n] += v
				}
			}
		})
	})
	return nil
}

// Cost is that of the projection and d*M multiplications.
func (f *Factors) Cost() Cost {
	c := f.project
	c.Multiplies += f.right.Rows * f.right.Cols
	return c
}
