package tradeoff

import (
	"errors"

	"github.com/espalier-ml/espalier/tensor"
)

// Errors of this package beside those of [tensor] (ErrEmpty, ErrShape, ErrNotFinite, ErrRange), which it shares. All
// are wrapped with the argument, the index and the value at fault; test with [errors.Is].
var (
	// ErrNoOverlap reports curves whose ranges have nothing in common.
	ErrNoOverlap = errors.New("no common range")
	// ErrNotReached reports a target that no run reached within its budget.
	ErrNotReached = errors.New("target not reached")
	// ErrTooFewRuns reports fewer runs than a method needs; as a warning, fewer than it needs to keep its level.
	ErrTooFewRuns = errors.New("too few runs")
	// ErrDegenerate reports data without spread, or an interval that its method cannot give for them.
	ErrDegenerate = errors.New("degenerate sample")
	// ErrNonPositive reports a cost or a score on a logarithmic axis that is not positive. It is a tensor.ErrRange too.
	ErrNonPositive error = rangeError("not positive")
	// ErrConflict reports an option given twice, options that contradict each other, or one that the function does
	// not take.
	ErrConflict = errors.New("conflicting options")
)

// rangeError is a kind of [tensor.ErrRange].
type rangeError string

func (e rangeError) Error() string        { return string(e) }
func (e rangeError) Is(target error) bool { return target == tensor.ErrRange }
