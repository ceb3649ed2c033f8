package secondorder

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
)

// hessian is H of a layer's inputs, and what is added to it so that it has an inverse.
type hessian struct {
	h       tensor.Matrix[float64] // as it was measured
	dead    []int                  // inputs that are always zero
	damping float64                // added to the diagonal
	chol    mat.Cholesky           // of h with damping, and with 1 for dead inputs, rows and columns in reverse order
}

func newHessian[T tensor.Float](g *Gram[T], in int, damping float64) (*hessian, error) {
	if g == nil {
		return nil, fmt.Errorf("the Gram is nil: %w", tensor.ErrEmpty)
	}
	if g.in != in {
		return nil, fmt.Errorf("weights of %d inputs and a Gram of %d: %w", in, g.in, tensor.ErrShape)
	}
	h, err := g.H()
	if err != nil {
		return nil, err
	}
	s := &hessian{h: h}
	mean := 0.0
	for j := range in {
		if v := h.At(j, j); v > 0 {
			mean += v
		} else {
			s.dead = append(s.dead, j)
		}
	}
	live := in - len(s.dead)
	if live == 0 {
		return nil, fmt.Errorf("all of %d inputs are zero in %d samples: %w", in, g.samples, ErrDead)
	}
	mean /= float64(live)
	for try := range 2 {
		if s.damping = damping * mean; try > 0 {
			s.damping *= 10
		}
		if s.factorize() {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%d inputs, %d samples, damping %g: %w", in, g.samples, damping, ErrSingular)
}

// factorize reverses the order of the inputs, so that the inverse of the factor is that of the inverse, in order.
func (s *hessian) factorize() bool {
	n := s.h.Rows
	reversed := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			reversed.SetSym(n-1-i, n-1-j, s.h.At(i, j))
		}
		reversed.SetSym(n-1-i, n-1-i, s.h.At(i, i)+s.damping)
	}
	for _, j := range s.dead {
		reversed.SetSym(n-1-j, n-1-j, 1)
	}
	return s.chol.Factorize(reversed)
}

// upper is the matrix U, zero below its diagonal, with UᵀU the inverse of h. With J the reversal, J h J = L Lᵀ gives
// h = (J L J)(J L J)ᵀ, and U = J L⁻¹ J.
func (s *hessian) upper() (tensor.Matrix[float64], error) {
	var l, inverse mat.TriDense
	s.chol.LTo(&l)
	if err := inverse.InverseTri(&l); err != nil {
		return tensor.Matrix[float64]{}, fmt.Errorf("%w: %w", err, ErrSingular)
	}
	n := s.h.Rows
	u := tensor.NewMatrix[float64](n, n)
	for i := range n {
		for j := i; j < n; j++ {
			u.Set(i, j, inverse.At(n-1-i, n-1-j))
		}
	}
	return u, nil
}

// inverse is that of h with its damping.
func (s *hessian) inverse() (tensor.Matrix[float64], error) {
	var inverse mat.SymDense
	if err := s.chol.InverseTo(&inverse); err != nil {
		return tensor.Matrix[float64]{}, fmt.Errorf("%w: %w", err, ErrSingular)
	}
	n := s.h.Rows
	m := tensor.NewMatrix[float64](n, n)
	for i := range n {
		for j := range n {
			m.Set(i, j, inverse.At(n-1-i, n-1-j))
		}
	}
	return m, nil
}

// quadratic is the sum of ½ dᵀ h d over the rows d.
func (s *hessian) quadratic(rows tensor.Matrix[float64]) float64 {
	product := tensor.NewMatrix[float64](rows.Rows, rows.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 0.5, rows, s.h, 0, product)
	sum := 0.0
	for i := range rows.Rows {
		sum += tensor.Dot(rows.Row(i), product.Row(i))
	}
	return sum
}
