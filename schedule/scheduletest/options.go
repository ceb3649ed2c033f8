package scheduletest

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

// Option says more about the schedule that is checked.
type Option func(*config) error

type config struct {
	from, to int
	lo, hi   float64
	ranged   bool
	hold     float64
	held     bool
	jumps    bool
	registry *schedule.Registry
}

func newConfig(opts []Option) (config, error) {
	c := config{to: 1000}
	return c, option.Apply("scheduletest: Check", &c, opts)
}

// WithWindow sets the steps that are looked at, from < to; default 0 to 1000. Choose it so that everything that the
// schedule does happens in it.
func WithWindow(from, to int) Option {
	return func(c *config) error {
		if from >= to {
			return fmt.Errorf("WithWindow(%d, %d): want from < to: %w", from, to, tensor.ErrRange)
		}
		c.from, c.to = from, to
		return nil
	}
}

// WithRange declares that no value is below lo or above hi, lo <= hi; by default values only have to be finite.
func WithRange(lo, hi float64) Option {
	return func(c *config) error {
		if !(lo <= hi) {
			return fmt.Errorf("WithRange(%v, %v): want lo <= hi: %w", lo, hi, tensor.ErrRange)
		}
		c.lo, c.hi, c.ranged = lo, hi, true
		return nil
	}
}

// WithHold declares that from time end on, a finite number, the value stays what it is there; by default nothing
// is expected of the end.
func WithHold(end float64) Option {
	return func(c *config) error {
		if end-end != 0 {
			return fmt.Errorf("WithHold(%v): %w", end, tensor.ErrNotFinite)
		}
		c.hold, c.held = end, true
		return nil
	}
}

// WithJumps permits jumps anywhere, as [schedule.Quantize] makes them; by default a schedule is continuous
// between its breakpoints.
func WithJumps() Option {
	return func(c *config) error {
		c.jumps = true
		return nil
	}
}

// WithRegistry sets the registry that knows the schedule's types. With it a schedule that cannot be written as JSON is
// a failure; by default such a schedule is not written and the built-in types are known.
func WithRegistry(r *schedule.Registry) Option {
	return func(c *config) error {
		c.registry = r
		return option.Nil(r != nil, "WithRegistry")
	}
}
