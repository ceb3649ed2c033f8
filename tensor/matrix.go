package tensor

import (
	"fmt"
	"math/bits"
	"unsafe"

	"golang.org/x/exp/constraints"
)

// Float is the set of element types: float32 and float64 and types derived from them.
type Float = constraints.Float

// Matrix is a row-major view over a caller's slice: element (i, j) is Data[i*Stride+j].
// It is a small value; copying it copies the view and not the elements. The zero Matrix is empty.
// Fields and order are those of gonum's blas32.General, so that
// blas32.General(m) and Matrix[float32](g) convert for free.
type Matrix[T Float] struct {
	Rows, Cols int
	Stride     int // elements from one row to the next, at least Cols
	Data       []T // at least (Rows-1)*Stride+Cols elements
}

// Of views data as a rows by cols matrix without copying. It panics with an error wrapping
// [ErrShape] unless rows and cols are non-negative and len(data) is exactly rows*cols.
func Of[T Float](rows, cols int, data []T) Matrix[T] {
	if rows < 0 || cols < 0 || len(data) != rows*cols {
		shapePanic(ErrShape, "Of: %d elements cannot be viewed as %dx%d", len(data), rows, cols)
	}
	return Matrix[T]{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// NewMatrix allocates a zeroed rows by cols matrix. It panics if a dimension is negative.
func NewMatrix[T Float](rows, cols int) Matrix[T] {
	if rows < 0 || cols < 0 {
		shapePanic(ErrShape, "NewMatrix: negative dimension %dx%d", rows, cols)
	}
	return Of(rows, cols, make([]T, rows*cols))
}

// Validate reports whether the view is well formed: dimensions are not negative, rows do not
// overlap and all of them lie inside Data. The error wraps [ErrShape] and names the field.
func (m Matrix[T]) Validate() error {
	switch {
	case m.Rows < 0 || m.Cols < 0:
		return fmt.Errorf("tensor: matrix is %dx%d: negative dimension: %w", m.Rows, m.Cols, ErrShape)
	case m.Rows == 0 || m.Cols == 0:
		return nil
	case m.Stride < m.Cols:
		return fmt.Errorf("tensor: matrix is %dx%d with stride %d: stride is less than the columns: %w",
			m.Rows, m.Cols, m.Stride, ErrShape)
	case len(m.Data)-m.Cols < 0 || (len(m.Data)-m.Cols)/m.Stride < m.Rows-1:
		return fmt.Errorf("tensor: matrix is %dx%d with stride %d but has only %d elements: %w",
			m.Rows, m.Cols, m.Stride, len(m.Data), ErrShape)
	}
	return nil
}

// Row returns row i as a slice of Cols elements that aliases the matrix.
func (m Matrix[T]) Row(i int) []T {
	if m.Cols == 0 {
		return nil // a view without columns need not have data
	}
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// At returns element (i, j). Like a slice index it panics when i or j is out of range.
func (m Matrix[T]) At(i, j int) T { return m.Row(i)[j] }

// Set writes element (i, j). Like a slice index it panics when i or j is out of range.
func (m Matrix[T]) Set(i, j int, v T) { m.Row(i)[j] = v }

// Slice returns the view of rows [i0, i1) and columns [j0, j1). It shares memory with m.
func (m Matrix[T]) Slice(i0, i1, j0, j1 int) Matrix[T] {
	if i0 < 0 || i1 < i0 || i1 > m.Rows || j0 < 0 || j1 < j0 || j1 > m.Cols {
		shapePanic(ErrShape, "Slice: [%d:%d, %d:%d] of a %dx%d matrix", i0, i1, j0, j1, m.Rows, m.Cols)
	}
	s := Matrix[T]{Rows: i1 - i0, Cols: j1 - j0, Stride: m.Stride}
	if s.Rows > 0 && s.Cols > 0 {
		s.Data = m.Data[i0*m.Stride+j0 : (i1-1)*m.Stride+j1]
	}
	return s
}

// check panics with op, the argument's name and what is wrong if the view is malformed.
func (m *Matrix[T]) check(op, name string) {
	if !m.valid() {
		panic(fmt.Errorf("tensor: %s: %s: %w", op, name, m.Validate()))
	}
}

// valid is Validate without its explanations, for calls that last no longer than an explanation takes.
func (m *Matrix[T]) valid() bool {
	if m.Rows <= 0 || m.Cols <= 0 {
		return m.Rows >= 0 && m.Cols >= 0
	}
	if uint(m.Rows|m.Stride)>>(bits.UintSize/2-1) != 0 { // the product might overflow
		return m.Validate() == nil
	}
	return m.Stride >= m.Cols && (m.Rows-1)*m.Stride+m.Cols <= len(m.Data)
}

// extent is the number of elements from the first to the last of the view.
func (m *Matrix[T]) extent() int {
	if m.Rows == 0 || m.Cols == 0 {
		return 0
	}
	return (m.Rows-1)*m.Stride + m.Cols
}

// Overlap reports whether two slices share memory.
func Overlap[T any](x, y []T) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	x0, y0 := uintptr(unsafe.Pointer(&x[0])), uintptr(unsafe.Pointer(&y[0]))
	size := unsafe.Sizeof(x[0])
	return x0 < y0+uintptr(len(y))*size && y0 < x0+uintptr(len(x))*size
}

// apart reports whether two slices certainly share no memory. It is inlined, which small products notice.
func apart[T Float](x, y []T) bool {
	x0, y0 := uintptr(unsafe.Pointer(unsafe.SliceData(x))), uintptr(unsafe.Pointer(unsafe.SliceData(y)))
	size := unsafe.Sizeof(x[0])
	return x0+uintptr(len(x))*size <= y0 || y0+uintptr(len(y))*size <= x0
}

// Overlaps reports whether two views share an element. Disjoint column ranges of one parent,
// such as the heads of an attention layer, do not.
func (m Matrix[T]) Overlaps(o Matrix[T]) bool { return m.overlaps(&o) }

func (m *Matrix[T]) overlaps(o *Matrix[T]) bool {
	return Overlap(m.Data[:m.extent()], o.Data[:o.extent()]) && m.interleaves(o)
}

// interleaves tells whether views whose ranges of addresses overlap share an element.
func (m *Matrix[T]) interleaves(o *Matrix[T]) bool {
	if m.Stride != o.Stride || m.Rows <= 1 || o.Rows <= 1 {
		return true
	}
	size := int(unsafe.Sizeof(m.Data[0]))
	d := int(uintptr(unsafe.Pointer(&o.Data[0]))-uintptr(unsafe.Pointer(&m.Data[0]))) / size
	if d < 0 { // o starts before m: measure from the earlier one
		m, o, d = o, m, -d
	}
	c := d % m.Stride // column of o's first element in rows counted from m
	return c < m.Cols || c+o.Cols > m.Stride
}
