package maddness

import "errors"

// Besides those of package tensor, errors wrap these. Test with [errors.Is].
var (
	// ErrConflict reports options that contradict each other, that do not belong to a call, or that are given twice.
	ErrConflict = errors.New("contradictory options")
	// ErrColumns reports fewer columns than codebooks, each of which needs one to look at.
	ErrColumns = errors.New("too few columns")
	// ErrFormat reports bytes that are not what MarshalBinary wrote.
	ErrFormat = errors.New("malformed data")
)
