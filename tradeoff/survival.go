package tradeoff

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// ExpectedRunTime is the cost spent by all runs per run that reached the target (ERT of Hansen et al. 2009), what
// reaching it costs if failed runs are started anew. The error is that of [stats.KaplanMeier], or wraps [ErrNotReached]
// if none did.
func ExpectedRunTime(times []stats.Lifetime) (float64, error) {
	c := call("ExpectedRunTime")
	total, err := c.sum(times, func(t stats.Lifetime) float64 { return t.Time })
	if err != nil {
		return 0, err
	}
	n := reached(times)
	if n == 0 {
		return 0, c.errorf("none of %d runs reached the target: %w", len(times), ErrNotReached)
	}
	return total / float64(n), nil
}

// PAR10 is the mean cost with ten times the limit, above 0, for each run that did not reach the target: the penalised
// average of algorithm selection. The error is that of [stats.KaplanMeier], or wraps [tensor.ErrRange] for the limit.
func PAR10(times []stats.Lifetime, limit float64) (float64, error) {
	c := call("PAR10")
	if !(limit > 0) || math.IsInf(limit, 1) {
		return 0, c.errorf("limit is %v, want a finite cost above 0: %w", limit, tensor.ErrRange)
	}
	total, err := c.sum(times, func(t stats.Lifetime) float64 {
		if t.Event {
			return t.Time
		}
		return 10 * limit
	})
	return total / float64(max(1, len(times))), err
}

// sum adds up a cost of each run.
func (c call) sum(times []stats.Lifetime, cost func(stats.Lifetime) float64) (float64, error) {
	if len(times) == 0 {
		return 0, c.errorf("no runs: %w", tensor.ErrEmpty)
	}
	total := 0.0
	for i, t := range times {
		switch {
		case t.Time-t.Time != 0:
			return 0, c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrNotFinite)
		case t.Time < 0:
			return 0, c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrRange)
		}
		total += cost(t)
	}
	return total, nil
}

// MedianTime is the median with +Inf for runs that did not reach the target, as AlgoPerf takes it over studies: of an
// even number the mean of the middle two. It is +Inf if half of them or more did not. The error is that of
// [stats.KaplanMeier].
func MedianTime(times []stats.Lifetime) (float64, error) {
	if _, err := call("MedianTime").sum(times, func(t stats.Lifetime) float64 { return t.Time }); err != nil {
		return 0, err
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
