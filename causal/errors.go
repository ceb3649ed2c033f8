package causal

import "errors"

// The errors of this package, beside those of package tensor. Functions wrap them with what is at fault.
var (
	// ErrLabelRange reports a label that is negative, or that a table of weights does not know.
	ErrLabelRange = errors.New("label out of range")
	// ErrNoOverlap reports combinations of labels that the target needs and the data do not have.
	ErrNoOverlap = errors.New("no overlap")
	// ErrBandwidth reports a bandwidth of a kernel that is not a finite number above zero.
	ErrBandwidth = errors.New("bad bandwidth")
)
