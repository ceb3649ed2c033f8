package tensor

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// The errors that every package of the module shares. Functions wrap them with the argument, the
// index and the value at fault; test with [errors.Is].
var (
	// ErrShape reports lengths, dimensions, strides or offsets that do not fit together.
	ErrShape = errors.New("shape mismatch")
	// ErrNotFinite reports a NaN or an infinity where a number is required.
	ErrNotFinite = errors.New("not finite")
	// ErrEmpty reports an input without elements where at least one is required.
	ErrEmpty = errors.New("empty input")
	// ErrRange reports a value outside its documented range.
	ErrRange = errors.New("out of range")
	// ErrOverlap reports a destination that shares memory with an input it must not share with.
	ErrOverlap = errors.New("overlapping memory")
	// ErrConflict reports arguments or options that contradict each other.
	ErrConflict = errors.New("contradictory options")
)

// shapePanic stops a zero-allocation kernel before it has written anything. The value is an error
// that wraps sentinel, so that a recovering caller can tell what went wrong.
func shapePanic(sentinel error, format string, args ...any) {
	panic(fmt.Errorf("tensor: "+format+": %w", append(args, sentinel)...))
}

// ValidateFinite returns an error wrapping [ErrNotFinite] that names the first element of x that is
// NaN or infinite, and nil if there is none. It runs at memory speed.
func ValidateFinite[T Float](name string, x []T) error {
	if kernel.Finite(x) {
		return nil
	}
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("tensor: %s[%d] = %v: %w", name, i, v, ErrNotFinite)
		}
	}
	return nil
}
