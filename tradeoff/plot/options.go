package plot

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of the figures.
type Option func(*config) error

type config struct {
	title, x, y string
	targets     []float64
	linear      bool
	level       float64
}

func configure(opts []Option) (config, error) {
	c := config{level: 0.5}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("a nil option: %w", tensor.ErrEmpty))
			continue
		}
		faults = append(faults, opt(&c))
	}
	if err := errors.Join(faults...); err != nil {
		return c, fmt.Errorf("plot: %w", err)
	}
	return c, nil
}

// WithTitle sets the title. Default: none.
func WithTitle(title string) Option {
	return func(c *config) error { c.title = title; return nil }
}

// WithLabels sets the labels of the axes. Default: what the figure shows, "cost" and "quality" among them.
func WithLabels(x, y string) Option {
	return func(c *config) error { c.x, c.y = x, y; return nil }
}

// WithTargets draws dotted lines at qualities, such as those at which times are compared. Default: none.
func WithTargets(qualities ...float64) Option {
	return func(c *config) error {
		for i, q := range qualities {
			if q-q != 0 {
				return fmt.Errorf("WithTargets: qualities[%d] = %v: %w", i, q, tensor.ErrNotFinite)
			}
		}
		c.targets = append(c.targets, qualities...)
		return nil
	}
}

// WithLinearCost has costs on a linear axis. Default: a logarithmic one.
func WithLinearCost() Option {
	return func(c *config) error { c.linear = true; return nil }
}

// WithBand sets the share of the runs that the band of [TradeoffCurves] holds, in (0, 1). Default 0.5: between
// quartiles.
func WithBand(share float64) Option {
	return func(c *config) error {
		if !(share > 0 && share < 1) {
			return fmt.Errorf("WithBand(%v): want a value in (0, 1): %w", share, tensor.ErrRange)
		}
		c.level = share
		return nil
	}
}
