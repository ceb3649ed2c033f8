package stats

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Option is what functions take that choose between formulas and the bootstrap: every option of this package.
type Option = func(*config) error

// LevelOption is what functions of closed formulas take.
type LevelOption func(*config) error

// ResampleOption is what functions that only draw take.
type ResampleOption func(*config) error

// IntervalOption is how an interval is made.
type IntervalOption func(*config) error

type config struct {
	call string

	level      float64
	interval   Interval
	replicates int
	seed       uint64
	workers    int
	draws      [][]int
	progress   func(done, total int)
}

// configure applies opts for a function and reports all faults together.
func configure[O ~func(*config) error](function string, opts []O) (config, error) {
	c := defaults("stats: " + function)
	return c, option.Apply(c.call, &c, opts)
}

func defaults(call string) config { return config{call: call, level: 0.95, replicates: 10_000} }

// errorf is an error of the configured function.
func (c *config) errorf(format string, args ...any) error {
	return fmt.Errorf(c.call+": "+format, args...)
}

// WithLevel sets the coverage of intervals, in (0, 1). Default 0.95.
func WithLevel(level float64) LevelOption {
	return func(c *config) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithLevel", level, "a value in (0, 1)")
	}
}

// WithInterval sets how the interval is made. Default [Auto]: what keeps its level best at the sample sizes of training
// runs. An interval that the function does not have is an error that wraps [tensor.ErrConflict].
func WithInterval(i Interval) IntervalOption {
	return func(c *config) error {
		c.interval = i
		return option.Range(intervals.Valid(i), "WithInterval", i, "one of the constants")
	}
}

// WithReplicates sets the number of bootstrap replicates, or of the assignments of a permutation test, 1 to 2^31-1.
// Default 10,000.
func WithReplicates(n int) ResampleOption {
	return func(c *config) error {
		c.replicates, c.draws = n, nil
		return option.Range(n >= 1 && n <= math.MaxInt32, "WithReplicates", n, "1 to 2^31-1")
	}
}

// WithSeed sets the seed of the draws. Same seed, same bits, for any number of workers. Default 0.
func WithSeed(seed uint64) ResampleOption {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithWorkers sets the goroutines that draw; the result does not depend on it. Default 0: GOMAXPROCS.
func WithWorkers(n int) ResampleOption {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

// WithDraws hands draws in instead of making them, so that other people's resamples reproduce: draws[b] is the units of
// replicate b, numbered as the [Design] numbers them, and their number takes the place of [WithReplicates]. Of a
// permutation test, unit i gets the label of unit draws[b][i]. The slices are kept and must not change.
func WithDraws(draws [][]int) ResampleOption {
	return func(c *config) error {
		c.draws, c.replicates = draws, len(draws)
		return option.Nil(len(draws) > 0, "WithDraws")
	}
}

// WithProgress has f called after every batch of replicates with how many are done, from one goroutine at a time and
// never with fewer than before. Default: nobody is told.
func WithProgress(f func(done, total int)) ResampleOption {
	return func(c *config) error {
		c.progress = f
		return option.Nil(f != nil, "WithProgress")
	}
}

// Settings is what options add up to, for packages that resample by schemes of their own.
type Settings struct {
	Level      float64
	Interval   Interval
	Replicates int

	config config
}

// Read reads options and their defaults. The error joins their faults.
func Read(opts ...Option) (Settings, error) {
	c := defaults("stats")
	err := option.Apply(c.call, &c, opts)
	return Settings{c.level, c.interval, c.replicates, c}, err
}

// Resampling is the options of drawing among those that were read.
func (s Settings) Resampling() ResampleOption {
	return func(c *config) error {
		c.replicates, c.seed, c.workers, c.draws, c.progress =
			s.config.replicates, s.config.seed, s.config.workers, s.config.draws, s.config.progress
		return nil
	}
}

// checkSample refuses samples that are empty or have a NaN or an infinity.
func (c *config) checkSample(name string, x []float64) error {
	if len(x) == 0 {
		return c.errorf("%s has no values: %w", name, tensor.ErrEmpty)
	}
	for i, v := range x {
		if v-v != 0 {
			return c.errorf("%s[%d] = %v: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	return nil
}

// checkSamples is checkSample of two.
func (c *config) checkSamples(nameX string, x []float64, nameY string, y []float64) error {
	return errors.Join(c.checkSample(nameX, x), c.checkSample(nameY, y))
}

// checkPairs is checkSample of two samples of one length.
func (c *config) checkPairs(nameX string, x []float64, nameY string, y []float64) error {
	if len(x) != len(y) {
		return c.errorf("%d values of %s and %d of %s: %w", len(x), nameX, len(y), nameY, tensor.ErrShape)
	}
	return c.checkSamples(nameX, x, nameY, y)
}
