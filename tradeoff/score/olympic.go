package score

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/tensor"
)

// OlympicMean is the mean of results without the trim smallest and the trim largest, as MLPerf scores the runs of a
// submission (Mattson et al. 2020). A run that did not converge is +Inf and counts as the slowest, so that the mean is
// +Inf if there are more of them than are left out. The error wraps [tensor.ErrEmpty] if nothing is left,
// [tensor.ErrRange] for a negative trim and [tensor.ErrNotFinite] for NaN or -Inf.
func OlympicMean(results []float64, trim int) (float64, error) {
	c := call("OlympicMean")
	return c.olympic("results", results, trim)
}

func (c call) olympic(name string, results []float64, trim int) (float64, error) {
	if trim < 0 {
		return 0, c.errorf("trim is %d, want 0 or more: %w", trim, tensor.ErrRange)
	}
	if len(results) <= 2*trim {
		return 0, c.errorf("%s has %d values, of which %d at each end are left out: %w", name, len(results), trim,
			tensor.ErrEmpty)
	}
	for i, v := range results {
		if v != v || math.IsInf(v, -1) {
			return 0, c.errorf("%s[%d] = %v; a run that did not converge is +Inf: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	sorted := slices.Sorted(slices.Values(results))
	mean := stat.Mean(sorted[trim:len(sorted)-trim], nil)
	return mean, nil
}
