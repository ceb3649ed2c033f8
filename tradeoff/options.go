package tradeoff

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
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
	// DominanceOption is an option of [Dominates]: WithInterpolation.
	DominanceOption interface {
		choice
		forDominance()
	}
	// BandOption is an option of [MedianBand] and [ParetoVerdicts]: WithLevel or WithResampling.
	BandOption interface {
		choice
		forBand()
	}
	// ScoreOption is an option of [Scores.Interval] and [ProbabilityOfImprovement]: WithTasks or WithInterval.
	ScoreOption interface {
		choice
		forScore()
	}
	// ProfileOption is an option of [TimeTable.Profile]: WithMaxRatio or AlgoPerf.
	ProfileOption interface {
		TableOption
		forProfile()
	}
	// TableOption is an option of [TimeTable.Scores]: WithMaxRatio, AlgoPerf, WithTasks or WithInterval.
	TableOption interface {
		choice
		forTable()
	}
	// RecorderOption is an option of [NewRecorder]: WithWindow or WithDrop.
	RecorderOption interface {
		choice
		forRecorder()
	}
	// FidelityOption is an option of [CompareCurves]: WithBaseline or WithDrop.
	FidelityOption interface {
		choice
		forFidelity()
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
		DominanceOption
	}
	// IntervalOption is how intervals are made.
	IntervalOption interface {
		SpeedupOption
		GainOption
		AverageOption
		ScoreOption
		TableOption
	}
	// LevelOption is the level of what is not an estimate.
	LevelOption interface {
		NeededOption
		BandOption
	}
	// TaskOption is what is drawn.
	TaskOption interface {
		ScoreOption
		TableOption
	}
	// DropOption is which points count.
	DropOption interface {
		RecorderOption
		FidelityOption
	}
)

// choice is what writes to the config.
type choice interface{ apply(*config) error }

type config struct {
	call
	given option.Given

	target        float64
	interpolation Interpolation
	fit           bool
	pchip         bool
	level         float64
	power         float64
	factor        float64
	tasks         bool
	maxRatio      float64
	algoPerf      bool
	window, drop  int
	baseline      string
	interval      []stats.Option
	resampling    []stats.ResampleOption
}

// What options are made of, by the functions that take them.
type (
	set              func(*config) error
	matchOption      struct{ set }
	costOption       struct{ set }
	readingOption    struct{ set }
	intervalOption   struct{ set }
	levelOption      struct{ set }
	neededOption     struct{ set }
	averageOption    struct{ set }
	resamplingOption struct{ set }
	taskOption       struct{ set }
	profileOption    struct{ set }
	windowOption     struct{ set }
	dropOption       struct{ set }
	baselineOption   struct{ set }
)

func (s set) apply(c *config) error { return s(c) }

func (matchOption) forSpeedup()     {}
func (matchOption) forNeeded()      {}
func (costOption) forGain()         {}
func (readingOption) forSpeedup()   {}
func (readingOption) forNeeded()    {}
func (readingOption) forGain()      {}
func (readingOption) forDominance() {}
func (intervalOption) forSpeedup()  {}
func (intervalOption) forGain()     {}
func (intervalOption) forAverage()  {}
func (intervalOption) forScore()    {}
func (intervalOption) forTable()    {}
func (levelOption) forNeeded()      {}
func (levelOption) forBand()        {}
func (neededOption) forNeeded()     {}
func (averageOption) forAverage()   {}
func (resamplingOption) forBand()   {}
func (taskOption) forScore()        {}
func (taskOption) forTable()        {}
func (profileOption) forProfile()   {}
func (profileOption) forTable()     {}
func (windowOption) forRecorder()   {}
func (dropOption) forRecorder()     {}
func (dropOption) forFidelity()     {}
func (baselineOption) forFidelity() {}

// configure applies options and reports all faults together.
func configure[O choice](function string, opts []O) (config, error) {
	c := config{call: call(function), level: 0.95, power: 0.8, maxRatio: 4}
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

// checkSample refuses samples that are empty or have a NaN or an infinity.
func (c call) checkSample(name string, x []float64) error {
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

// WithInterval hands options to the interval of the estimate, such as stats.WithLevel(0.9) or
// stats.WithInterval(stats.BCa). Those of a later WithInterval come after those of an earlier one.
func WithInterval(opts ...stats.Option) IntervalOption {
	return intervalOption{func(c *config) error {
		c.interval = append(c.interval, opts...)
		_, err := stats.Read(opts...)
		return err
	}}
}

// WithLevel sets the level of the interval or band, in (0, 1). Default 0.95.
func WithLevel(level float64) LevelOption {
	return levelOption{func(c *config) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithLevel", level, "a value in (0, 1)")
	}}
}

// WithResampling hands options to the bootstrap of [MedianBand] and [ParetoVerdicts], such as stats.WithSeed(1).
func WithResampling(opts ...stats.ResampleOption) BandOption {
	return resamplingOption{func(c *config) error {
		c.resampling = append(c.resampling, opts...)
		_, err := stats.Read(widest(opts)...)
		return err
	}}
}

func widest(opts []stats.ResampleOption) []stats.Option {
	all := make([]stats.Option, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
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
