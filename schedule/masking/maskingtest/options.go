package maskingtest

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Option says more about the masker that is checked. Those that share a name with an option of package masking say that
// the masker has it.
type Option func(*config) error

type config struct {
	special              map[int32]bool
	maskProb, randomProb float64
	ignore               int32
	rts                  bool
	target               float64
	steps                []int
	nested               bool
	cluster              float64
}

func newConfig(vocab, maskID int, opts []Option) (config, error) {
	c := config{special: map[int32]bool{int32(maskID): true}, maskProb: 0.8, randomProb: 0.1, ignore: -100, target: 1,
		steps: []int{0, 250, 500, 750, 1000}, nested: true, cluster: 1}
	var errs []error
	if vocab < 1 || maskID < 0 || maskID >= vocab {
		errs = append(errs, fmt.Errorf("maskingtest: mask id %d in a vocabulary of %d: %w", maskID, vocab, tensor.ErrRange))
	}
	errs = append(errs, option.Apply("maskingtest: Check", &c, opts))
	if len(c.special) >= vocab {
		errs = append(errs, fmt.Errorf("maskingtest: all %d ids are special: %w", vocab, tensor.ErrEmpty))
	}
	return c, errors.Join(errs...)
}

// WithSpecial declares ids that the masker must leave alone; the mask id is one of them anyway.
func WithSpecial(ids ...int) Option {
	return func(c *config) error {
		for _, id := range ids {
			c.special[int32(id)] = true
		}
		return nil
	}
}

// WithReplaceProbs declares the probabilities of masking and of random replacement; default 0.8 and 0.1.
func WithReplaceProbs(mask, random float64) Option {
	return func(c *config) error {
		if !(mask >= 0 && random >= 0 && mask+random <= 1+1e-12) {
			return fmt.Errorf("WithReplaceProbs(%v, %v): %w", mask, random, tensor.ErrRange)
		}
		c.maskProb, c.randomProb = mask, random
		return nil
	}
}

// WithIgnoreIndex declares the label of positions that are no targets; default -100.
func WithIgnoreIndex(label int) Option {
	return func(c *config) error {
		c.ignore = int32(label)
		return nil
	}
}

// WithRTS declares that selected tokens become random ones and labels are 0 and 1.
func WithRTS() Option {
	return func(c *config) error {
		c.rts, c.maskProb, c.randomProb = true, 0, 1
		return nil
	}
}

// WithTargetRate declares that labels are kept at this rate where the masking rate is larger.
func WithTargetRate(rate float64) Option {
	return func(c *config) error {
		if !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("WithTargetRate(%v): %w", rate, tensor.ErrRange)
		}
		c.target = rate
		return nil
	}
}

// WithSteps sets the steps that are looked at; default 0, 250, 500, 750 and 1000. Choose them so that their rates
// differ: what is checked of nesting compares them.
func WithSteps(steps ...int) Option {
	return func(c *config) error {
		if len(steps) == 0 {
			return fmt.Errorf("WithSteps(): %w", tensor.ErrEmpty)
		}
		c.steps = steps
		return nil
	}
}

// WithoutNesting permits that a position selected at one rate is not selected at a larger one, or becomes something
// else there, as with T5's segments and with words by count.
func WithoutNesting() Option {
	return func(c *config) error {
		c.nested = false
		return nil
	}
}

// WithClusters declares that tokens are selected and replaced in groups of about size >= 1: the standard errors of all
// counts are taken sqrt(size) times as large.
func WithClusters(size float64) Option {
	return func(c *config) error {
		if !(size >= 1) {
			return fmt.Errorf("WithClusters(%v): %w", size, tensor.ErrRange)
		}
		c.cluster = size
		return nil
	}
}
