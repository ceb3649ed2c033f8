package tensor

import (
	"fmt"
	"math"
	"math/bits"
)

// Dense is an N-dimensional tensor: contiguous, row-major, a view over a caller's slice.
// Images and activations are NHWC: [batch, height, width, channels].
type Dense[T Float] struct {
	Shape []int
	Data  []T
}

// NewDense allocates a zeroed tensor. It panics if a dimension is negative.
func NewDense[T Float](shape ...int) Dense[T] {
	return Dense[T]{Shape: shape, Data: make([]T, elements("NewDense", shape))}
}

// DenseOf views data under the given shape without copying. It panics with an error wrapping
// [ErrShape] unless the dimensions are non-negative and multiply to len(data).
func DenseOf[T Float](data []T, shape ...int) Dense[T] {
	if n := elements("DenseOf", shape); n != len(data) {
		shapePanic(ErrShape, "DenseOf: %d elements cannot be viewed as %v", len(data), shape)
	}
	return Dense[T]{Shape: shape, Data: data}
}

// Validate returns an error wrapping [ErrShape] unless the dimensions multiply to len(Data).
func (d Dense[T]) Validate() error {
	if n, ok := product(d.Shape); !ok || n != len(d.Data) {
		return fmt.Errorf("tensor: shape %v does not fit %d elements: %w", d.Shape, len(d.Data), ErrShape)
	}
	return nil
}

// Matrix views the tensor as a matrix: the first axis dimensions become the rows and the remaining
// ones the columns. Matrix(1) of [N, H, W, C] is N by H*W*C, Matrix(3) is N*H*W by C.
func (d Dense[T]) Matrix(axis int) Matrix[T] {
	if axis < 0 || axis > len(d.Shape) {
		shapePanic(ErrShape, "Matrix: axis %d of a tensor with shape %v", axis, append([]int(nil), d.Shape...))
	}
	rows, cols := 1, 1
	for _, s := range d.Shape[:axis] {
		rows *= s
	}
	for _, s := range d.Shape[axis:] {
		cols *= s
	}
	return Of(rows, cols, d.Data)
}

// elements panics if a dimension is negative or their product overflows.
func elements(op string, shape []int) int {
	n, ok := product(shape)
	if !ok {
		shapePanic(ErrShape, "%s: bad shape %v", op, append([]int(nil), shape...))
	}
	return n
}

// product multiplies the dimensions. ok is false if one is negative or the product overflows.
func product(shape []int) (n int, ok bool) {
	n = 1
	for _, s := range shape {
		hi, lo := bits.Mul64(uint64(n), uint64(max(s, 0)))
		if s < 0 || hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		n = int(lo)
	}
	return n, true
}

// Param is one trainable tensor of a user's model: a view of its values and of its gradient, never
// a copy. Optimizers, pruners and penalties all speak it. Layout is the model's own; packages that
// must know the output axis take it as an option.
type Param[T Float] struct {
	Name  string
	Shape []int
	Data  []T
	Grad  []T // as long as Data; nil for parameters that are not trained
}

// Validate returns an error wrapping [ErrShape] that names the parameter unless Shape multiplies to
// len(Data) and Grad, if present, has the same length.
func (p Param[T]) Validate() error {
	if err := (Dense[T]{Shape: p.Shape, Data: p.Data}).Validate(); err != nil {
		return fmt.Errorf("tensor: param %q: %w", p.Name, err)
	}
	if p.Grad != nil && len(p.Grad) != len(p.Data) {
		return fmt.Errorf("tensor: param %q: %d gradients for %d values: %w", p.Name, len(p.Grad), len(p.Data), ErrShape)
	}
	return nil
}
