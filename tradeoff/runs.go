package tradeoff

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Runs is a method measured several times: one curve for each seed.
type Runs struct {
	Name   string
	Curves []Curve
}

// NewRuns makes Runs of curves. The error wraps [tensor.ErrEmpty] if there is none or one is empty, and
// [tensor.ErrShape] if their directions differ.
func NewRuns(name string, curves ...Curve) (Runs, error) {
	r := Runs{name, slices.Clone(curves)}
	return r, r.check()
}

func (r Runs) check() error {
	if len(r.Curves) == 0 {
		return fmt.Errorf("tradeoff: runs of %q: no curves: %w", r.Name, tensor.ErrEmpty)
	}
	for i, c := range r.Curves {
		if c.Len() == 0 {
			return fmt.Errorf("tradeoff: runs of %q: curve %d has no points: %w", r.Name, i, tensor.ErrEmpty)
		}
		if c.direction != r.Curves[0].direction {
			return fmt.Errorf("tradeoff: runs of %q: the quality of curve %d is better when %v, that of curve 0 when %v: %w",
				r.Name, i, c.direction, r.Curves[0].direction, tensor.ErrShape)
		}
	}
	return nil
}

// pair checks the two arms of a comparison.
func pair(base, method Runs) error {
	for _, r := range []Runs{base, method} {
		if err := r.check(); err != nil {
			return err
		}
	}
	if a, b := base.Curves[0].direction, method.Curves[0].direction; a != b {
		return fmt.Errorf("tradeoff: the quality of %q is better when %v, that of %q when %v: %w", base.Name, a, method.Name,
			b, tensor.ErrShape)
	}
	return nil
}

// Direction is which way the quality improves.
func (r Runs) Direction() Direction {
	if len(r.Curves) == 0 {
		return HigherBetter
	}
	return r.Curves[0].direction
}

// Times is the cost to quality q of each run. One that ended without reaching it is censored at its last cost: it is
// known to need more.
func (r Runs) Times(q float64, how Interpolation) []stats.Lifetime {
	times := make([]stats.Lifetime, len(r.Curves))
	for i, c := range r.Curves {
		cost, reached := c.TimeToQuality(q, how)
		if !reached && c.Len() > 0 {
			cost = c.points[len(c.points)-1].Cost
		}
		times[i] = stats.Lifetime{Time: cost, Event: reached}
	}
	return times
}
