package maddness

import "errors"

// Besides those of package tensor, errors wrap these. Test with [errors.Is].
var (
	// ErrColumns reports fewer columns than codebooks, each of which needs one to look at.
	ErrColumns = errors.New("too few columns")
	// ErrFormat reports bytes that are not what MarshalBinary wrote.
	ErrFormat = errors.New("malformed data")
)
