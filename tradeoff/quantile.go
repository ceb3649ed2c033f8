package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Quantile is the p-quantile of x with linear interpolation between order statistics, as numpy and R compute it by
// default (type 7 of Hyndman and Fan 1996): the median of 1, 2, 3, 4 is 2.5. Infinities have their places. The error
// wraps [tensor.ErrEmpty], [tensor.ErrNotFinite] for a NaN, or [tensor.ErrRange] for p outside [0, 1].
func Quantile(x []float64, p float64) (float64, error) {
	if len(x) == 0 {
		return 0, fmt.Errorf("tradeoff: Quantile: no values: %w", tensor.ErrEmpty)
	}
	if !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("tradeoff: Quantile: p is %v, want a value in [0, 1]: %w", p, tensor.ErrRange)
	}
	for i, v := range x {
		if v != v {
			return 0, fmt.Errorf("tradeoff: Quantile: x[%d] is NaN: %w", i, tensor.ErrNotFinite)
		}
	}
	return quantile(slices.Sorted(slices.Values(x)), p), nil
}

// quantile is Quantile of sorted values.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	f := at - float64(i)
	if f == 0 || sorted[i] == sorted[i+1] {
		return sorted[i]
	}
	a, b := sorted[i], sorted[i+1]
	if math.IsInf(a, -1) || math.IsInf(b, 1) {
		return infinite(a, b)
	}
	// As numpy does: from the nearer end, so that the result is exact at both.
	if f < 0.5 {
		return a + float64((b-a)*f)
	}
	return b - float64((b-a)*(1-f))
}

// infinite is what lies between two values of which one is infinite.
func infinite(a, b float64) float64 {
	switch {
	case math.IsInf(a, -1) && math.IsInf(b, 1):
		return math.NaN()
	case math.IsInf(b, 1):
		return b
	}
	return a
}
