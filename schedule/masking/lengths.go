package masking

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// law is how long the spans of [WithSpans] and its kin are.
type law struct {
	name    string // of the option
	p, mean float64
	longest int
}

// WithSpans selects contiguous spans (SpanBERT, Joshi et al. 2020) until round(rate * candidates) tokens are selected,
// cutting the last span. Lengths are geometric with parameter p in (0, 1], not longer than max, 1 to 65536; SpanBERT
// has 0.2 and 10, a mean of 3.8. They count tokens, or words with [WithWords] or [WithWordPositions]. Replacement is
// decided once per span. A span ends where a protected token or another span begins. It excludes [WithPoissonSpans] and
// [WithFixedSpans].
func WithSpans(p float64, max int) Option {
	return func(c *config) error {
		c.lengths = law{name: "WithSpans", p: p, longest: max}
		c.given.Mark("WithSpans")
		err := probability("WithSpans: p", p)
		if p == 0 {
			err = fmt.Errorf("WithSpans: p is 0: %w", tensor.ErrRange)
		}
		return errors.Join(err, longest("WithSpans: max", max))
	}
}

// WithPoissonSpans is [WithSpans] with lengths that follow a Poisson law with the parameter mean, of which only those
// from 1 to max are drawn: mean in (0, 512], max 1 to 65536. BART (Lewis et al. 2020) has 3, where the lengths drawn
// have a mean of 3.16.
func WithPoissonSpans(mean float64, max int) Option {
	return func(c *config) error {
		c.lengths = law{name: "WithPoissonSpans", mean: mean, longest: max}
		c.given.Mark("WithPoissonSpans")
		return errors.Join(option.Range(mean > 0 && mean <= 512, "WithPoissonSpans", mean, "a mean in (0, 512]"),
			longest("WithPoissonSpans: max", max))
	}
}

// WithFixedSpans is [WithSpans] with spans that are all of one length, 1 to 65536, but for the last one and those that
// meet a protected token or another span.
func WithFixedSpans(length int) Option {
	return func(c *config) error {
		c.lengths = law{name: "WithFixedSpans", longest: length}
		c.given.Mark("WithFixedSpans")
		return longest("WithFixedSpans: length", length)
	}
}

func longest(name string, n int) error {
	if n < 1 || n > 1<<16 {
		return fmt.Errorf("%s is %d, want 1 to 65536: %w", name, n, tensor.ErrRange)
	}
	return nil
}

// thresholds are those of the draws: a span is longer than i+1 if its draw is not below number i. No product is fused
// with a sum, so that they are the same on every architecture.
func (l law) thresholds() []uint64 {
	cumulative := make([]uint64, l.longest-1)
	if l.name == "WithFixedSpans" {
		return cumulative
	}
	weights := make([]float64, l.longest)
	weight, total := 1.0, 0.0
	for i := range weights {
		if l.name == "WithSpans" {
			weights[i] = float64(weight * l.p)
			weight *= 1 - l.p
		} else {
			weight = float64(weight*l.mean) / float64(i+1)
			weights[i] = weight
		}
		total += weights[i]
	}
	sum := 0.0
	for i := range cumulative {
		sum += weights[i]
		cumulative[i] = rateOf(sum / total).below
	}
	return cumulative
}
