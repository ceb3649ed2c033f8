package miltest

import (
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/mil"
)

// Option says more about the pooler that [CheckPooler] checks.
type Option func(*config) error

type config struct {
	columns       int
	probabilities bool
	ordered       bool
	allocates     bool
	empty         float64 // NaN for none
	single        mil.Pooler[float32]
	seed          uint64
}

func configure(opts []Option) (config, error) {
	c := config{columns: 3, empty: math.NaN()}
	return c, option.Apply("miltest: CheckPooler", &c, opts)
}

// WithColumns sets the columns of instances, 1 or more; default 3.
func WithColumns(n int) Option {
	return func(c *config) error {
		c.columns = n
		return option.Range(n >= 1, "WithColumns", n, "1 or more")
	}
}

// WithProbabilities says that elements must be in [0, 1]. By default they are any finite numbers, and large ones are
// tried too.
func WithProbabilities() Option {
	return func(c *config) error {
		c.probabilities = true
		return nil
	}
}

// WithOrder says that the order of the instances matters. By default it may not.
func WithOrder() Option {
	return func(c *config) error {
		c.ordered = true
		return nil
	}
}

// WithAllocations says that passes may allocate. By default those after the first may not.
func WithAllocations() Option {
	return func(c *config) error {
		c.allocates = true
		return nil
	}
}

// WithEmptyValue says that the pooler makes a row of that value of an empty bag. By default it has to report one.
func WithEmptyValue(v float64) Option {
	return func(c *config) error {
		c.empty = v
		return option.Range(v-v == 0, "WithEmptyValue", v, "a finite number")
	}
}

// WithSingle compares with the same pooler, parameters included, in float32.
func WithSingle(p mil.Pooler[float32]) Option {
	return func(c *config) error {
		c.single = p
		return option.Nil(p != nil, "WithSingle")
	}
}

// WithSeed sets the seed of the instances; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}
