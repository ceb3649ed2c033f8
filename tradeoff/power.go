package tradeoff

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// Needed is how many runs tell a speedup from none.
type Needed struct {
	Runs    int     // of each arm, in total
	Speedup float64 // to be told from 1
	SD      float64 // of the logarithms of the times, pooled over the arms
	Power   float64 // probability of telling them apart with so many runs
	Level   float64 // of the interval that excludes 1
}

// String reads "7 runs of each arm: a speedup of 1.2 is told from 1 with probability 0.83 at level 95% (sd of log
// times 0.11)".
func (n Needed) String() string {
	return fmt.Sprintf("%d runs of each arm: a speedup of %.3g is told from 1 with probability %.2f at level %g%% (sd of log times %.2g)",
		n.Runs, n.Speedup, n.Power, 100*n.Level, n.SD)
}

// WithPower sets the probability with which [RunsNeeded] wants a speedup to be noticed, in (0, 1). Default 0.8.
func WithPower(p float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithPower")
		if !(p > 0 && p < 1) {
			return fmt.Errorf("WithPower(%v): want a value in (0, 1): %w", p, tensor.ErrRange)
		}
		c.power = p
		return nil
	}
}

// ForSpeedup sets the speedup that [RunsNeeded] wants to be noticed, > 0 and not 1. Default: the one that was
// measured, which is as uncertain as the few runs behind it; better the smallest one that matters.
func ForSpeedup(factor float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "ForSpeedup")
		if !(factor > 0) || factor == 1 || math.IsInf(factor, 1) {
			return fmt.Errorf("ForSpeedup(%v): want a finite factor above 0 that is not 1: %w", factor, tensor.ErrRange)
		}
		c.factor = factor
		return nil
	}
}

// RunsNeeded is how many runs of each arm it takes for the default interval of [Speedup] to exclude 1, given the
// spread of the times of those that there are: the power of the two-sided t test of log times with equal variances.
// It takes AtQuality, WithInterpolation, WithFit, WithLevel, WithPower and ForSpeedup. The error wraps
// [ErrNotReached] if a run does not reach the quality, which leaves the spread unknown, [ErrTooFewRuns] if both arms
// have a single run, or [ErrDegenerate] if the speedup is so near 1 that millions of runs do not do.
func RunsNeeded(base, method Runs, opts ...Option) (Needed, error) {
	c, err := configure("RunsNeeded", opts, "AtQuality", "WithInterpolation", "WithFit", "WithLevel", "WithPower", "ForSpeedup")
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return Needed{}, err
	}
	if c.power == 0 {
		c.power = 0.8
	}
	arms, q, err := c.matchedTimes(base, method)
	if err != nil {
		return Needed{}, err
	}
	x, censored := logTimes(arms)
	if censored > 0 {
		return Needed{}, c.errorf("%d of %d runs do not reach quality %v; choose one that all do: %w", censored, len(x[0])+len(x[1]), q, ErrNotReached)
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
	n.Runs = 2 + sort.Search(most, func(i int) bool { return powerOfT(effect, 2+i, c.level) >= c.power })
	if n.Runs == 2+most {
		return Needed{}, c.errorf("times of %q and %q that differ by a factor of %.6g are not told apart by %d runs; give it the speedup that matters ForSpeedup: %w",
			base.Name, method.Name, n.Speedup, most, ErrDegenerate)
	}
	n.Power = powerOfT(effect, n.Runs, c.level)
	return n, nil
}

// powerOfT is the probability that the t test of two samples of n values, whose means are effect standard deviations
// apart, rejects that they are the same: over the distribution of the estimated deviation s, that of the mean to
// exceed what s requires.
func powerOfT(effect float64, n int, level float64) float64 {
	df := float64(2*n - 2)
	critical, shift := studentQuantile((1+level)/2, df), float64(effect*math.Sqrt(float64(n)/2))
	if math.IsInf(shift, 1) {
		return 1
	}
	cdf := distuv.UnitNormal.CDF
	logGamma, _ := math.Lgamma(df / 2)
	logScale := math.Ln2 + float64(df/2*math.Log(df/2)) - logGamma
	density := func(s float64) float64 { // of sqrt(chi2 / df)
		if s == 0 {
			return 0
		}
		return math.Exp(logScale + float64((df-1)*math.Log(s)) - df*s*s/2)
	}
	const intervals = 400 // of Simpson's rule, over 9 standard deviations of s on either side
	spread := 9 / math.Sqrt(2*df)
	lo, hi := max(0, 1-spread), 1+spread
	h, sum, mass := (hi-lo)/intervals, 0.0, 0.0
	for i := range intervals + 1 {
		weight := 4.0
		switch {
		case i == 0 || i == intervals:
			weight = 1
		case i%2 == 0:
			weight = 2
		}
		s := lo + float64(float64(i)*h)
		w := weight * density(s)
		mass += w
		sum += float64(w * (cdf(shift-critical*s) + cdf(-shift-critical*s)))
	}
	return sum / mass
}
