package schedule

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Schedule is a number that depends on training time: a learning rate, a masking rate, a sparsity. It is a pure
// function: the same t gives the same value, on any goroutine and in any order. Resuming a run is calling it with
// another t; there is no state to save.
type Schedule interface {
	// Value is the value to use at time t, counted in whatever unit the schedule was written in, normally optimizer
	// steps already done.
	Value(t float64) float64
}

// Func makes a schedule of an ordinary function, which must be pure. It cannot be written as JSON:
// [SpecOf] answers [ErrNotSerializable].
type Func func(t float64) float64

// Value calls the function.
func (f Func) Value(t float64) float64 { return f(t) }

// Validate reports a nil function, wrapping [tensor.ErrEmpty].
func (f Func) Validate() error {
	if f == nil {
		return fmt.Errorf("schedule: Func is nil: %w", tensor.ErrEmpty)
	}
	return nil
}

// Validate checks a schedule and everything it is composed of. It reports a nil schedule, wrapping
// [tensor.ErrEmpty], and otherwise what the schedule's own Validate method says, if it has one.
func Validate(s Schedule) error {
	if s == nil {
		return fmt.Errorf("schedule: schedule is nil: %w", tensor.ErrEmpty)
	}
	if v, ok := s.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// Must returns s if it is valid and err is nil, and panics with the error otherwise. It is for
// examples and for schedules that are constants of a program.
func Must(s Schedule, err error) Schedule {
	if err == nil {
		err = Validate(s)
	}
	if err != nil {
		panic(err)
	}
	return s
}

// fraction is how much of [0, over] has passed at t, from 0 to 1. NaN counts as the start.
func fraction(t, over float64) float64 {
	switch {
	case !(t > 0):
		return 0
	case t >= over:
		return 1
	}
	return t / over
}

// moment is t as a usable time: NaN and everything before the start are 0, and nothing is later than
// 2^53, up to which every whole number is a float64.
func moment(t float64) float64 {
	if !(t > 0) {
		return 0
	}
	return min(t, 1<<53)
}

// mix goes from a to b as w goes from 1 to 0, and is exact at both ends.
func mix(a, b, w float64) float64 {
	if w == 1 {
		return a
	}
	d := a - b
	if d-d != 0 { // the distance overflows though the mixture does not
		return a*w + b*(1-w)
	}
	return b + d*w
}

// bounded keeps overflow finite, so that no later 0*Inf or Inf-Inf makes a NaN of it.
func bounded(v float64) float64 { return max(-math.MaxFloat64, min(v, math.MaxFloat64)) }

func cosine(x float64) float64 { return (1 + math.Cos(math.Pi*x)) / 2 }

// orOne is the meaning of an optional exponent or factor: 0 is not set.
func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}
