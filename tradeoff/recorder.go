package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Cycles tells when the cycles of a learning rate are over: the numbers of steps done then, within total steps.
// schedule.Cyclic does.
type Cycles interface{ Ends(total int) []int }

// Recorder reads the tradeoff curve of a single cyclic run off the ends of its cycles, where the learning rate has
// decayed as it would have at the end of a run of that length (Portes et al. 2022). It serves one goroutine at a
// time.
type Recorder struct {
	cycles    Cycles
	direction Direction
	window    int
	warmup    int
	seen      []observation
}

type observation struct {
	done int // steps
	Point
}

// NewRecorder makes a recorder for a run with the given schedule, which has to be valid if it has a method Validate()
// error. It takes WithWindow and WithWarmup.
func NewRecorder(cycles Cycles, dir Direction, opts ...RecorderOption) (*Recorder, error) {
	c := recorderConfig{call: "NewRecorder"}
	if err := option.Apply("tradeoff: NewRecorder", &c, opts); err != nil {
		return nil, err
	}
	if cycles == nil {
		return nil, c.errorf("no cycles: %w", tensor.ErrEmpty)
	}
	if v, ok := cycles.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return nil, c.errorf("cycles: %w", err)
		}
	}
	if dir > LowerBetter {
		return nil, c.errorf("direction is %v: %w", dir, tensor.ErrRange)
	}
	return &Recorder{cycles: cycles, direction: dir, window: c.window, warmup: c.warmup}, nil
}

// RecorderOption is a choice of [NewRecorder].
type RecorderOption func(*recorderConfig) error

type recorderConfig struct {
	call
	window, warmup int
}

// WithWindow has [NewRecorder] take the best of up to k evaluations on either side of the end of a cycle, k >= 0. The
// paper plots the best within 5 epochs; those after the end belong to the next cycle and flatter the curve a little.
// Default 0: the last evaluation of the cycle.
func WithWindow(k int) RecorderOption {
	return func(c *recorderConfig) error {
		c.window = k
		return option.Range(k >= 0, "WithWindow", k, "0 or more")
	}
}

// WithWarmup has [NewRecorder] leave out the first n points, which the warmup of the learning rate dominates, n >= 0.
// Default 0.
func WithWarmup(n int) RecorderOption {
	return func(c *recorderConfig) error {
		c.warmup = n
		return option.Range(n >= 0, "WithWarmup", n, "0 or more")
	}
}

// Observe notes an evaluation after the step, counted from 0, at a cost such as the seconds of training so far.
// Evaluations that are not at the end of a cycle may be noted too: the last one of each cycle counts. Steps must rise
// and costs not fall. A quality that is NaN or infinite counts as in [NewCurve]. The error wraps [tensor.ErrRange],
// [ErrNonPositive] or [tensor.ErrNotFinite], and nothing is noted.
func (r *Recorder) Observe(step int, cost, quality float64) error {
	if cost-cost != 0 {
		return fmt.Errorf("tradeoff: Observe: step %d, cost %v, quality %v: %w", step, cost, quality, tensor.ErrNotFinite)
	}
	if cost <= 0 {
		return fmt.Errorf("tradeoff: Observe: step %d, cost %v: %w", step, cost, ErrNonPositive)
	}
	if n := len(r.seen); step < 0 || n > 0 && (step+1 <= r.seen[n-1].done || cost < r.seen[n-1].Cost) {
		last := observation{}
		if n > 0 {
			last = r.seen[n-1]
		}
		return fmt.Errorf("tradeoff: Observe: step %d, cost %v after step %d, cost %v: want steps to rise and costs not "+
			"to fall: %w", step, cost, last.done-1, last.Cost, tensor.ErrRange)
	}
	r.seen = append(r.seen, observation{step + 1, Point{cost, quality}})
	return nil
}

// Curve is the curve so far: a point for each cycle that is over and was evaluated. The error wraps [tensor.ErrEmpty]
// if there is none.
func (r *Recorder) Curve() (Curve, error) {
	if len(r.seen) == 0 {
		return Curve{}, fmt.Errorf("tradeoff: Recorder: nothing was observed: %w", tensor.ErrEmpty)
	}
	ends := r.cycles.Ends(r.seen[len(r.seen)-1].done)
	fails := failure(len(r.seen), func(i int) float64 { return r.seen[i].Quality })
	seen := slices.DeleteFunc(slices.Clone(r.seen[:fails]), func(o observation) bool { return !isFinite(o.Quality) })
	var cost, quality []float64
	begin, i := 0, 0
	for k, end := range ends {
		last := -1
		for ; i < len(seen) && seen[i].done <= end; i++ {
			if seen[i].done > begin {
				last = i
			}
		}
		begin = end
		if last < 0 || k < r.warmup || fails < len(r.seen) && r.seen[fails].done <= end {
			continue
		}
		best := seen[last].Quality
		for _, o := range seen[max(0, last-r.window):min(len(seen), last+r.window+1)] {
			if r.direction.Better(o.Quality, best) {
				best = o.Quality
			}
		}
		cost, quality = append(cost, seen[last].Cost), append(quality, best)
	}
	for _, o := range r.seen[fails:] {
		cost, quality = append(cost, o.Cost), append(quality, math.NaN())
	}
	if len(cost) == 0 {
		return Curve{}, fmt.Errorf("tradeoff: Recorder: %d steps and no cycle that was evaluated is over: %w",
			r.seen[len(r.seen)-1].done, tensor.ErrEmpty)
	}
	return NewCurve(cost, quality, r.direction)
}
