package tta

import (
	"github.com/espalier-ml/espalier/internal/option"
)

// Option is a choice of [FitAugTTA] and [FitClassTTA]. An option says in its type what else it is a choice of.
type Option interface{ forSolver(*config) error }

// FitOption is a choice of what is fitted to all labelled outputs at once.
type FitOption interface {
	Option
	forFit(*config) error
}

// WorkersOption is a choice of whatever runs on several goroutines.
type WorkersOption interface {
	FitOption
	AggregateOption
	BestOption
	CollectOption
	EvaluatorOption
	GPSOption
	PathOption
	UncertaintyOption
}

// SeedOption is a choice of whatever draws: [FitBest] and [Collect].
type SeedOption interface {
	BestOption
	CollectOption
}

// ProgressOption is a choice of what can take long: [FitBest] and [Collect].
type ProgressOption interface {
	BestOption
	CollectOption
}

// ShrinkageOption is a choice of [FitAugTTA], [FitClassTTA] and [SelectViews].
type ShrinkageOption interface {
	Option
	PathOption
}

// choices are options as functions on a config; nil stays nil.
func choices[C, O any](opts []O, set func(O, *C) error) []func(*C) error {
	all := make([]func(*C) error, len(opts))
	for i, o := range opts {
		if any(o) != nil {
			all[i] = func(c *C) error { return set(o, c) }
		}
	}
	return all
}

type solverChoice func(*config) error

func (f solverChoice) forSolver(c *config) error { return f(c) }

type config struct {
	workers    int
	paper      bool
	lambda     float64
	given      option.Given
	iterations int
	tolerance  float64
}

func configure[O Option](call string, opts []O) (config, error) {
	c := config{iterations: solverIterations, tolerance: solverTolerance, lambda: -1}
	err := option.Apply("tta: "+call, &c, choices(opts, O.forSolver))
	return c, err
}

// WithWorkers sets the goroutines, on which no bit of a result depends; default 0, GOMAXPROCS.
func WithWorkers(n int) WorkersOption { return workersChoice(n) }

type workersChoice int

func (n workersChoice) to(workers *int) error {
	*workers = int(n)
	return option.Workers(int(n))
}

func (n workersChoice) forSolver(c *config) error                 { return n.to(&c.workers) }
func (n workersChoice) forFit(c *config) error                    { return n.to(&c.workers) }
func (n workersChoice) forAggregate(c *aggregateConfig) error     { return n.to(&c.workers) }
func (n workersChoice) forBest(c *bestConfig) error               { return n.to(&c.workers) }
func (n workersChoice) forCollect(c *collectConfig) error         { return n.to(&c.workers) }
func (n workersChoice) forEvaluator(c *evaluatorConfig) error     { return n.to(&c.workers) }
func (n workersChoice) forGPS(c *gpsConfig) error                 { return n.to(&c.workers) }
func (n workersChoice) forPath(c *pathConfig) error               { return n.to(&c.workers) }
func (n workersChoice) forUncertainty(c *uncertaintyConfig) error { return n.to(&c.workers) }

// WithSeed sets the seed of the folds of [FitBest] and of random views; default 0.
func WithSeed(seed uint64) SeedOption { return seedChoice(seed) }

type seedChoice uint64

func (s seedChoice) forBest(c *bestConfig) error {
	c.seed = uint64(s)
	return nil
}

func (s seedChoice) forCollect(c *collectConfig) error {
	c.seed = uint64(s)
	return nil
}

// WithProgress has f called with how much of the work is done, from one goroutine at a time: by [FitBest] as folds end,
// twice each, and by [Collect] after every batch with the examples so far and a total of 0, which it does not know.
func WithProgress(f func(done, total int)) ProgressOption { return progressChoice{f} }

type progressChoice struct{ f func(done, total int) }

func (p progressChoice) to(progress *func(done, total int)) error {
	*progress = p.f
	return option.Nil(p.f != nil, "WithProgress")
}

func (p progressChoice) forBest(c *bestConfig) error       { return p.to(&c.progress) }
func (p progressChoice) forCollect(c *collectConfig) error { return p.to(&c.progress) }

// WithPaper trains as the paper's reference code does: stochastic gradient descent with its settings, from 1/A, no
// shuffling, and stops after 30 epochs (ClassTTA) or 20 (AugTTA), which is far from the minimum for small data. No
// other option of the solver can stand beside it.
func WithPaper() Option {
	return solverChoice(func(c *config) error {
		c.paper = true
		c.given.Mark("WithPaper")
		return nil
	})
}

// WithShrinkage sets how strongly weights are drawn to their centre, lambda times the squared distance from it, 0 or
// more. That of AugTTA and [SelectViews] is the calibrated original view, that of ClassTTA the weights of AugTTA for
// every class. The default is 0 for AugTTA, 0.01 for SelectViews and 0.1 for ClassTTA, which without any diverges on
// data that can be separated.
func WithShrinkage(lambda float64) ShrinkageOption { return shrinkageChoice(lambda) }

type shrinkageChoice float64

func (l shrinkageChoice) to(lambda *float64) error {
	*lambda = float64(l)
	return option.Range(l >= 0 && l <= 1e6, "WithShrinkage", float64(l), "a value in [0, 1e6]")
}

func (l shrinkageChoice) forSolver(c *config) error {
	c.given.Mark("WithShrinkage")
	return l.to(&c.lambda)
}

func (l shrinkageChoice) forPath(c *pathConfig) error { return l.to(&c.lambda) }

// WithIterations bounds the Newton steps, 1 or more; default 100. The report says whether they were enough.
func WithIterations(n int) Option {
	return solverChoice(func(c *config) error {
		c.iterations = n
		c.given.Mark("WithIterations")
		return option.Range(n >= 1, "WithIterations", n, "1 or more")
	})
}

// WithTolerance sets the largest element of the projected gradient that counts as a minimum, above 0; default 1e-6.
func WithTolerance(tolerance float64) Option {
	return solverChoice(func(c *config) error {
		c.tolerance = tolerance
		c.given.Mark("WithTolerance")
		return option.Range(tolerance > 0 && tolerance < 1, "WithTolerance", tolerance, "a value in (0, 1)")
	})
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
