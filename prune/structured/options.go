package structured

import (
	"fmt"
	"maps"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [Graph.Plan].
type Option func(*config) error

type config struct {
	scorer  any // Scorer[T]; nil is Magnitude
	global  bool
	ratios  map[string]float64
	roundTo int
	minKeep int
	fixed   []string
}

// WithScorer sets the importance; default [Magnitude] with squares. Its element type must be that of the graph.
func WithScorer[T tensor.Float](s Scorer[T]) Option {
	return func(c *config) error {
		c.scorer = s
		return option.Nil(s != nil, "WithScorer")
	}
}

// WithGlobal compares the units of all groups, each importance over the mean of its group, instead of pruning the
// ratio of each group.
func WithGlobal() Option {
	return func(c *config) error {
		c.global = true
		return nil
	}
}

// WithRatios sets ratios of groups by their names, 0 to 1, instead of the common one. It does not go with
// [WithGlobal].
func WithRatios(ratios map[string]float64) Option {
	return func(c *config) error {
		c.ratios = maps.Clone(ratios)
		for name, r := range ratios {
			if err := option.Range(r >= 0 && r <= 1, "WithRatios", fmt.Sprintf("%q: %v", name, r), "0 to 1"); err != nil {
				return err
			}
		}
		return nil
	}
}

// WithRoundTo keeps a multiple of n units of every group, rounded up, or all of them; 1 or more, default 1. Widths
// that are multiples of 8 or 16 are faster on most processors.
func WithRoundTo(n int) Option {
	return func(c *config) error {
		c.roundTo = n
		return option.Range(n >= 1, "WithRoundTo", n, "1 or more")
	}
}

// WithMinKeep sets how many units of a group stay at least, 1 or more; default 1.
func WithMinKeep(n int) Option {
	return func(c *config) error {
		c.minKeep = n
		return option.Range(n >= 1, "WithMinKeep", n, "1 or more")
	}
}

// WithFixed names layers that keep their outputs; their inputs may go.
func WithFixed(layers ...string) Option {
	return func(c *config) error {
		c.fixed = append([]string(nil), layers...)
		return nil
	}
}
