package score

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Option is an option of [TimeTable.BenchmarkScores]: WithMaxRatio, AlgoPerf, WithTasks or WithInterval.
type Option = func(*config) error

// SampleOption is an option of [Scores.Interval] and [ProbabilityOfImprovement]: WithTasks or WithInterval.
type SampleOption func(*config) error

// ProfileOption is an option of [TimeTable.Profile]: WithMaxRatio or AlgoPerf.
type ProfileOption func(*config) error

type config struct {
	call
	tasks    bool
	maxRatio float64
	algoPerf bool
	interval []stats.Option
}

// configure applies options and reports all faults together.
func configure[O ~func(*config) error](function string, opts []O) (config, error) {
	c := config{call: call(function), maxRatio: 4}
	return c, option.Apply("score: "+function, &c, opts)
}

// WithInterval hands options to the interval of the estimate, such as stats.WithLevel(0.9) or
// stats.WithInterval(stats.BCa). Those of a later WithInterval come after those of an earlier one.
func WithInterval(opts ...stats.Option) SampleOption {
	return func(c *config) error {
		c.interval = append(c.interval, opts...)
		_, err := stats.Read(opts...)
		return err
	}
}

// WithTasks draws tasks, or base workloads with their variants, too: the interval is then for tasks like these and not
// for just these.
func WithTasks() SampleOption {
	return func(c *config) error {
		c.tasks = true
		return nil
	}
}

// WithMaxRatio sets up to which ratio profiles count for scores, above 1. Default 4, as in AlgoPerf.
func WithMaxRatio(r float64) ProfileOption {
	return func(c *config) error {
		c.maxRatio = r
		return option.Range(r > 1 && !math.IsInf(r, 1), "WithMaxRatio", r, "a finite ratio above 1")
	}
}

// AlgoPerf has scores reproduce those of the benchmark's own code (Dahl et al. 2023): times beyond 4 times the fastest
// count as infinite, variants make the times of their base workloads infinite if they are not reached, and the integral
// is a trapezoid of 100 points instead of the exact one, from which it differs in the third decimal.
func AlgoPerf() ProfileOption {
	return func(c *config) error {
		c.algoPerf = true
		return nil
	}
}

// call is the name of a function, for its errors.
type call string

func (c call) errorf(format string, args ...any) error {
	return fmt.Errorf("score: "+string(c)+": "+format, args...)
}
