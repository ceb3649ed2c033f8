package tradeoff

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Each function takes options of an interface of its own, and an option has the methods of the functions that it means
// something to: one that does not apply does not compile. A later option wins over an earlier one.
type (
	// SpeedupOption is an option of [Speedup]: AtQuality, WithInterpolation, WithFit or WithInterval.
	SpeedupOption interface {
		choice
		forSpeedup()
	}
	// NeededOption is an option of [RunsNeeded]: AtQuality, WithInterpolation, WithFit, WithLevel, WithPower or
	// ForSpeedup.
	NeededOption interface {
		choice
		forNeeded()
	}
	// GainOption is an option of [Gain]: AtCost, WithInterpolation or WithInterval.
	GainOption interface {
		choice
		forGain()
	}
	// AverageOption is an option of [AverageSpeedup]: WithPCHIP or WithInterval.
	AverageOption interface {
		choice
		forAverage()
	}
)

// What options are that several functions take.
type (
	// MatchOption is how quality is matched.
	MatchOption interface {
		SpeedupOption
		NeededOption
	}
	// ReadingOption is how curves are read.
	ReadingOption interface {
		MatchOption
		GainOption
	}
	// IntervalOption is how intervals are made.
	IntervalOption interface {
		SpeedupOption
		GainOption
		AverageOption
	}
)

// choice is what writes to the config.
type choice interface{ apply(*config) error }

// config is the choices of a comparison: how curves are read and how intervals are made.
type config struct {
	call
	given option.Given

	quality, cost float64 // to compare at
	interpolation Interpolation
	fit, pchip    bool
	interval      []stats.Option
	level         float64 // of RunsNeeded
	power, factor float64
}

// What options are made of, by the functions that take them.
type (
	set            func(*config) error
	matchOption    struct{ set }
	costOption     struct{ set }
	readingOption  struct{ set }
	intervalOption struct{ set }
	neededOption   struct{ set }
	averageOption  struct{ set }
)

func (s set) apply(c *config) error { return s(c) }

func (matchOption) forSpeedup()    {}
func (matchOption) forNeeded()     {}
func (costOption) forGain()        {}
func (readingOption) forSpeedup()  {}
func (readingOption) forNeeded()   {}
func (readingOption) forGain()     {}
func (intervalOption) forSpeedup() {}
func (intervalOption) forGain()    {}
func (intervalOption) forAverage() {}
func (neededOption) forNeeded()    {}
func (averageOption) forAverage()  {}

// configure applies options and reports all faults together.
func configure[O choice](function string, opts []O) (config, error) {
	c := config{call: call(function), level: 0.95, power: 0.8}
	all := make([]func(*config) error, len(opts))
	for i, o := range opts {
		if any(o) != nil {
			all[i] = o.apply
		}
	}
	return c, option.Apply("tradeoff: "+function, &c, all)
}

// call is the name of a function, for its errors.
type call string

func (c call) errorf(format string, args ...any) error {
	return fmt.Errorf("tradeoff: "+string(c)+": "+format, args...)
}

// WithInterval hands options to the interval of the estimate, such as stats.WithLevel(0.9) or
// stats.WithInterval(stats.BCa). Those of a later WithInterval come after those of an earlier one.
func WithInterval(opts ...stats.Option) IntervalOption {
	return intervalOption{func(c *config) error {
		c.interval = append(c.interval, opts...)
		_, err := stats.Read(opts...)
		return err
	}}
}

// WithLevel sets the level of the interval that [RunsNeeded] wants to exclude 1, in (0, 1). Default 0.95.
func WithLevel(level float64) NeededOption {
	return neededOption{func(c *config) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithLevel", level, "a value in (0, 1)")
	}}
}

// moments is the mean and the sample variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += float64((v - mean) * (v - mean))
	}
	return mean, variance / float64(len(x)-1)
}
