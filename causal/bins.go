package causal

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Bins cuts a continuous auxiliary label at its quantiles into levels 0 to n-1 of about the same number of rows, for
// [FitWeights]. Equal values share a level, so ties can leave levels out. n is 2 or more. The error wraps
// [tensor.ErrRange], [tensor.ErrEmpty] or [tensor.ErrNotFinite].
func Bins(x []float64, n int) ([]int, error) {
	if n < 2 {
		return nil, fmt.Errorf("causal: Bins: %d levels, want 2 or more: %w", n, tensor.ErrRange)
	}
	if len(x) == 0 {
		return nil, fmt.Errorf("causal: Bins: no values: %w", tensor.ErrEmpty)
	}
	if err := tensor.ValidateFinite("x", x); err != nil {
		return nil, fmt.Errorf("causal: Bins: %w", err)
	}
	sorted := slices.Sorted(slices.Values(x))
	level := make([]int, len(x))
	for i, v := range x {
		below, _ := slices.BinarySearch(sorted, v)
		level[i] = below * n / len(x)
	}
	return level, nil
}
