package tradeoff

import (
	"errors"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// Errors of this package beside those of packages tensor and stats, some of which have names here too. All are wrapped
// with the argument, the index and the value at fault; test with [errors.Is].
var (
	// ErrNoOverlap reports curves whose ranges have nothing in common.
	ErrNoOverlap = errors.New("no common range")
	// ErrNotReached reports a target that no run reached within its budget.
	ErrNotReached = errors.New("target not reached")
	// ErrFailed reports runs whose quality became NaN or infinite.
	ErrFailed = errors.New("run failed")
	// ErrTooFewRuns is [stats.ErrTooFew].
	ErrTooFewRuns = stats.ErrTooFew
	// ErrDegenerate is [stats.ErrDegenerate].
	ErrDegenerate = stats.ErrDegenerate
	// ErrNonPositive is [stats.ErrNonPositive]: a cost or a score on a logarithmic axis.
	ErrNonPositive = stats.ErrNonPositive
)
