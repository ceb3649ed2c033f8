package plot

import (
	"fmt"

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
	// FrontOption is an option of [ParetoFront]: WithTargets, WithLinearCost, WithTitle or WithLabels.
	FrontOption interface {
		Option
		forFront()
	}
	// CostOption is an option of [Survival]: WithLinearCost, WithTitle or WithLabels.
	CostOption interface {
		FrontOption
		forCosts()
	}
	// LabelOption is an option of every figure: WithTitle or WithLabels.
	LabelOption interface {
		CostOption
		forAll()
	}
)

type config struct {
	title, x, y string
	targets     []float64
	linear      bool
	level       float64
}

type (
	bandOption  struct{ set func(*config) error }
	frontOption struct{ set func(*config) error }
	costOption  struct{ set func(*config) error }
	labelOption struct{ set func(*config) error }
)

func (o bandOption) apply(c *config) error  { return o.set(c) }
func (o frontOption) apply(c *config) error { return o.set(c) }
func (o costOption) apply(c *config) error  { return o.set(c) }
func (o labelOption) apply(c *config) error { return o.set(c) }

func (bandOption) forCurves()  {}
func (frontOption) forCurves() {}
func (frontOption) forFront()  {}
func (costOption) forCurves()  {}
func (costOption) forFront()   {}
func (costOption) forCosts()   {}
func (labelOption) forCurves() {}
func (labelOption) forFront()  {}
func (labelOption) forCosts()  {}
func (labelOption) forAll()    {}

// configure applies the options of a figure and reports all faults together.
func configure[O Option](figure string, opts []O) (config, error) {
	c := config{level: 0.5}
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
