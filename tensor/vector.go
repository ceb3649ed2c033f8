package tensor

import (
	"math"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// The functions of this file run on the calling goroutine and do not allocate. dst may be the same
// slice as an input but must not overlap it otherwise. They panic, before anything is written, with an
// error that wraps [ErrShape] if lengths differ and [ErrOverlap] if dst partly overlaps an input.

// Dot returns the sum of x[i]*y[i], and 0 if both are empty.
func Dot[T Float](x, y []T) T {
	sameLength("Dot", len(x), len(y))
	return kernel.Dot(x, y)
}

// Axpy adds alpha*x to dst.
func Axpy[T Float](dst []T, alpha T, x []T) {
	sameLength("Axpy", len(dst), len(x))
	noPartialOverlap("Axpy", dst, x)
	kernel.Axpy(dst, alpha, x)
}

// Scale writes alpha*x to dst.
func Scale[T Float](dst []T, alpha T, x []T) {
	sameLength("Scale", len(dst), len(x))
	noPartialOverlap("Scale", dst, x)
	kernel.ScaleTo(dst, alpha, x)
}

// Add writes x+y to dst.
func Add[T Float](dst, x, y []T) {
	binary("Add", dst, x, y)
	kernel.Add(dst, x, y)
}

// Sub writes x-y to dst.
func Sub[T Float](dst, x, y []T) {
	binary("Sub", dst, x, y)
	kernel.Sub(dst, x, y)
}

// Mul writes the element-wise product x*y to dst.
func Mul[T Float](dst, x, y []T) {
	binary("Mul", dst, x, y)
	kernel.Mul(dst, x, y)
}

// Sum returns the sum of x in float64, in a fixed order.
func Sum[T Float](x []T) float64 {
	return kernel.Sum(x)
}

// Norm2 returns the Euclidean norm of x, accumulated in float64 without guard against overflow.
func Norm2[T Float](x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

// Max returns the largest element of x, and NaN if x holds one. It panics if x is empty.
func Max[T Float](x []T) T {
	_ = x[0]
	return kernel.Max(x)
}

// ArgMax returns the index of the first largest element of x; NaN is never larger. It panics if x is empty.
func ArgMax[T Float](x []T) int {
	at, m := 0, x[0]
	for i, v := range x {
		if v > m || m != m && v == v {
			at, m = i, v
		}
	}
	return at
}

// AddRow adds v to every row of m: the bias of a layer. v has m.Cols elements.
func AddRow[T Float](m Matrix[T], v []T) {
	m.check("AddRow", "m")
	sameLength("AddRow", m.Cols, len(v))
	for i := range m.Rows {
		kernel.Add(m.Row(i), m.Row(i), v)
	}
}

// AddColumnSums adds the sums of the columns of m to dst, row by row: the gradient of a bias.
// dst has m.Cols elements.
func AddColumnSums[T Float](dst []T, m Matrix[T]) {
	m.check("AddColumnSums", "m")
	sameLength("AddColumnSums", len(dst), m.Cols)
	kernel.AddColumnSums(dst, m.Rows, m.Data, m.Stride)
}

func sameLength(op string, dst, x int) {
	if dst != x {
		shapePanic(ErrShape, "%s: lengths %d and %d differ", op, dst, x)
	}
}

func noPartialOverlap[T Float](op string, dst, x []T) {
	if len(dst) > 0 && &dst[0] != &x[0] && Overlap(dst, x) {
		shapePanic(ErrOverlap, "%s: dst partly overlaps an input", op)
	}
}

func binary[T Float](op string, dst, x, y []T) {
	sameLength(op, len(dst), len(x))
	sameLength(op, len(dst), len(y))
	noPartialOverlap(op, dst, x)
	noPartialOverlap(op, dst, y)
}
