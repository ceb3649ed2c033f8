package maddness

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Trees are hash functions, one per codebook: four comparisons of a row's columns with thresholds give one of 16 codes.
// Start at node i = 1; at level l go to node 2i+1 if column Dims[c][l] is greater than Thresholds[c][i] and to 2i if it
// is not, NaN included; after four levels the code is i-16. A threshold of +Inf never goes right. Index 0 is not used.
type Trees struct {
	Dims       [][4]int
	Thresholds [][16]float32
}

// Code returns the code of a row in codebook c. It panics if the row is shorter than a column it looks at.
func (t Trees) Code(c int, row []float32) int {
	i := 1
	for _, d := range t.Dims[c] {
		right := row[d] > t.Thresholds[c][i]
		i *= 2
		if right {
			i++
		}
	}
	return i - 16
}

func (t Trees) clone() Trees {
	return Trees{append([][4]int(nil), t.Dims...), append([][16]float32(nil), t.Thresholds...)}
}

// validate says what keeps the trees from hashing rows of the given number of columns.
func (t Trees) validate(columns int) error {
	switch {
	case len(t.Dims) == 0:
		return fmt.Errorf("trees: there are none: %w", tensor.ErrEmpty)
	case len(t.Dims) != len(t.Thresholds):
		return fmt.Errorf("trees: %d of Dims, %d of Thresholds: %w", len(t.Dims), len(t.Thresholds), tensor.ErrShape)
	case columns < 1:
		return fmt.Errorf("trees: rows of %d columns: %w", columns, tensor.ErrShape)
	}
	for c := range t.Dims {
		for l, d := range t.Dims[c] {
			if d < 0 || d >= columns {
				return fmt.Errorf("trees: Dims[%d][%d] is column %d of %d: %w", c, l, d, columns, tensor.ErrRange)
			}
		}
		for i := 1; i < 16; i++ {
			if v := t.Thresholds[c][i]; v != v {
				return fmt.Errorf("trees: Thresholds[%d][%d] is %v: %w", c, i, v, tensor.ErrNotFinite)
			}
		}
	}
	return nil
}
