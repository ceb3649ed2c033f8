package amm

import "github.com/espalier-ml/espalier/internal/option"

// Option is a choice of [FitPQ] and [FitBolt].
type Option = func(*config) error

// SeedOption is an [Option] for whatever draws random numbers: a choice of [NewSketch] and [FitColumns] too.
type SeedOption func(*config) error

// ProgressOption is an [Option] for what takes long.
type ProgressOption func(*config) error

type config struct {
	seed     uint64
	progress func(done, total int)
}

// WithSeed sets the seed of all draws; default 0.
func WithSeed(seed uint64) SeedOption {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithProgress calls f when the centroids of done of total codebooks are found: on any goroutine, but one call at a
// time.
func WithProgress(f func(done, total int)) ProgressOption {
	return func(c *config) error {
		c.progress = f
		return option.Nil(f != nil, "WithProgress")
	}
}

// Streams of random numbers, by what they are drawn for.
const (
	streamSketch = iota + 1
	streamColumns
	streamCentroids
)
