package pruning

import (
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
)

// Option is a choice of [New].
type Option func(*config) error

type config struct {
	options   []prune.Option
	gradients bool
	inPlace   bool
	fresh     bool
	report    func(prune.StepInfo)
}

// WithOptions sets how to prune: options of [prune.New]. The layout is [prune.OutputLast] unless they say otherwise,
// which is that of GoMLX's dense layers and of convolutions with channels last; [prune.WithLayouts] is for others, such
// as transposed convolutions and convolutions with channels first.
func WithOptions(opts ...prune.Option) Option {
	return func(c *config) error {
		c.options = opts
		return option.Nil(len(opts) > 0, "WithOptions")
	}
}

// WithGradients keeps the gradient of each parameter in a variable, for scores that look at it, such as [prune.Taylor].
// It is that of the last update, and the mean over its micro-batches if gradients are accumulated. Default: not kept,
// and such scores are an error.
func WithGradients() Option {
	return func(c *config) error {
		c.gradients = true
		return nil
	}
}

// WithInPlace prunes in the memory of the host after each update, instead of by masks in the graph, which needs no
// variables more. On other backends than that of Go all parameters go to the host and back in each step. Parameters
// must be of float32.
func WithInPlace() Option {
	return func(c *config) error {
		c.inPlace = true
		return nil
	}
}

// WithFreshStart begins to prune a model that was trained before, without a state in its checkpoint. Steps go on
// from its global step: give the schedule a begin behind it, or delete the global step. Default: an error.
func WithFreshStart() Option {
	return func(c *config) error {
		c.fresh = true
		return nil
	}
}

// WithReport sets what is told of each step that changed masks, or could have; default none.
func WithReport(f func(prune.StepInfo)) Option {
	return func(c *config) error {
		c.report = f
		return option.Nil(f != nil, "WithReport")
	}
}
