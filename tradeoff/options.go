package tradeoff

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of the functions of this package; each documents which ones it takes and refuses the others.
type Option func(*config) error

type config struct {
	function string
	given    []string

	level      float64
	method     Method
	replicates int
	seed       uint64
	workers    int
	tasks      bool

	// Of the tests: indices instead of those drawn, of all samples, a task, a run of a task, and counts of pairs.
	draws    func(b int, drawn [][]int)
	drawTask func(b, t int) int
	drawRun  func(b, t, i int) int
	drawPair func(b, t int, nx, ny []int32)

	target        float64
	targeted      bool
	interpolation Interpolation
	pchip         bool
	fit           bool
	window        int
	drop          int
	power         float64
	factor        float64
	baseline      string
	unique        bool
	byTime        bool
	algoPerf      bool
	maxRatio      float64
	trimmed       bool
	trim          int
	env           *Env
	run           *Record
	sync          bool
}

// configure applies opts for a function that takes the named options, and reports all faults together.
func configure(function string, opts []Option, takes ...string) (config, error) {
	c := config{function: function, level: 0.95, replicates: 10_000}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("a nil option: %w", tensor.ErrEmpty))
			continue
		}
		n := len(c.given)
		err := opt(&c)
		for _, name := range c.given[n:] {
			switch {
			case slices.Contains(c.given[:n], name):
				faults = append(faults, fmt.Errorf("%s is given twice: %w", name, ErrConflict))
			case !slices.Contains(takes, name):
				faults = append(faults, fmt.Errorf("%s does not apply: %w", name, ErrConflict))
			}
		}
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return c, fmt.Errorf("tradeoff: %s: %w", function, err)
	}
	return c, nil
}

// errorf is an error of the configured function.
func (c *config) errorf(format string, args ...any) error {
	return fmt.Errorf("tradeoff: "+c.function+": "+format, args...)
}

// WithLevel sets the coverage of intervals, in (0, 1). Default 0.95.
func WithLevel(level float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithLevel")
		if !(level > 0 && level < 1) {
			return fmt.Errorf("WithLevel(%v): want a value in (0, 1): %w", level, tensor.ErrRange)
		}
		c.level = level
		return nil
	}
}

// WithMethod sets how the interval is made. Default [Auto]: what keeps its level best at the sample sizes of training
// runs.
func WithMethod(m Method) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithMethod")
		if m > OrderStatistics {
			return fmt.Errorf("WithMethod(%v): no such method: %w", m, tensor.ErrRange)
		}
		c.method = m
		return nil
	}
}

// WithReplicates sets the number of bootstrap replicates, 1 to 2^31-1. Default 10,000.
func WithReplicates(n int) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithReplicates")
		if n < 1 || n > math.MaxInt32 {
			return fmt.Errorf("WithReplicates(%d): want 1 to 2^31-1: %w", n, tensor.ErrRange)
		}
		c.replicates = n
		return nil
	}
}

// WithSeed sets the seed of the bootstrap. Same seed, same bits, for any number of workers. Default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithSeed")
		c.seed = seed
		return nil
	}
}

// WithWorkers sets the goroutines of the bootstrap; the result does not depend on it. Default 0: GOMAXPROCS.
func WithWorkers(n int) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithWorkers")
		if n < 0 {
			return fmt.Errorf("WithWorkers(%d): want 0 or more: %w", n, tensor.ErrRange)
		}
		c.workers = n
		return nil
	}
}

// bootstrapOptions are the options of every function that can bootstrap.
var bootstrapOptions = []string{"WithLevel", "WithMethod", "WithReplicates", "WithSeed", "WithWorkers"}
