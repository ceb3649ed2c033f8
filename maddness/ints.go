package maddness

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Integer is the element type of quantised data.
type Integer interface{ int8 | uint8 | int16 }

// Ints is a row-major view of quantised data, as tensor.Matrix is of floats.
type Ints[T Integer] struct {
	Rows, Cols int
	Stride     int // elements from one row to the next, at least Cols
	Data       []T // at least (Rows-1)*Stride+Cols elements
}

// IntsOf views data as a rows by cols matrix without copying. It panics with an error wrapping tensor.ErrShape unless
// rows and cols are not negative and len(data) is exactly rows*cols.
func IntsOf[T Integer](rows, cols int, data []T) Ints[T] {
	if rows < 0 || cols < 0 || len(data) != rows*cols {
		panic(fmt.Errorf("maddness: IntsOf: %d elements cannot be viewed as %dx%d: %w",
			len(data), rows, cols, tensor.ErrShape))
	}
	return Ints[T]{rows, cols, cols, data}
}

// Validate reports whether the view is well formed, like that of tensor.Matrix.
func (m Ints[T]) Validate() error {
	switch {
	case m.Rows < 0 || m.Cols < 0:
		return fmt.Errorf("maddness: integers are %dx%d: negative dimension: %w", m.Rows, m.Cols, tensor.ErrShape)
	case m.Rows == 0 || m.Cols == 0:
		return nil
	case m.Stride < m.Cols || len(m.Data) < m.Cols || (len(m.Data)-m.Cols)/m.Stride < m.Rows-1:
		return fmt.Errorf("maddness: integers are %dx%d with stride %d and %d elements: %w",
			m.Rows, m.Cols, m.Stride, len(m.Data), tensor.ErrShape)
	}
	return nil
}

// MulInts sets row n of dst, N x M, to the outputs for row n of a, N x D, of quantised data. The operator compares
// integers with its thresholds as they are: it must have been fitted to the integers' values, their scale being part of
// its matrix, or be made for them by [Operator.Quantized]. Like [Operator.Mul] in everything else.
func MulInts[T Integer](o *Operator, dst tensor.Matrix[float32], a Ints[T]) error {
	return o.run(sourceOf(a, false), sink{dst: dst})
}

// MulIntsT is [MulInts] with a feature-major, D x N, and so dst, M x N.
func MulIntsT[T Integer](o *Operator, dst tensor.Matrix[float32], a Ints[T]) error {
	return o.run(sourceOf(a, true), sink{dst: dst, across: true})
}

// EncodeInts appends the codes of the rows of a, N x D, to dst, for lookups of any kind; see [MulInts] and
// [Operator.Encode].
func EncodeInts[T Integer](o *Operator, dst *Codes, a Ints[T]) error {
	return o.encode(dst, sourceOf(a, false))
}

// EncodeIntsT is [EncodeInts] for the columns of a, D x N.
func EncodeIntsT[T Integer](o *Operator, dst *Codes, a Ints[T]) error {
	return o.encode(dst, sourceOf(a, true))
}

func sourceOf[T Integer](a Ints[T], across bool) source {
	s := source{across: across}
	switch data := any(a.Data).(type) {
	case []int8:
		s.kind, s.int8 = isInt8, Ints[int8]{a.Rows, a.Cols, a.Stride, data}
	case []uint8:
		s.kind, s.uint8 = isUint8, Ints[uint8]{a.Rows, a.Cols, a.Stride, data}
	case []int16:
		s.kind, s.int16 = isInt16, Ints[int16]{a.Rows, a.Cols, a.Stride, data}
	}
	return s
}
