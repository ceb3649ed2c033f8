package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Upweighted is the weights of just train twice (Liu et al. 2021): factor for rows that a first model gets wrong, and 1
// for the others. It needs no auxiliary labels, but a validation set with them to choose when the first model stops.
// The error wraps [tensor.ErrRange] unless factor is at least 1.
func Upweighted(wrong []bool, factor float64) ([]float64, error) {
	if !(factor >= 1) {
		return nil, fmt.Errorf("causal: Upweighted: factor is %v, want 1 or more: %w", factor, tensor.ErrRange)
	}
	w := make([]float64, len(wrong))
	for i, bad := range wrong {
		w[i] = 1
		if bad {
			w[i] = factor
		}
	}
	return w, nil
}
