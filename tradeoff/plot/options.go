package plot

import (
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Option is a choice of the figures; each says which ones it takes and refuses the others.
type Option func(*config) error

type config struct {
	given       []string
	title, x, y string
	targets     []float64
	linear      bool
	level       float64
}

// configure applies opts for a figure that takes the named options, beside title and labels, and reports all faults
// together.
func configure(figure string, opts []Option, takes ...string) (config, error) {
	c := config{level: 0.5}
	takes = append(takes, "WithTitle", "WithLabels")
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
				faults = append(faults, fmt.Errorf("%s is given twice: %w", name, tradeoff.ErrConflict))
			case !slices.Contains(takes, name):
				faults = append(faults, fmt.Errorf("%s does not apply: %w", name, tradeoff.ErrConflict))
			}
		}
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return c, fmt.Errorf("plot: %s: %w", figure, err)
	}
	return c, nil
}

// WithTitle sets the title. Default: none.
func WithTitle(title string) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithTitle")
		c.title = title
		return nil
	}
}

// WithLabels sets the labels of the axes. Default: what the figure shows, "cost" and "quality" among them.
func WithLabels(x, y string) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithLabels")
		c.x, c.y = x, y
		return nil
	}
}

// WithTargets draws dotted lines at qualities, such as those at which times are compared. Default: none.
func WithTargets(qualities ...float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithTargets")
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
	return func(c *config) error {
		c.given = append(c.given, "WithLinearCost")
		c.linear = true
		return nil
	}
}

// WithBand sets the share of the runs that the band of [TradeoffCurves] holds, in (0, 1). Default 0.5: between
// quartiles.
func WithBand(share float64) Option {
	return func(c *config) error {
		c.given = append(c.given, "WithBand")
		if !(share > 0 && share < 1) {
			return fmt.Errorf("WithBand(%v): want a value in (0, 1): %w", share, tensor.ErrRange)
		}
		c.level = share
		return nil
	}
}
