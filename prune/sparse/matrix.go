package sparse

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Matrix is the weights of a linear layer, outputs by inputs, of which only some elements are kept. It is immutable
// and safe for concurrent use. The zero Matrix is one of 0 by 0.
type Matrix[T tensor.Float] struct {
	rows, cols, kept int
	config           config
	store            storage[T]
	jobs             *sync.Pool // of *job[T]
}

// storage is the elements of a matrix in one format.
type storage[T tensor.Float] interface {
	bytes() int
	// appendRows appends rows [lo, hi) to c.
	appendRows(c *CSR[T], lo, hi int)
}

// New stores the elements of w, outputs by inputs, that mask keeps: one bit per element in row-major order, as masks
// of package prune have them. Zeros that are kept stay elements, and what is pruned is not looked at. A nil mask
// keeps what is not zero. New copies; w may change afterwards.
//
// Errors wrap tensor.ErrShape if the mask does not fit, tensor.ErrNotFinite for a kept element, tensor.ErrRange for
// more than n elements in a group of m, and say which.
func New[T tensor.Float](w tensor.Matrix[T], mask *prune.Mask, opts ...Option) (*Matrix[T], error) {
	const call = "sparse: New"
	var c config
	err := option.Apply(call, &c, opts)
	if fault := checkMasked(w, mask); fault != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", call, fault))
	}
	if err != nil {
		return nil, err
	}
	e, err := gather(w, mask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	return build(call, e, c)
}

func checkMasked[T tensor.Float](w tensor.Matrix[T], mask *prune.Mask) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if !fits(w.Rows, w.Cols) {
		return fmt.Errorf("w is %dx%d: too many elements to count: %w", w.Rows, w.Cols, tensor.ErrRange)
	}
	if mask != nil && mask.Len() != w.Rows*w.Cols {
		return fmt.Errorf("a mask of %d elements for w of %dx%d: %w", mask.Len(), w.Rows, w.Cols, tensor.ErrShape)
	}
	return nil
}

// fits reports whether the elements can be counted.
func fits(rows, cols int) bool {
	hi, lo := bits.Mul64(uint64(rows), uint64(cols))
	return rows >= 0 && cols >= 0 && hi == 0 && lo <= uint64(^uint(0)>>1)
}

// gather collects the elements kept.
func gather[T tensor.Float](w tensor.Matrix[T], mask *prune.Mask) (*CSR[T], error) {
	e := &CSR[T]{Rows: w.Rows, Cols: w.Cols, Indptr: make([]int, 1, w.Rows+1)}
	if mask != nil {
		n := mask.Count()
		e.Indices, e.Data = make([]int, 0, n), make([]T, 0, n)
	}
	for i := range w.Rows {
		for j, v := range w.Row(i) {
			if mask == nil && v == 0 || mask != nil && !mask.Keep(i*w.Cols+j) {
				continue
			}
			if v-v != 0 {
				return nil, fmt.Errorf("w[%d, %d] = %v: %w", i, j, v, tensor.ErrNotFinite)
			}
			e.Indices, e.Data = append(e.Indices, j), append(e.Data, v)
		}
		e.Indptr = append(e.Indptr, len(e.Data))
	}
	return e, nil
}

// mostElements is how many elements, kept or not, there may be in a format that has a place for each.
const mostElements = 1 << (20 + bits.UintSize/4)

// build stores elements that are known to be right. It may keep e.Data.
func build[T tensor.Float](call string, e *CSR[T], c config) (*Matrix[T], error) {
	m := &Matrix[T]{rows: e.Rows, cols: e.Cols, kept: len(e.Data), config: c,
		jobs: &sync.Pool{New: func() any { return newJob[T]() }}}
	var err error
	switch c.format {
	case Panels:
		m.store = newPanels(e)
		return m, nil
	case Compressed:
		if m.store, err = newCompressed(e); err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
		return m, nil
	}
	if float64(e.Rows)*float64(e.Cols) > mostElements {
		return nil, fmt.Errorf("%s: %dx%d are too many elements for format %v: %w", call, e.Rows, e.Cols, c.format,
			tensor.ErrRange)
	}
	switch c.format {
	case Bitmask:
		m.store = newBitmask(e)
	case NM:
		m.store, err = newNM(e, c.n, c.m)
	case Dense:
		m.store = newDense(e)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	return m, nil
}

// Convert returns the same elements in another format or with other workers; what is not chosen stays. The error
// wraps tensor.ErrRange for more than n elements in a group of m.
func (m *Matrix[T]) Convert(opts ...Option) (*Matrix[T], error) {
	const call = "sparse: Convert"
	c := m.config
	if err := option.Apply(call, &c, opts); err != nil {
		return nil, err
	}
	if same := m.config; c.format == same.format && c.n == same.n && c.m == same.m && m.store != nil {
		again := *m
		again.config = c
		return &again, nil
	}
	return build(call, m.CSR(), c)
}

// Rows is the number of outputs.
func (m *Matrix[T]) Rows() int { return m.rows }

// Cols is the number of inputs.
func (m *Matrix[T]) Cols() int { return m.cols }

// Kept is the number of elements, zeros that are kept among them.
func (m *Matrix[T]) Kept() int { return m.kept }

// Format is how they are stored.
func (m *Matrix[T]) Format() Format { return m.config.format }

// Bytes is the size of the arrays of values, indices and masks that a product reads. Not counted are a word for every
// 256 rows that says where they begin, and the mask that a [Dense] matrix has beside its values. A plain dense matrix
// takes Rows*Cols values.
func (m *Matrix[T]) Bytes() int {
	if m.store == nil {
		return 0
	}
	return m.store.bytes()
}

// Mask is which elements are kept, in row-major order.
func (m *Matrix[T]) Mask() *prune.Mask {
	mask := prune.NewMask(m.rows * m.cols).Not()
	m.each(func(i int, columns []int, _ []T) {
		for _, j := range columns {
			mask.Set(i*m.cols+j, true)
		}
	})
	return mask
}

// Dense is the matrix with zeros for what is pruned.
func (m *Matrix[T]) Dense() tensor.Matrix[T] {
	w := tensor.NewMatrix[T](m.rows, m.cols)
	m.each(func(i int, columns []int, values []T) {
		for k, j := range columns {
			w.Data[i*w.Stride+j] = values[k]
		}
	})
	return w
}

// each visits the rows in order.
func (m *Matrix[T]) each(visit func(i int, columns []int, values []T)) {
	var c CSR[T]
	for lo := 0; lo < m.rows; lo += blockRows {
		c.reset()
		hi := min(lo+blockRows, m.rows)
		m.store.appendRows(&c, lo, hi)
		for i := lo; i < hi; i++ {
			a, b := c.Indptr[i-lo], c.Indptr[i-lo+1]
			visit(i, c.Indices[a:b], c.Data[a:b])
		}
	}
}

// MulVec computes dst = W x. The elements of a row are added from left to right, product and sum rounded once, which
// gives the bits of [Matrix.MulBatch]. A row without elements gives 0 whatever x is. dst may hold anything; it does
// not allocate after warm-up.
//
// Errors wrap tensor.ErrShape, and tensor.ErrOverlap if dst shares memory with x; nothing is written then. NaN and
// infinities in x reach the rows that keep their column, as arithmetic has it.
func (m *Matrix[T]) MulVec(dst, x []T) error {
	if len(x) != m.cols || len(dst) != m.rows {
		return fmt.Errorf("sparse: MulVec: a matrix of %dx%d, x has %d elements, dst has %d: %w", m.rows, m.cols, len(x),
			len(dst), tensor.ErrShape)
	}
	if tensor.Overlap(dst, x) {
		return fmt.Errorf("sparse: MulVec: dst shares memory with x: %w", tensor.ErrOverlap)
	}
	m.mul(tensor.Matrix[T]{Rows: 1, Cols: len(dst), Stride: len(dst), Data: dst},
		tensor.Matrix[T]{Rows: 1, Cols: len(x), Stride: len(x), Data: x})
	return nil
}

// MulBatch computes dst = x Wᵀ, x having a row for each example and dst too: Rows of x by Cols of W, and by Rows of
// W. Every row of dst has the bits that [Matrix.MulVec] gives, for any number of rows and workers. Errors are those
// of MulVec.
func (m *Matrix[T]) MulBatch(dst, x tensor.Matrix[T]) error {
	if err := errors.Join(dst.Validate(), x.Validate()); err != nil {
		return fmt.Errorf("sparse: MulBatch: %w", err)
	}
	if x.Cols != m.cols || dst.Cols != m.rows || dst.Rows != x.Rows {
		return fmt.Errorf("sparse: MulBatch: a matrix of %dx%d, x is %dx%d, dst is %dx%d: %w", m.rows, m.cols, x.Rows,
			x.Cols, dst.Rows, dst.Cols, tensor.ErrShape)
	}
	if dst.Overlaps(x) {
		return fmt.Errorf("sparse: MulBatch: dst shares memory with x: %w", tensor.ErrOverlap)
	}
	m.mul(dst, x)
	return nil
}

func sizeOf[T tensor.Float]() int { return int(unsafe.Sizeof(T(0))) }
