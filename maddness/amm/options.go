package amm

// Option is a choice of the constructors that draw random numbers.
type Option func(*config) error

type config struct{ seed uint64 }

// WithSeed sets the seed of all draws; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// Streams of random numbers, by what they are drawn for.
const (
	streamSketch = iota + 1
	streamColumns
	streamCentroids
)
