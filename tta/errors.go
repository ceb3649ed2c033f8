package tta

import "errors"

// The errors of this package, beside those of package tensor. Functions wrap them with what is at fault.
var (
	// ErrLabel reports a label that is negative or not below the number of classes, or outputs without labels where
	// labels are needed.
	ErrLabel = errors.New("bad label")
	// ErrPolicy reports outputs, aggregators or policies that do not belong together.
	ErrPolicy = errors.New("policies do not match")
	// ErrIdentity reports that no view is known to be the untransformed input, where one is needed.
	ErrIdentity = errors.New("no untransformed view")
	// ErrFormat reports bytes that are not what they should be: truncated, corrupted or of another version.
	ErrFormat = errors.New("bad format")
	// ErrInverse reports an output that cannot be taken back to the frame of the input.
	ErrInverse = errors.New("not invertible")
)
