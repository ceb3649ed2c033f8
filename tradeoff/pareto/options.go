package pareto

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// BandOption is a choice of [MedianBand] and [Verdicts]: WithLevel or WithResampling.
type BandOption func(*bandConfig) error

type bandConfig struct {
	call
	level      float64
	resampling []stats.ResampleOption
}

// configure applies options and reports all faults together.
func configure(function string, opts []BandOption) (bandConfig, error) {
	c := bandConfig{call: call(function), level: 0.95}
	return c, option.Apply("pareto: "+function, &c, opts)
}

// WithLevel sets the level of the band or of the verdicts, in (0, 1). Default 0.95.
func WithLevel(level float64) BandOption {
	return func(c *bandConfig) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithLevel", level, "a value in (0, 1)")
	}
}

// WithResampling hands options to the bootstrap, such as stats.WithSeed(1). Those of a later WithResampling come after
// those of an earlier one.
func WithResampling(opts ...stats.ResampleOption) BandOption {
	return func(c *bandConfig) error {
		c.resampling = append(c.resampling, opts...)
		_, err := stats.Read(widest(opts)...)
		return err
	}
}

func widest(opts []stats.ResampleOption) []stats.Option {
	all := make([]stats.Option, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
}

// call is the name of a function, for its errors.
type call string

func (c call) errorf(format string, args ...any) error {
	return fmt.Errorf("pareto: "+string(c)+": "+format, args...)
}

// checkSample refuses samples that are empty or have a NaN or an infinity.
func (c call) checkSample(name string, x []float64) error {
	if len(x) == 0 {
		return c.errorf("%s has no values: %w", name, tensor.ErrEmpty)
	}
	for i, v := range x {
		if v-v != 0 {
			return c.errorf("%s[%d] = %v: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	return nil
}
