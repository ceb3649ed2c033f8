package tradeoff

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// ExpectedRunTime is the cost spent by all runs per run that reached the target (ERT of Hansen et al. 2009), what
// reaching it costs if failed runs are started anew. Give it [Runs.Spent], where runs that failed count with what
// they had spent. The error is that of [stats.KaplanMeier], or wraps [ErrNotReached]
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
		v := cost(t)
		switch {
		case v-v != 0, t.Time != t.Time:
			return 0, c.errorf("times[%d].Time = %v; a run that failed counts with what it spent: %w", i, t.Time,
				tensor.ErrNotFinite)
		case t.Time < 0:
			return 0, c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrRange)
		}
		total += v
	}
	return total, nil
}
