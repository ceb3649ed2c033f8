package secondorder

import "errors"

// Besides those of package tensor, errors wrap these.
var (
	// ErrDead reports inputs that are all zero in every sample: nothing can be said of their weights.
	ErrDead = errors.New("no input is ever used")
	// ErrSingular reports a matrix of inputs that cannot be factorised, with its damping and with ten times that.
	ErrSingular = errors.New("matrix of the inputs is singular")
)
