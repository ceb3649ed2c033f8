package tensor

import (
	"unsafe"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// Gemv computes the matrix-vector product
//
//	y = alpha * op(A) * x + beta * y
//
// where op(A) is A or its transpose. With beta 0 the old content of y is not read, with alpha 0 A and x are not. It
// runs on the calling goroutine and does not allocate. It panics, before anything is written, with an error that
// wraps [ErrShape] if the lengths do not fit and [ErrOverlap] if y shares memory with A or x.
func Gemv[T Float](trans Transpose, alpha T, a Matrix[T], x []T, beta T, y []T) {
	a.check("Gemv", "a")
	rows, cols := a.Rows, a.Cols
	if trans {
		rows, cols = cols, rows
	}
	if len(x) != cols || len(y) != rows {
		shapePanic(ErrShape, "Gemv: op(a) is %dx%d, x has %d elements, y has %d", rows, cols, len(x), len(y))
	}
	if Overlap(y, x) || Overlap(y, a.Data[:a.extent()]) {
		shapePanic(ErrOverlap, "Gemv: y shares memory with a or x")
	}
	if alpha == 0 || len(x) == 0 { // a and x are not read
		if beta == 0 {
			clear(y)
		} else {
			kernel.ScaleTo(y, beta, y)
		}
		return
	}
	if trans {
		gemvTrans(a.Rows, a.Cols, alpha, a.Data, a.Stride, x, beta, y)
	} else {
		gemv(a.Rows, a.Cols, alpha, a.Data, a.Stride, x, beta, y)
	}
}

// gemv computes y = alpha*A*x + beta*y for a rows by cols matrix.
func gemv[T Float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	i := 0
	if cols > 0 {
		i = rows &^ 3
		kernel.Gemv(i, cols, alpha, a, lda, x, beta, y)
	}
	for ; i < rows; i++ {
		var v T
		if cols > 0 {
			v = kernel.Dot(a[i*lda:][:cols], x)
		}
		set(&y[i], alpha*v, beta)
	}
}

// gemvTrans computes y = alpha*Aᵀ*x + beta*y for a rows by cols matrix.
func gemvTrans[T Float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	some := rows > 0 && cols > 0 && alpha != 0
	from := 0
	switch {
	case beta == 0 && some && rows%4 != 0: // the first row saves clearing
		kernel.ScaleTo(y, alpha*x[0], a[:cols])
		from = 1
	case beta == 0:
		clear(y)
	case beta != 1:
		kernel.ScaleTo(y, beta, y)
	}
	if !some {
		return
	}
	i := from + (rows-from)&^3
	if i > from {
		kernel.GemvTrans(i-from, cols, alpha, a[from*lda:], lda, x[from:], y)
	}
	for ; i < rows; i++ {
		kernel.Axpy(y, alpha*x[i], a[i*lda:][:cols])
	}
}

// set writes v + beta*y to y without reading y when beta is zero.
func set[T Float](y *T, v, beta T) {
	if beta != 0 {
		v += beta * *y
	}
	*y = v
}

// SquaredDistances writes the squared Euclidean distances between the rows of x and the rows of y:
// dst[i,j] = |x_i - y_j|², x being n by d, y m by d and dst n by m. It is one matrix product and two
// sums per element, |x|² + |y|² - 2xy, clamped at zero: its absolute error grows with the norms, so
// centre data that lies far from the origin. A row's distance to itself in the same matrix is exactly zero.
// It does not allocate after warm-up and panics like [Gemm].
func SquaredDistances[T Float](dst, x, y Matrix[T]) {
	Gemm(NoTrans, Trans, -2, x, y, 0, dst)
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	var norms [256]T // of up to 256 rows of y at a time
	same := x.Cols > 0 && x.Rows > 0 && y.Rows > 0 && unsafe.Pointer(&x.Data[0]) == unsafe.Pointer(&y.Data[0]) &&
		x.Stride == y.Stride
	for j0 := 0; j0 < y.Rows; j0 += len(norms) {
		part := norms[:min(len(norms), y.Rows-j0)]
		for j := range part {
			part[j] = Dot(y.Row(j0+j), y.Row(j0+j))
		}
		for i := range x.Rows {
			r := dst.Row(i)[j0:][:len(part)]
			xx := Dot(x.Row(i), x.Row(i))
			for j, v := range part {
				r[j] = max(xx+v+r[j], 0)
			}
			if d := i - j0; same && d >= 0 && d < len(r) {
				r[d] = 0
			}
		}
	}
}
