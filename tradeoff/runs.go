package tradeoff

import (
	"fmt"
	"math"
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
		if c.Len() == 0 && !c.failed {
			return fmt.Errorf("tradeoff: runs of %q: curve %d has no points: %w", r.Name, i, tensor.ErrEmpty)
		}
		if c.direction != r.Curves[0].direction {
			return fmt.Errorf("tradeoff: runs of %q: the quality of curve %d is better when %v, that of curve 0 when %v: %w",
				r.Name, i, c.direction, r.Curves[0].direction, tensor.ErrShape)
		}
	}
	if !slices.ContainsFunc(r.Curves, func(c Curve) bool { return c.Len() > 0 }) {
		return fmt.Errorf("tradeoff: runs of %q: all failed before they had a quality: %w", r.Name, ErrFailed)
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

// Failed is the number of runs that failed (see [Curve.Failed]).
func (r Runs) Failed() int {
	n := 0
	for _, c := range r.Curves {
		if c.failed {
			n++
		}
	}
	return n
}

// Times is the cost to quality q of each run. One that ended without reaching it is censored at its last cost: it is
// known to need more. One that failed before is censored at +Inf: it never reaches it, and stays at risk for ever.
func (r Runs) Times(q float64, how Interpolation) []stats.Lifetime {
	return r.times(func(c Curve) (float64, bool) { return c.TimeToQuality(q, how) }, math.Inf(1))
}

// Spent is what each run cost until it reached quality q, failed or ended: what [ExpectedRunTime] adds up.
func (r Runs) Spent(q float64, how Interpolation) []stats.Lifetime {
	return r.times(func(c Curve) (float64, bool) { return c.TimeToQuality(q, how) }, 0)
}

// times is the lifetimes of the runs; one that failed has at least the cost never.
func (r Runs) times(time func(Curve) (cost float64, reached bool), never float64) []stats.Lifetime {
	times := make([]stats.Lifetime, len(r.Curves))
	for i, c := range r.Curves {
		cost, reached := time(c)
		if !reached {
			cost = c.spent
			if c.failed {
				cost = max(cost, never)
			}
		}
		times[i] = stats.Lifetime{Time: cost, Event: reached}
	}
	return times
}

// warnings is what distinguishes the runs from ones that all went well; where says what of the failed runs counts.
func (r Runs) warnings(where string) []error {
	var all []error
	if n := r.Failed(); n > 0 {
		all = append(all, fmt.Errorf("%d of %d runs of %q failed%s: %w", n, len(r.Curves), r.Name, where, ErrFailed))
	}
	missing := 0
	for _, c := range r.Curves {
		missing += c.missing
	}
	if missing > 0 {
		all = append(all, fmt.Errorf("%d evaluations of %q were NaN between finite ones and count as not made: %w", missing,
			r.Name, tensor.ErrNotFinite))
	}
	return all
}
