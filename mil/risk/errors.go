package risk

import "errors"

// The errors of this package, beside those of packages tensor, stats and survival. Functions wrap them with what is at
// fault.
var (
	// ErrEmptyGroup reports thresholds that leave a group of patients empty.
	ErrEmptyGroup = errors.New("nobody in a group")
	// ErrZeroCell reports a table without patients in one of its cells, of which a ratio has no value or no interval.
	ErrZeroCell = errors.New("empty cell of a table")
)
