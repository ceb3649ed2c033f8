package tradeoff

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// RefClock is the seconds that operations take on one reference machine. Runs on different machines share its axis:
// their cost is what their operations would have taken there (reference-system time; Kaddour et al. 2023, "No Train No
// Gain").
type RefClock map[string]float64

// Seconds is the cost of so many of each operation. The error wraps [tensor.ErrRange] for an operation that was not
// measured, or a count or a time that is negative or not finite.
func (c RefClock) Seconds(operations map[string]float64) (float64, error) {
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(operations)) { // in order, for the same bits
		seconds, ok := c[name]
		n := operations[name]
		if !ok {
			return 0, fmt.Errorf("tradeoff: RefClock: operation %q was not measured, only %q: %w", name,
				slices.Sorted(maps.Keys(c)), tensor.ErrRange)
		}
		if !(n >= 0 && seconds >= 0) || math.IsInf(n, 1) || math.IsInf(seconds, 1) {
			return 0, fmt.Errorf("tradeoff: RefClock: %v of %q at %v s: %w", n, name, seconds, tensor.ErrRange)
		}
		total += float64(n * seconds)
	}
	return total, nil
}
