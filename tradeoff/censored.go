package tradeoff

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// medianSpeedup is the ratio of medians, which can do with runs that did not reach the target.
func medianSpeedup(arms [2][]stats.Lifetime, opts []stats.Option) (stats.Estimate, error) {
	settings, err := stats.Read(opts...)
	if err != nil {
		return stats.Estimate{}, err
	}
	x, censored := logTimes(arms)
	if settings.Interval == stats.LogT {
		return stats.Estimate{}, fmt.Errorf("%d runs did not reach it, and a t interval has no place for them; "+
			"use stats.WithInterval(stats.Percentile): %w", censored, ErrNotReached)
	}
	b, m := medianTime(slices.Clone(x[0])), medianTime(slices.Clone(x[1]))
	for k, v := range []float64{b, m} {
		if math.IsInf(v, 1) {
			return stats.Estimate{},
				fmt.Errorf("%d of the %d runs of the %s did not reach it; compare KaplanMeier curves by LogRank: %w",
					len(arms[k])-reached(arms[k]), len(x[k]), [2]string{"baseline", "method"}[k], ErrNotReached)
		}
	}
	all := slices.Concat(x[0], x[1])
	boot, err := stats.Resample(context.Background(), stats.Samples(len(x[0]), len(x[1])), 1,
		func() func([]int, []float64) {
			base, method := make([]float64, 0, len(x[0])), make([]float64, 0, len(x[1]))
			return func(drawn []int, out []float64) {
				base, method = base[:0], method[:0]
				for _, run := range drawn {
					if run < len(x[0]) {
						base = append(base, all[run])
					} else {
						method = append(method, all[run])
					}
				}
				out[0] = math.Exp(medianTime(base) - medianTime(method))
			}
		}, opts...)
	if err != nil {
		return stats.Estimate{}, err
	}
	e, err := boot.Estimate(0)
	if err != nil {
		return stats.Estimate{}, err
	}
	e.Lo = max(e.Lo, 0) // where neither arm of a replicate reached it
	if censored > 0 {
		e.Warnings = append(e.Warnings, fmt.Errorf("%d of %d runs did not reach the target and count as infinite in a "+
			"ratio of medians: %w", censored, len(all), ErrNotReached))
	}
	return e, nil
}

// reached counts the runs that reached the target.
func reached(times []stats.Lifetime) int {
	n := 0
	for _, t := range times {
		if t.Event {
			n++
		}
	}
	return n
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

// checkTimes refuses times to a quality that have no logarithm.
func (c call) checkTimes(name string, times []stats.Lifetime) error {
	if len(times) == 0 {
		return c.errorf("%s has no times: %w", name, tensor.ErrEmpty)
	}
	for i, t := range times {
		switch {
		case t.Time != t.Time, math.IsInf(t.Time, -1), t.Event && t.Time-t.Time != 0:
			return c.errorf("%s[%d].Time = %v; a run that did not reach the target is censored at its last cost, "+
				"one that failed at +Inf: %w", name, i,
				t.Time, tensor.ErrNotFinite)
		case t.Time <= 0:
			return c.errorf("%s[%d].Time = %v: %w", name, i, t.Time, ErrNonPositive)
		}
	}
	return nil
}
