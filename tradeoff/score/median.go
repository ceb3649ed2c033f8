package score

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// MedianTime is the median with +Inf for runs that did not reach the target, as AlgoPerf takes it over studies: of an
// even number the mean of the middle two. It is +Inf if half of them or more did not. The error is that of
// [stats.KaplanMeier].
func MedianTime(times []stats.Lifetime) (float64, error) {
	c := call("MedianTime")
	if len(times) == 0 {
		return 0, c.errorf("no runs: %w", tensor.ErrEmpty)
	}
	for i, t := range times {
		switch {
		case t.Time != t.Time || t.Event && math.IsInf(t.Time, 0):
			return 0, c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrNotFinite)
		case t.Time < 0:
			return 0, c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrRange)
		}
	}
	x := make([]float64, len(times))
	for i, t := range times {
		x[i] = t.Time
		if !t.Event {
			x[i] = math.Inf(1)
		}
	}
	return median(x), nil
}

// median sorts x and returns its median, NaN of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	half := len(x) / 2
	if len(x)%2 == 1 || x[half-1] == x[half] {
		return x[half]
	}
	return (x[half-1] + x[half]) / 2
}
