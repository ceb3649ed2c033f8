package amm

import "github.com/espalier-ml/espalier/tensor"

// Approximator approximates y = a*b for a matrix b, D x M, that it was made for. Mul sets row n of dst, N x M, to the
// outputs for row n of a, N x D; N may be zero. It leaves a alone, keeps neither, and is safe for concurrent use. If
// it returns an error, which wraps tensor.ErrShape or tensor.ErrOverlap where shapes or memory are at fault, nothing
// was written.
//
// A *maddness.Operator is one as it is; [Maddness] adds what it costs.
type Approximator interface {
	Mul(dst, a tensor.Matrix[float32]) error
}

// Transposed is what an [Approximator] may have besides: MulT sets column n of dst, M x N, to the outputs for column
// n of a, D x N.
type Transposed interface {
	MulT(dst, a tensor.Matrix[float32]) error
}

// Cost counts what a product needs for each row, as the method is defined and whatever the widths of the numbers are.
// What depends on b alone is done once and not counted.
type Cost struct {
	Multiplies int `json:"multiplies"` // with the addition that follows
	Adds       int `json:"adds"`       // without a multiplication
	Compares   int `json:"compares"`
	Lookups    int `json:"lookups"` // table entries read and added up
}

// Costed is an [Approximator] that can tell what it costs.
type Costed interface {
	Cost() Cost
}
