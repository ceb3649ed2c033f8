package secondorder

import (
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
)

// Option is a choice of [SparseGPT].
type Option = func(*config) error

// RowOption is an [Option] that [OBS] takes too.
type RowOption func(*config) error

// BlockOption is an [Option] of SparseGPT alone.
type BlockOption func(*config) error

type config struct {
	damping  float64
	block    int
	prior    *prune.Mask
	workers  int
	progress func(done, total int)
}

func defaults() config { return config{damping: 0.01, block: 128} }

// WithDamping sets what is added to the diagonal of H, as a fraction of its mean over the inputs that are not always
// zero, 0 to 1; default 0.01.
func WithDamping(fraction float64) RowOption {
	return func(c *config) error {
		c.damping = fraction
		return option.Range(fraction >= 0 && fraction <= 1, "WithDamping", fraction, "0 to 1")
	}
}

// WithPrior takes over a mask: what it prunes stays pruned and counts in the target. Default: nothing is pruned
// before.
func WithPrior(mask *prune.Mask) RowOption {
	return func(c *config) error {
		c.prior = mask
		return option.Nil(mask != nil, "WithPrior")
	}
}

// WithWorkers sets the goroutines, on which no bit of a result depends; default 0, GOMAXPROCS.
func WithWorkers(n int) RowOption {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

// WithProgress calls f after every block of columns, or of rows, from the goroutine of the caller.
func WithProgress(f func(done, total int)) RowOption {
	return func(c *config) error {
		c.progress = f
		return option.Nil(f != nil, "WithProgress")
	}
}

// WithBlock sets how many columns share one choice of what is pruned, 1 or more; default 128, the paper's.
func WithBlock(columns int) BlockOption {
	return func(c *config) error {
		c.block = columns
		return option.Range(columns >= 1, "WithBlock", columns, "1 or more")
	}
}
