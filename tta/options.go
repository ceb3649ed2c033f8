package tta

import (
	"github.com/espalier-ml/espalier/internal/option"
)

// Option is a choice of [FitAugTTA] and [FitClassTTA]: a [FitOption] or a [SolverOption].
type Option = func(*config) error

// FitOption is a choice of what is fitted to all labelled outputs at once.
type FitOption func(*config) error

// SolverOption is a choice of [FitAugTTA] and [FitClassTTA] alone.
type SolverOption func(*config) error

type config struct {
	workers    int
	paper      bool
	lambda     float64
	given      option.Given
	iterations int
	tolerance  float64
}

func configure[O ~func(*config) error](call string, opts []O) (config, error) {
	c := config{iterations: solverIterations, tolerance: solverTolerance, lambda: -1}
	err := option.Apply("tta: "+call, &c, opts)
	return c, err
}

// WithWorkers sets the goroutines, on which no bit of a result depends; default 0, GOMAXPROCS.
func WithWorkers(n int) FitOption {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

// WithPaper trains as the paper's reference code does: stochastic gradient descent with its settings, from 1/A, no
// shuffling, and stops after 30 epochs (ClassTTA) or 20 (AugTTA), which is far from the minimum for small data. No
// other option of the solver can stand beside it.
func WithPaper() SolverOption {
	return func(c *config) error {
		c.paper = true
		c.given.Mark("WithPaper")
		return nil
	}
}

// WithShrinkage sets how strongly weights are drawn to their centre, lambda times the squared distance from it, 0 or
// more. That of AugTTA is the calibrated original view, that of ClassTTA the weights of AugTTA for every class. The
// default is 0 for AugTTA and 0.1 for ClassTTA, which without any diverges on data that can be separated.
func WithShrinkage(lambda float64) SolverOption {
	return func(c *config) error {
		c.lambda = lambda
		c.given.Mark("WithShrinkage")
		return option.Range(lambda >= 0 && lambda <= 1e6, "WithShrinkage", lambda, "a value in [0, 1e6]")
	}
}

// WithIterations bounds the Newton steps, 1 or more; default 100. The report says whether they were enough.
func WithIterations(n int) SolverOption {
	return func(c *config) error {
		c.iterations = n
		c.given.Mark("WithIterations")
		return option.Range(n >= 1, "WithIterations", n, "1 or more")
	}
}

// WithTolerance sets the largest element of the projected gradient that counts as a minimum, above 0; default 1e-6.
func WithTolerance(tolerance float64) SolverOption {
	return func(c *config) error {
		c.tolerance = tolerance
		c.given.Mark("WithTolerance")
		return option.Range(tolerance > 0 && tolerance < 1, "WithTolerance", tolerance, "a value in (0, 1)")
	}
}

// solver checks the options of a solver against each other.
func (c *config) solver() error {
	for _, other := range []string{"WithShrinkage", "WithIterations", "WithTolerance"} {
		if err := c.given.Exclusive("WithPaper", other); err != nil {
			return err
		}
	}
	return nil
}
