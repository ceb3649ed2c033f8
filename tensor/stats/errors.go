package stats

import (
	"errors"

	"github.com/espalier-ml/espalier/tensor"
)

// Errors of this package beside those of package tensor. All are wrapped with the argument, the index and the value at
// fault; test with [errors.Is].
var (
	// ErrTooFew reports fewer values than a method needs; as a warning, fewer than it needs to keep its level.
	ErrTooFew = errors.New("too few values")
	// ErrDegenerate reports data without spread, or an interval that its method cannot give for them.
	ErrDegenerate = errors.New("degenerate sample")
	// ErrNonPositive reports a value that is not positive where a logarithm is taken. It is a tensor.ErrRange too.
	ErrNonPositive error = rangeError("not positive")
	// ErrOneClass reports labels that are all positive or all negative.
	ErrOneClass = errors.New("one class only")
	// ErrUnreached reports what lies beyond the end of the observation.
	ErrUnreached = errors.New("beyond the last observation")
)

// sentinels are the errors that warnings wrap.
var sentinels = []error{ErrTooFew, ErrDegenerate, ErrNonPositive, ErrOneClass, ErrUnreached}

// rangeError is a kind of [tensor.ErrRange].
type rangeError string

// Error is the text.
func (e rangeError) Error() string { return string(e) }

// Is makes errors.Is(err, tensor.ErrRange) true.
func (e rangeError) Is(target error) bool { return target == tensor.ErrRange }
