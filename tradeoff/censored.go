package tradeoff

import (
	"fmt"
	"math"
	"slices"
)

// medianSpeedup is the ratio of medians, which can do with runs that did not reach the target.
func (c *config) medianSpeedup(arms [2][]Time) (Estimate, error) {
	x, censored := logTimes(arms)
	n := min(len(x[0]), len(x[1]))
	e := Estimate{Level: c.level, Method: c.method, N: n, Warnings: warnings(Percentile, n, equal(x[0]) && equal(x[1]))}
	if censored > 0 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%d of %d runs did not reach the target within their budgets and count as infinite in a ratio of medians: %w",
			censored, len(x[0])+len(x[1]), ErrNotReached))
	}
	switch c.method {
	case Auto:
		e.Method = Percentile
	case LogT:
		return Estimate{}, fmt.Errorf("%d runs did not reach it, and a t interval has no place for them; use WithMethod(Percentile): %w", censored, ErrNotReached)
	}
	b, m := medianTime(slices.Clone(x[0])), medianTime(slices.Clone(x[1]))
	for k, v := range []float64{b, m} {
		if math.IsInf(v, 1) {
			missed := 0
			for _, t := range arms[k] {
				if !t.Reached {
					missed++
				}
			}
			return Estimate{}, fmt.Errorf("%d of the %d runs of the %s did not reach it; compare KaplanMeier curves by LogRank: %w",
				missed, len(x[k]), [2]string{"baseline", "method"}[k], ErrNotReached)
		}
	}
	stat := func(b, m []float64) float64 { return math.Exp(medianTime(b) - medianTime(m)) }
	e.Value = math.Exp(b - m)
	var influence [][]float64
	if e.Method == BCa {
		influence = [][]float64{
			influences(jackknife(x[0], func(b []float64) float64 { return stat(b, slices.Clone(x[1])) })),
			influences(jackknife(x[1], func(m []float64) float64 { return stat(slices.Clone(x[0]), m) })),
		}
	}
	var err error
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, c.twoSamples(x[0], x[1], stat), influence); err != nil {
		return Estimate{}, err
	}
	e.Lo = max(e.Lo, 0) // where neither arm of a replicate reached it
	if n < 2 {
		e.Lo, e.Hi = 0, math.Inf(1) // a run drawn from one run is always the same
	}
	return e, nil
}

// medianTime is the median of logarithms of times; of the middle two it is that of their mean time.
func medianTime(logs []float64) float64 {
	slices.Sort(logs)
	half := len(logs) / 2
	if len(logs)%2 == 1 || logs[half-1] == logs[half] {
		return logs[half]
	}
	return math.Log((math.Exp(logs[half-1]) + math.Exp(logs[half])) / 2)
}
