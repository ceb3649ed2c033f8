package prune

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Schedule says at which steps masks change and how sparse they then are: at Begin, every Every steps after it, and
// always at End, where the target is reached however long a step is. Make one with a constructor and change Every if
// need be.
type Schedule struct {
	Begin, End int   // first and last update, Begin <= End
	Every      int   // steps between updates; 0 means 100
	Lead       int   // steps before Begin at which the curve starts; 0 for curves that start at Begin
	Curve      Curve // nil means the target at every update
}

// Curve is the way to the target.
type Curve interface {
	// At is the sparsity when the fraction x of the way has passed, 0 <= x <= 1. At 1 it is the target, and it must not
	// fall as x grows.
	At(x, target float64) float64
}

// CurveFunc makes a curve of a function.
type CurveFunc func(x, target float64) float64

// At calls the function.
func (f CurveFunc) At(x, target float64) float64 { return f(x, target) }

// Polynomial rises as From + (target-From)·(1-(1-x)^Power): steeply at first, when there is much to spare.
type Polynomial struct {
	From  float64 // sparsity at the start
	Power float64 // > 0
}

// At implements [Curve].
func (p Polynomial) At(x, target float64) float64 {
	if x >= 1 {
		return target
	}
	return target + (p.From-target)*math.Pow(1-x, p.Power)
}

// geometric lets the density fall by equal factors.
func geometric(x, target float64) float64 {
	if x >= 1 {
		return target
	}
	return 1 - math.Pow(1-target, x)
}

// OneShot prunes to the target at one step.
func OneShot(step int) Schedule { return Schedule{Begin: step, End: step} }

// Cubic is gradual pruning from nothing to the target (Zhu and Gupta 2017).
func Cubic(begin, end int) Schedule {
	return Schedule{Begin: begin, End: end, Curve: Polynomial{Power: 3}}
}

// Linear goes to the target in a straight line.
func Linear(begin, end int) Schedule {
	return Schedule{Begin: begin, End: end, Curve: Polynomial{Power: 1}}
}

// Exponential lets the density fall from 1 to that of the target by equal factors.
func Exponential(begin, end int) Schedule {
	return Schedule{Begin: begin, End: end, Curve: CurveFunc(geometric)}
}

// Iterative prunes in rounds, the first at begin, each the same fraction of what remains. For n rounds of a fifth, as
// in the lottery ticket experiments, set the target 1-0.8^n. With every 1 it is the schedule of [SynFlow].
func Iterative(begin, every, rounds int) Schedule {
	return Schedule{Begin: begin, End: begin + (rounds-1)*every, Every: every, Lead: every, Curve: CurveFunc(geometric)}
}

// Valuer is a function of training time such as every schedule of package schedule.
type Valuer interface{ Value(t float64) float64 }

// Follow takes the sparsity from any function of the step. It must end at the target: without a target it is the
// value at end, and with another one [New] returns an error wrapping [ErrTargetNotReached]. Where values fall, masks
// stay.
func Follow(v Valuer, begin, end int) Schedule {
	return Schedule{Begin: begin, End: end, Curve: follow{v, begin, end}}
}

type follow struct {
	v          Valuer
	begin, end int
}

func (f follow) At(x, _ float64) float64 {
	return f.v.Value(float64(f.begin) + math.Round(x*float64(f.end-f.begin)))
}

// Validate reports everything that is wrong; errors wrap tensor.ErrRange or tensor.ErrEmpty.
func (s Schedule) Validate() error { return option.Call("prune: schedule", s.faults()) }

func (s Schedule) faults() error {
	var errs []error
	if s.End < s.Begin {
		errs = append(errs, fmt.Errorf("from step %d to %d: it ends before it begins: %w", s.Begin, s.End, tensor.ErrRange))
	}
	if s.Begin < 0 || s.Every < 0 || s.Lead < 0 {
		errs = append(errs, fmt.Errorf("steps: Begin %d, Every %d, Lead %d: want none below 0: %w",
			s.Begin, s.Every, s.Lead, tensor.ErrRange))
	}
	switch c := s.Curve.(type) {
	case follow:
		if c.v == nil {
			errs = append(errs, fmt.Errorf("curve: the valuer of Follow is nil: %w", tensor.ErrEmpty))
		}
	case Polynomial:
		if !(c.Power > 0) || math.IsInf(c.Power, 1) {
			errs = append(errs, fmt.Errorf("curve: power %v: want > 0: %w", c.Power, tensor.ErrRange))
		}
		if !(c.From >= 0 && c.From <= 1) {
			errs = append(errs, fmt.Errorf("curve: from %v: want 0 to 1: %w", c.From, tensor.ErrRange))
		}
	}
	return errors.Join(errs...)
}

// Sparsity is the sparsity on the schedule's curve at a step, whether or not masks change there.
func (s Schedule) Sparsity(step int, target float64) float64 {
	start := s.Begin - s.Lead
	x := 1.0
	switch {
	case step < s.End:
		x = max(0, float64(step-start)/float64(s.End-start))
	case s.Curve == nil:
		return target
	}
	if s.Curve == nil {
		if step < s.Begin {
			return 0
		}
		return target
	}
	return s.Curve.At(x, target)
}

// IsUpdate reports whether masks change at step.
func (s Schedule) IsUpdate(step int) bool {
	return step == s.End || step >= s.Begin && step < s.End && (step-s.Begin)%s.every() == 0
}

func (s Schedule) every() int {
	if s.Every == 0 {
		return 100
	}
	return s.Every
}

// due reports whether an update lies in (last, step].
func (s Schedule) due(last, step int) bool {
	switch {
	case step < s.Begin || last >= s.End:
		return false
	case step >= s.End || last < s.Begin:
		return true
	}
	return (step-s.Begin)/s.every() > (last-s.Begin)/s.every()
}

// check follows the curve at the updates of a run and reports a sparsity out of range, and an end that is not the
// target.
func (s Schedule) check(target float64) error {
	for k := 0; k <= 1000; k++ {
		step := s.Begin + int(float64(s.End-s.Begin)*float64(k)/1000)
		if v := s.Sparsity(step, target); !(v >= 0 && v <= 1) {
			return fmt.Errorf("schedule: sparsity at step %d is %v, want 0 to 1: %w", step, v, tensor.ErrRange)
		}
	}
	if end := s.Sparsity(s.End, target); math.Abs(end-target) > 1e-9 {
		return fmt.Errorf("schedule ends at step %d with sparsity %v, the target is %v: %w",
			s.End, end, target, ErrTargetNotReached)
	}
	return nil
}
