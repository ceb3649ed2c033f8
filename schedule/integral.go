package schedule

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Integral is the sum of s over the steps from, from+1, ..., to-1: how much learning rate a run spends, how
// many tokens it masks. It evaluates every step and loses no digits to the length of the sum (Neumaier's
// compensated summation). The error wraps [tensor.ErrRange] if to < from, [tensor.ErrNotFinite] with the first
// step whose value is not a number, or is that of [Validate].
func Integral(s Schedule, from, to int) (float64, error) {
	if err := Validate(s); err != nil {
		return 0, err
	}
	if to < from {
		return 0, fmt.Errorf("schedule: Integral from %d to %d: %w", from, to, tensor.ErrRange)
	}
	sum, lost := 0.0, 0.0
	for step := from; step < to; step++ {
		v := s.Value(float64(step))
		if v-v != 0 {
			return 0, fmt.Errorf("schedule: Integral: value %v at step %d: %w", v, step, tensor.ErrNotFinite)
		}
		next := sum + v
		if math.Abs(sum) >= math.Abs(v) {
			lost += (sum - next) + v
		} else {
			lost += (v - next) + sum
		}
		sum = next
	}
	return sum + lost, nil
}
