package survival

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Option is what [FitCox] takes: every option of this package.
type Option = func(*config) error

// CoxOption is a choice of the model.
type CoxOption func(*config) error

// SampleOption says more of the lifetimes than their times. [FitCox], [FitBaseline] and [Concord] take it.
type SampleOption func(*config) error

type config struct {
	call     string
	ties     Ties
	ridge    float64
	robust   bool
	names    []string
	weights  []float64
	strata   []int
	entry    []float64
	clusters []int
}

func configure[O ~func(*config) error](function string, opts []O) (config, error) {
	c := config{call: "survival: " + function}
	return c, option.Apply(c.call, &c, opts)
}

func (c *config) errorf(format string, args ...any) error {
	return fmt.Errorf(c.call+": "+format, args...)
}

// WithTies sets how events at one time count. Default [Efron].
func WithTies(t Ties) CoxOption {
	return func(c *config) error {
		c.ties = t
		return tieRules.Option("WithTies", t)
	}
}

// WithRidge subtracts lambda/2 times the sum of the squared coefficients from the logarithm of the likelihood, lambda a
// finite number of 0 or more, so that coefficients of separated or collinear columns are finite. Columns should be on
// one scale. Default 0.
func WithRidge(lambda float64) CoxOption {
	return func(c *config) error {
		c.ridge = lambda
		return option.Range(lambda >= 0 && !math.IsInf(lambda, 1), "WithRidge", lambda, "a finite number of 0 or more")
	}
}

// WithRobust bases tests and intervals on the robust covariance (Lin and Wei 1989), which holds where the model does
// not. Default: only with [WithClusters].
func WithRobust() CoxOption {
	return func(c *config) error {
		c.robust = true
		return nil
	}
}

// WithClusters says which rows belong together, such as those of one patient: cluster[i] is any number that names the
// one of row i. Tests and intervals are then robust to whatever goes on within clusters. Default: each row alone.
func WithClusters(cluster []int) CoxOption {
	return func(c *config) error {
		c.clusters = cluster
		return option.Nil(cluster != nil, "WithClusters")
	}
}

// WithNames names the columns in errors and reports. Default "x0", "x1" and so on.
func WithNames(names ...string) CoxOption {
	return func(c *config) error {
		c.names = names
		return option.Nil(len(names) > 0, "WithNames")
	}
}

// WithWeights weights the rows, each by a finite number above 0: a row of weight 2 counts as two that are alike.
// Default 1.
func WithWeights(weights []float64) SampleOption {
	return func(c *config) error {
		c.weights = weights
		return option.Nil(weights != nil, "WithWeights")
	}
}

// WithStrata says which rows are compared: only those of equal numbers are, each stratum having a baseline of its own.
// Default: all are.
func WithStrata(strata []int) SampleOption {
	return func(c *config) error {
		c.strata = strata
		return option.Nil(strata != nil, "WithStrata")
	}
}

// WithEntry says when each row came under observation: it is at risk after that time, and up to its own (left
// truncation). Several rows of one patient, each with the covariates of its time, are written so. Default: all have
// been from the beginning.
func WithEntry(entry []float64) SampleOption {
	return func(c *config) error {
		c.entry = entry
		return option.Nil(entry != nil, "WithEntry")
	}
}

// check refuses lifetimes and what is said of them.
func (c *config) check(times []stats.Lifetime) error {
	if len(times) == 0 {
		return c.errorf("times has no lifetimes: %w", tensor.ErrEmpty)
	}
	for name, n := range map[string]int{"weights": len(c.weights), "strata": len(c.strata), "entry times": len(c.entry),
		"clusters": len(c.clusters)} {
		if n > 0 && n != len(times) {
			return c.errorf("%d %s for %d lifetimes: %w", n, name, len(times), tensor.ErrShape)
		}
	}
	for i, t := range times {
		switch {
		case t.Time != t.Time || math.IsInf(t.Time, -1) || t.Event && math.IsInf(t.Time, 1):
			return c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrNotFinite)
		case t.Time < 0:
			return c.errorf("times[%d].Time = %v: %w", i, t.Time, tensor.ErrRange)
		}
	}
	for i, w := range c.weights {
		if !(w > 0) || math.IsInf(w, 1) {
			return c.errorf("weights[%d] = %v, want a finite number above 0: %w", i, w, tensor.ErrRange)
		}
	}
	for i, e := range c.entry {
		if e != e || math.IsInf(e, 1) || e >= times[i].Time {
			return c.errorf("entry[%d] = %v and times[%d].Time = %v, want an entry before the end: %w",
				i, e, i, times[i].Time, tensor.ErrRange)
		}
	}
	return nil
}

// checkScores refuses scores that are not one finite number for each lifetime.
func (c *config) checkScores(name string, score []float64, n int) error {
	if len(score) != n {
		return c.errorf("%d values of %s for %d lifetimes: %w", len(score), name, n, tensor.ErrShape)
	}
	for i, v := range score {
		if v-v != 0 {
			return c.errorf("%s[%d] = %v: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	return nil
}
