package tradeoff

import (
	"fmt"
	"math"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Needed is how many runs tell a speedup from none.
type Needed struct {
	Runs    int     `json:"runs"`    // of each arm, in total
	Speedup float64 `json:"speedup"` // to be told from 1
	SD      float64 `json:"sd"`      // of the logarithms of the times, pooled over the arms
	Power   float64 `json:"power"`   // probability of telling them apart with so many runs
	Level   float64 `json:"level"`   // of the interval that excludes 1
}

// String reads "7 runs of each arm: a speedup of 1.2 is told from 1 with probability 0.83 at level 95% (sd of log
// times 0.11)".
func (n Needed) String() string {
	return fmt.Sprintf("%d runs of each arm: a speedup of %.3g is told from 1 with probability %.2f at level %g%% (sd "+
		"of log times %.2g)",
		n.Runs, n.Speedup, n.Power, 100*n.Level, n.SD)
}

// fewestRuns is the number of runs of an arm below which intervals have a warning.
const fewestRuns = 3

// WithPower sets the probability with which [RunsNeeded] wants a speedup to be noticed, in (0, 1). Default 0.8.
func WithPower(p float64) NeededOption {
	return neededOption{func(c *config) error {
		if !(p > 0 && p < 1) {
			return fmt.Errorf("WithPower(%v): want a value in (0, 1): %w", p, tensor.ErrRange)
		}
		c.power = p
		return nil
	}}
}

// ForSpeedup sets the speedup that [RunsNeeded] wants to be noticed, > 0 and not 1. Default: the one that was
// measured, which is as uncertain as the few runs behind it; better the smallest one that matters.
func ForSpeedup(factor float64) NeededOption {
	return neededOption{func(c *config) error {
		if !(factor > 0) || factor == 1 || math.IsInf(factor, 1) {
			return fmt.Errorf("ForSpeedup(%v): want a finite factor above 0 that is not 1: %w", factor, tensor.ErrRange)
		}
		c.factor = factor
		return nil
	}}
}

// RunsNeeded is how many runs of each arm it takes for the default interval of [Speedup] to exclude 1, given the
// spread of the times of those that there are: the power of Welch's interval of log times that have one
// standard deviation in both arms ([stats.WelchPower]). It never recommends fewer than 3 runs, of which intervals warn.
// The error wraps
// [ErrNotReached] if a run does not reach the quality, which leaves the spread unknown, [ErrTooFewRuns] if both arms
// have a single run, or [ErrDegenerate] if the speedup is so near 1 that millions of runs do not do.
func RunsNeeded(base, method Runs, opts ...NeededOption) (Needed, error) {
	c, err := configure("RunsNeeded", opts)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return Needed{}, err
	}
	arms, q, err := c.matchedTimes(base, method)
	if err != nil {
		return Needed{}, err
	}
	x, censored := logTimes(arms)
	if censored > 0 {
		return Needed{}, c.errorf("%d of %d runs do not reach quality %v; choose one that all do: %w", censored,
			len(x[0])+len(x[1]), q, ErrNotReached)
	}
	df := len(x[0]) + len(x[1]) - 2
	if df == 0 {
		return Needed{}, c.errorf("one run of each arm has no spread; run 3 seeds or more: %w", ErrTooFewRuns)
	}
	squares := 0.0
	var mean [2]float64
	for k, logs := range x {
		m, variance := moments(logs)
		mean[k] = m
		if len(logs) > 1 {
			squares += float64(variance * float64(len(logs)-1))
		}
	}
	n := Needed{Speedup: math.Exp(mean[0] - mean[1]), SD: math.Sqrt(squares / float64(df)), Level: c.level}
	if c.factor != 0 {
		n.Speedup = c.factor
	}
	effect := math.Abs(math.Log(n.Speedup)) / n.SD
	if effect != effect { // 0 / 0
		effect = 0
	}
	const most = 1 << 24
	power := func(runs int) float64 {
		p, err := stats.WelchPower(effect, runs, stats.WithLevel(c.level))
		if err != nil {
			panic(err) // three runs or more and an effect that is a number
		}
		return p
	}
	enough := fewestRuns
	for enough < most && power(enough) < c.power {
		enough *= 2
	}
	first := max(fewestRuns, enough/2)
	n.Runs = first + sort.Search(enough-first, func(i int) bool { return power(first+i) >= c.power })
	if enough >= most {
		return Needed{}, c.errorf("times of %q and %q that differ by a factor of %.6g are not told apart by %d runs; "+
			"give it the speedup that matters ForSpeedup: %w",
			base.Name, method.Name, n.Speedup, most, ErrDegenerate)
	}
	n.Power = power(n.Runs)
	return n, nil
}
