package plot

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Every figure takes the options that mean something to it; the others do not compile. A later option wins over an
// earlier one.
type (
	// Option is an option of [TradeoffCurves]: all there are.
	Option interface {
		apply(*config) error
		forCurves()
	}
	// FrontOption is an option of [ParetoFront]: WithTargets, WithQualityRange, WithLogQuality, WithLinearCost, WithTitle
	// or WithLabels.
	FrontOption interface {
		Option
		forFront()
	}
	// CostOption is an option of [Survival] and [EstimateCurves]: WithLinearCost, WithTitle or WithLabels.
	CostOption interface {
		FrontOption
		forCosts()
	}
	// IntervalOption is an option of [IntervalEstimates]: WithLine, WithTitle or WithLabels.
	IntervalOption interface {
		apply(*config) error
		forIntervals()
	}
	// LabelOption is an option of every figure: WithTitle or WithLabels.
	LabelOption interface {
		CostOption
		IntervalOption
	}
)

type config struct {
	title, x, y string
	targets     []float64
	linear      bool
	level       float64
	lo, hi      float64 // of the qualities shown; NaN for all
	logQuality  bool
	line        float64 // NaN for none
}

type (
	bandOption  struct{ set func(*config) error }
	frontOption struct{ set func(*config) error }
	costOption  struct{ set func(*config) error }
	labelOption struct{ set func(*config) error }
	lineOption  struct{ set func(*config) error }
)

func (o bandOption) apply(c *config) error  { return o.set(c) }
func (o frontOption) apply(c *config) error { return o.set(c) }
func (o costOption) apply(c *config) error  { return o.set(c) }
func (o labelOption) apply(c *config) error { return o.set(c) }
func (o lineOption) apply(c *config) error  { return o.set(c) }

func (bandOption) forCurves()  {}
func (frontOption) forCurves() {}
func (frontOption) forFront()  {}
func (costOption) forCurves()  {}
func (costOption) forFront()   {}
func (costOption) forCosts()   {}
func (labelOption) forCurves() {}
func (labelOption) forFront()  {}
func (labelOption) forCosts()  {}

func (labelOption) forIntervals() {}
func (lineOption) forIntervals()  {}

// configure applies the options of a figure and reports all faults together.
func configure[O interface{ apply(*config) error }](figure string, opts []O) (config, error) {
	c := config{level: 0.5, lo: math.NaN(), hi: math.NaN(), line: math.NaN()}
	all := make([]func(*config) error, len(opts))
	for i, o := range opts {
		if any(o) != nil {
			all[i] = o.apply
		}
	}
	return c, option.Apply("plot: "+figure, &c, all)
}

// WithTitle sets the title. Default: none.
func WithTitle(title string) LabelOption {
	return labelOption{func(c *config) error {
		c.title = title
		return nil
	}}
}

// WithLabels sets the labels of the axes. Default: what the figure shows, "cost" and "quality" among them.
func WithLabels(x, y string) LabelOption {
	return labelOption{func(c *config) error {
		c.x, c.y = x, y
		return nil
	}}
}

// WithTargets draws dotted lines at qualities, such as those at which times are compared. Default: none.
func WithTargets(qualities ...float64) FrontOption {
	return frontOption{func(c *config) error {
		for i, q := range qualities {
			if q-q != 0 {
				return fmt.Errorf("WithTargets: qualities[%d] = %v: %w", i, q, tensor.ErrNotFinite)
			}
		}
		c.targets = qualities
		return nil
	}}
}

// WithQualityRange sets the qualities that the vertical axis shows, lo < hi. Default: all there are.
func WithQualityRange(lo, hi float64) FrontOption {
	return frontOption{func(c *config) error {
		c.lo, c.hi = lo, hi
		return option.Range(lo < hi && lo-lo == 0 && hi-hi == 0, "WithQualityRange", [2]float64{lo, hi}, "finite lo < hi")
	}}
}

// WithLogQuality has qualities, all above 0, on a logarithmic axis, as losses are often shown. Default: a linear one.
func WithLogQuality() FrontOption {
	return frontOption{func(c *config) error {
		c.logQuality = true
		return nil
	}}
}

// WithLine draws a line at a value, such as 1 for speedups and 0 for gains. Default: none.
func WithLine(v float64) IntervalOption {
	return lineOption{func(c *config) error {
		c.line = v
		return option.Range(v-v == 0, "WithLine", v, "a finite value")
	}}
}

// WithLinearCost has costs on a linear axis. Default: a logarithmic one.
func WithLinearCost() CostOption {
	return costOption{func(c *config) error {
		c.linear = true
		return nil
	}}
}

// WithBand sets the share of the runs that the band of [TradeoffCurves] holds, in (0, 1). Default 0.5: between
// quartiles.
func WithBand(share float64) Option {
	return bandOption{func(c *config) error {
		c.level = share
		return option.Range(share > 0 && share < 1, "WithBand", share, "a value in (0, 1)")
	}}
}
