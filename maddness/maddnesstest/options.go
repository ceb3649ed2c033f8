package maddnesstest

import (
	"encoding"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [CheckApproximator].
type Option func(*config) error

type config struct {
	whole   bool
	columns int
	nmse    float64
	load    func() Loadable
}

// Loadable is an approximator that can be read from bytes.
type Loadable interface {
	amm.Approximator
	encoding.BinaryUnmarshaler
}

// WithWhole says that results may depend on which rows come in one call, as those of sketches of the rows do; by
// default each row has a result of its own.
func WithWhole() Option {
	return func(c *config) error {
		c.whole = true
		return nil
	}
}

// WithColumns sets the least number of columns that can be fitted, at least 1; default 1.
func WithColumns(least int) Option {
	return func(c *config) error {
		if least < 1 {
			return fmt.Errorf("WithColumns(%d): want at least 1: %w", least, tensor.ErrRange)
		}
		c.columns = least
		return nil
	}
}

// WithNMSE sets the largest error allowed on rows that were not fitted to, as mean squared error over the variance of
// the outputs. The rows have 64 columns made of 8 hidden ones, rectified, and there are 10 outputs. By default any
// error is.
func WithNMSE(most float64) Option {
	return func(c *config) error {
		if !(most > 0) {
			return fmt.Errorf("WithNMSE(%v): want above 0: %w", most, tensor.ErrRange)
		}
		c.nmse = most
		return nil
	}
}

// WithLoad makes the approximator, which must be an encoding.BinaryMarshaler, go through bytes into what load
// returns.
func WithLoad(load func() Loadable) Option {
	return func(c *config) error {
		c.load = load
		return option.Nil(load != nil, "WithLoad")
	}
}

func newConfig(opts []Option) (config, error) {
	c := config{columns: 1}
	return c, option.Apply("maddnesstest: CheckApproximator", &c, opts)
}
