package mil

import "errors"

// The errors of this package, beside those of package tensor. Functions wrap them with what is at fault.
var (
	// ErrEmptyBag reports a bag without instances where a pooler was not told what to make of one ([WithEmpty]).
	ErrEmptyBag = errors.New("empty bag")
	// ErrLabel reports a label that is not 0 or 1, or that is not there.
	ErrLabel = errors.New("bad label")
	// ErrOneClass reports labels that are all positive or all negative.
	ErrOneClass = errors.New("one class only")
	// ErrNoEvents reports lifetimes that are all censored, which a survival loss can learn nothing from.
	ErrNoEvents = errors.New("no events")
)
