package tradeoff

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// OlympicMean is the mean of results without the drop smallest and the drop largest, as MLPerf scores the runs of a
// submission (Mattson et al. 2020). A run that did not converge is +Inf and counts as the slowest, so that the mean is
// +Inf if there are more of them than are dropped. The error wraps [tensor.ErrEmpty] if nothing is left,
// [tensor.ErrRange] for a negative drop and [tensor.ErrNotFinite] for NaN or -Inf.
func OlympicMean(results []float64, drop int) (float64, error) {
	c := call("OlympicMean")
	return c.olympic("results", results, drop)
}

func (c call) olympic(name string, results []float64, drop int) (float64, error) {
	if drop < 0 {
		return 0, c.errorf("drop is %d, want 0 or more: %w", drop, tensor.ErrRange)
	}
	if len(results) <= 2*drop {
		return 0, c.errorf("%s has %d values, of which %d at each end are dropped: %w", name, len(results), drop,
			tensor.ErrEmpty)
	}
	for i, v := range results {
		if v != v || math.IsInf(v, -1) {
			return 0, c.errorf("%s[%d] = %v; a run that did not converge is +Inf: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	sorted := slices.Sorted(slices.Values(results))
	mean, _ := moments(sorted[drop : len(sorted)-drop])
	return mean, nil
}
