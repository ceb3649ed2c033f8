package sparse

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// ONNX is a matrix as ONNX's SparseTensorProto has it.
type ONNX[T tensor.Float] struct {
	Dims   []int64 // rows, columns
	Values []T
	// Indices are row and column of each value, [len(Values), 2] in row-major order, or row*columns+column of each,
	// [len(Values)]. Both are in increasing order.
	Indices []int64
}

// mostRows bounds what dimensions alone can make [FromONNX] allocate.
const mostRows = 1 << 26

// FromONNX stores the elements of a sparse tensor of two dimensions. Errors wrap tensor.ErrShape for lengths that do
// not fit, tensor.ErrRange for more than 2^26 rows, and otherwise are those of [FromCSR].
func FromONNX[T tensor.Float](o ONNX[T], opts ...Option) (*Matrix[T], error) {
	const call = "sparse: FromONNX"
	var c config
	err := option.Apply(call, &c, opts)
	e, fault := o.rows()
	if fault == nil {
		fault = e.Validate()
	}
	if fault != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", call, fault))
	}
	if err != nil {
		return nil, err
	}
	return build(call, e, c)
}

// rows sorts the elements into rows; that columns are in order is for CSR.Validate to see.
func (o *ONNX[T]) rows() (*CSR[T], error) {
	if len(o.Dims) != 2 {
		return nil, fmt.Errorf("ONNX: %d dimensions, want 2: %w", len(o.Dims), tensor.ErrShape)
	}
	rows, cols := int(o.Dims[0]), int(o.Dims[1])
	if int64(rows) != o.Dims[0] || int64(cols) != o.Dims[1] || !fits(rows, cols) || rows > mostRows {
		return nil, fmt.Errorf("ONNX: dimensions %d: %w", o.Dims, tensor.ErrRange)
	}
	pairs := len(o.Indices) != len(o.Values)
	if pairs && len(o.Indices) != 2*len(o.Values) {
		return nil, fmt.Errorf("ONNX: %d indices of %d values, want one or two of each: %w", len(o.Indices),
			len(o.Values), tensor.ErrShape)
	}
	e := &CSR[T]{Rows: rows, Cols: cols}
	e.reset()
	for k, v := range o.Values {
		i, j := int64(0), int64(0)
		if pairs {
			i, j = o.Indices[2*k], o.Indices[2*k+1]
		} else if cols > 0 {
			i, j = o.Indices[k]/int64(cols), o.Indices[k]%int64(cols)
		}
		if i < 0 || i >= int64(rows) || j < 0 || j >= int64(cols) {
			return nil, fmt.Errorf("ONNX: value %d at row %d, column %d of %dx%d: %w", k, i, j, rows, cols, tensor.ErrRange)
		}
		if int(i) < len(e.Indptr)-1 {
			return nil, fmt.Errorf("ONNX: value %d is in row %d, after one of row %d: %w", k, i, len(e.Indptr)-1,
				tensor.ErrRange)
		}
		for int(i) > len(e.Indptr)-1 {
			e.endRow()
		}
		e.add(int(j), v)
	}
	for len(e.Indptr) <= rows {
		e.endRow()
	}
	return e, nil
}

// ONNX returns the elements with their rows and columns.
func (m *Matrix[T]) ONNX() ONNX[T] {
	o := ONNX[T]{Dims: []int64{int64(m.rows), int64(m.cols)}, Values: make([]T, 0, m.kept),
		Indices: make([]int64, 0, 2*m.kept)}
	m.each(func(i int, columns []int, values []T) {
		for _, j := range columns {
			o.Indices = append(o.Indices, int64(i), int64(j))
		}
		o.Values = append(o.Values, values...)
	})
	return o
}
