package causal

import (
	"fmt"
	"slices"
)

// Attributes is auxiliary labels of rows that can have several attributes, or none: a slice of labels 0 and 1 for each
// attribute, in increasing order of the attributes. Every row is there once, whatever it has; one penalty for each
// attribute makes an objective. Copying a row for each of its attributes instead would weight it by their number and
// lose rows that have none. The error wraps [ErrLabelRange] for a negative attribute.
func Attributes(rows [][]int) (attributes []int, v [][]int, err error) {
	seen := map[int]int{}
	for i, own := range rows {
		for _, a := range own {
			if a < 0 {
				return nil, nil, fmt.Errorf("causal: Attributes: row %d has attribute %d, want 0 or more: %w", i, a, ErrLabelRange)
			}
			if _, known := seen[a]; !known {
				seen[a] = 0
				attributes = append(attributes, a)
			}
		}
	}
	slices.Sort(attributes)
	for k, a := range attributes {
		seen[a] = k
		v = append(v, make([]int, len(rows)))
	}
	for i, own := range rows {
		for _, a := range own {
			v[seen[a]][i] = 1
		}
	}
	return attributes, v, nil
}
