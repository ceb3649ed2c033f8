package sparse

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// CSR is compressed sparse rows as scipy has them: the elements of row i are Data[k] at column Indices[k] for k from
// Indptr[i] to before Indptr[i+1].
type CSR[T tensor.Float] struct {
	Rows, Cols int
	Indptr     []int // Rows+1 of them, from 0 to len(Data)
	Indices    []int // increasing inside a row
	Data       []T
}

// Validate reports the first thing that is wrong: tensor.ErrShape for lengths that do not fit, tensor.ErrRange for
// row starts that fall and for columns outside the matrix, twice in a row or out of order, and tensor.ErrNotFinite
// for elements. scipy's sum_duplicates brings any matrix into this form.
func (c *CSR[T]) Validate() error {
	if !fits(c.Rows, c.Cols) {
		return fmt.Errorf("CSR of %dx%d: %w", c.Rows, c.Cols, tensor.ErrRange)
	}
	if len(c.Indptr)-1 != c.Rows || len(c.Indices) != len(c.Data) {
		return fmt.Errorf("CSR of %d rows with %d row starts, %d columns and %d elements: %w", c.Rows, len(c.Indptr),
			len(c.Indices), len(c.Data), tensor.ErrShape)
	}
	if first, last := c.Indptr[0], c.Indptr[c.Rows]; first != 0 || last != len(c.Data) {
		return fmt.Errorf("CSR: row starts go from %d to %d, want 0 and the %d elements: %w", first, last, len(c.Data),
			tensor.ErrRange)
	}
	for i := range c.Rows {
		lo, hi := c.Indptr[i], c.Indptr[i+1]
		if lo > hi || hi > len(c.Data) {
			return fmt.Errorf("CSR: Indptr[%d] = %d after %d: %w", i+1, hi, lo, tensor.ErrRange)
		}
		before := -1
		for k := lo; k < hi; k++ {
			j := c.Indices[k]
			switch {
			case j < 0 || j >= c.Cols:
				return fmt.Errorf("CSR: row %d: Indices[%d] = %d of %d columns: %w", i, k, j, c.Cols, tensor.ErrRange)
			case j == before:
				return fmt.Errorf("CSR: row %d: column %d is there twice: %w", i, j, tensor.ErrRange)
			case j < before:
				return fmt.Errorf("CSR: row %d: column %d after %d: %w", i, j, before, tensor.ErrRange)
			}
			if v := c.Data[k]; v-v != 0 {
				return fmt.Errorf("CSR: row %d: Data[%d] = %v: %w", i, k, v, tensor.ErrNotFinite)
			}
			before = j
		}
	}
	return nil
}

// FromCSR stores the elements of compressed sparse rows, which it copies. Errors are those of [CSR.Validate] and, for
// [NM], of [New].
func FromCSR[T tensor.Float](c CSR[T], opts ...Option) (*Matrix[T], error) {
	const call = "sparse: FromCSR"
	var cfg config
	err := option.Apply(call, &cfg, opts)
	if fault := c.Validate(); fault != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", call, fault))
	}
	if err != nil {
		return nil, err
	}
	c.Data = append([]T(nil), c.Data...)
	return build(call, &c, cfg)
}

// CSR returns the elements as compressed sparse rows.
func (m *Matrix[T]) CSR() *CSR[T] {
	c := &CSR[T]{Rows: m.rows, Cols: m.cols, Indptr: make([]int, 1, m.rows+1), Indices: make([]int, 0, m.kept),
		Data: make([]T, 0, m.kept)}
	for lo := 0; lo < m.rows; lo += blockRows {
		m.store.appendRows(c, lo, min(lo+blockRows, m.rows))
	}
	return c
}

// reset makes room for rows.
func (c *CSR[T]) reset() {
	c.Indptr, c.Indices, c.Data = append(c.Indptr[:0], 0), c.Indices[:0], c.Data[:0]
}

// endRow says that the elements of a row are all there.
func (c *CSR[T]) endRow() { c.Indptr = append(c.Indptr, len(c.Data)) }

func (c *CSR[T]) add(column int, v T) {
	c.Indices, c.Data = append(c.Indices, column), append(c.Data, v)
}
