package amm

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
)

// Option is a choice of the constructors that draw random numbers.
type Option func(*config) error

type config struct {
	seed  uint64
	given bool
}

// WithSeed sets the seed of all draws; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		if c.given {
			return fmt.Errorf("amm: WithSeed is given twice: %w", maddness.ErrConflict)
		}
		c.seed, c.given = seed, true
		return nil
	}
}

func configure(opts []Option) (c config, err error) {
	for _, opt := range opts {
		err = errors.Join(err, opt(&c))
	}
	return c, err
}

// Streams of random numbers, by what they are drawn for.
const (
	streamSketch = iota + 1
	streamColumns
	streamCentroids
)
