package amm

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// shape is that of the matrix which an approximator stands for.
type shape struct{ columns, outputs int } // D, M

func shapeOf(b tensor.Matrix[float32]) shape { return shape{b.Rows, b.Cols} }

// check judges the arguments of Mul.
func (s shape) check(dst, a tensor.Matrix[float32]) error {
	err := errors.Join(wellFormed("dst", dst), wellFormed("a", a))
	switch {
	case err != nil:
	case a.Cols != s.columns:
		err = fmt.Errorf("amm: a has %d columns, want %d: %w", a.Cols, s.columns, tensor.ErrShape)
	case dst.Rows != a.Rows || dst.Cols != s.outputs:
		err = fmt.Errorf("amm: dst is %dx%d, want %dx%d: %w", dst.Rows, dst.Cols, a.Rows, s.outputs, tensor.ErrShape)
	case dst.Overlaps(a):
		err = fmt.Errorf("amm: dst shares memory with a: %w", tensor.ErrOverlap)
	}
	return err
}

// checkT judges the arguments of MulT.
func (s shape) checkT(dst, a tensor.Matrix[float32]) error {
	err := errors.Join(wellFormed("dst", dst), wellFormed("a", a))
	switch {
	case err != nil:
	case a.Rows != s.columns:
		err = fmt.Errorf("amm: a has %d rows, one for each column of the data; want %d: %w",
			a.Rows, s.columns, tensor.ErrShape)
	case dst.Rows != s.outputs || dst.Cols != a.Cols:
		err = fmt.Errorf("amm: dst is %dx%d, want %dx%d: %w", dst.Rows, dst.Cols, s.outputs, a.Cols, tensor.ErrShape)
	case dst.Overlaps(a):
		err = fmt.Errorf("amm: dst shares memory with a: %w", tensor.ErrOverlap)
	}
	return err
}

func wellFormed(name string, m tensor.Matrix[float32]) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("amm: %s: %w", name, err)
	}
	return nil
}

// checkMatrix refuses what cannot be learned from or multiplied with: nothing, a malformed view, a NaN or an
// infinity.
func checkMatrix(name string, m tensor.Matrix[float32]) error {
	if err := wellFormed(name, m); err != nil {
		return err
	}
	if m.Rows == 0 || m.Cols == 0 {
		return fmt.Errorf("amm: %s is %dx%d: %w", name, m.Rows, m.Cols, tensor.ErrEmpty)
	}
	for i := range m.Rows {
		if tensor.ValidateFinite(name, m.Row(i)) == nil {
			continue
		}
		for j, v := range m.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("amm: %s[%d,%d] is %v: %w", name, i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	return nil
}

// checkPair judges training rows and the matrix.
func checkPair(a, b tensor.Matrix[float32]) error {
	if err := errors.Join(checkMatrix("a", a), checkMatrix("b", b)); err != nil {
		return err
	}
	if a.Cols != b.Rows {
		return fmt.Errorf("amm: a has %d columns, b %d rows: %w", a.Cols, b.Rows, tensor.ErrShape)
	}
	return nil
}

// checkSize judges a number of dimensions or codebooks.
func checkSize(name string, n, most int, of string) error {
	if n < 1 || n > most {
		return fmt.Errorf("amm: %s is %d, want 1 to %d, %s: %w", name, n, most, of, tensor.ErrRange)
	}
	return nil
}
