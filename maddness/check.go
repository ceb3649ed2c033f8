package maddness

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// checkRows judges training rows: at least one, finite, and a column for each codebook.
func (o *config) checkRows(a tensor.Matrix[float32]) error {
	if err := checkView("a", a); err != nil {
		return err
	}
	if a.Rows > math.MaxInt32 {
		return fmt.Errorf("maddness: a has %d rows, more than can be counted: %w", a.Rows, tensor.ErrRange)
	}
	if o.columns == nil && a.Cols < o.codebooks {
		return fmt.Errorf("maddness: a has %d columns for %d codebooks; want at least as many, or a smaller "+
			"WithCodebooks: %w",
			a.Cols, o.codebooks, ErrColumns)
	}
	return nil
}

// checkMatrix judges b and whether it fits a.
func checkMatrix(a, b tensor.Matrix[float32]) error {
	if err := checkView("b", b); err != nil {
		return err
	}
	if b.Rows != a.Cols && b.Cols == a.Cols {
		return fmt.Errorf("maddness: b has %d rows, a %d columns, as many as b: if they are outputs by columns, transpose "+
			"b, or give Fit WithTransposed: %w", b.Rows, a.Cols, tensor.ErrShape)
	}
	if b.Rows != a.Cols {
		return fmt.Errorf("maddness: b has %d rows, a %d columns: %w", b.Rows, a.Cols, tensor.ErrShape)
	}
	return nil
}

// checkOutputs judges the options that depend on the number of outputs or codebooks.
func (o *config) checkOutputs(outputs int) error {
	if o.bias != nil && len(o.bias) != outputs {
		return fmt.Errorf("maddness: WithBias has %d elements for %d outputs: %w", len(o.bias), outputs, tensor.ErrShape)
	}
	if err := o.aggregation.validate(o.codebooks); err != nil {
		return fmt.Errorf("maddness: WithAggregation: %w", err)
	}
	return nil
}

// checkView refuses a matrix that is malformed, empty or not finite.
func checkView(name string, m tensor.Matrix[float32]) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("maddness: %s: %w", name, err)
	}
	if m.Rows == 0 || m.Cols == 0 {
		return fmt.Errorf("maddness: %s is %dx%d: %w", name, m.Rows, m.Cols, tensor.ErrEmpty)
	}
	for i := range m.Rows {
		if tensor.ValidateFinite(name, m.Row(i)) == nil {
			continue
		}
		for j, v := range m.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("maddness: %s[%d,%d] is %v: %w", name, i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	return nil
}
