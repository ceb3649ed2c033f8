package amm

import "github.com/espalier-ml/espalier/tensor"

// Exact is the product itself, tensor.Gemm in float32: what the others are compared with.
type Exact struct {
	shape
	b tensor.Matrix[float32]
}

// NewExact copies b, D x M. Errors wrap tensor.ErrShape, tensor.ErrEmpty and tensor.ErrNotFinite.
func NewExact(b tensor.Matrix[float32]) (*Exact, error) {
	if err := checkMatrix("b", b); err != nil {
		return nil, err
	}
	return &Exact{shapeOf(b), b.Clone()}, nil
}

// Mul is described at [Approximator].
func (e *Exact) Mul(dst, a tensor.Matrix[float32]) error {
	if err := e.check(dst, a); err != nil {
		return err
	}
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, e.b, 0, dst)
	return nil
}

// MulT is described at [Transposed].
func (e *Exact) MulT(dst, a tensor.Matrix[float32]) error {
	if err := e.checkT(dst, a); err != nil {
		return err
	}
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, e.b, a, 0, dst)
	return nil
}

// Cost is D*M multiplications.
func (e *Exact) Cost() Cost { return Cost{Multiplies: e.columns * e.outputs} }
