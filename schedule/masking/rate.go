package masking

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Rate is the masking rate at a step, in [0, 1]. The error names the step and wraps [tensor.ErrNotFinite] for NaN
// and [tensor.ErrRange] for other values.
func (m *Masker) Rate(step int) (float64, error) {
	p := m.schedule.Value(float64(step))
	switch {
	case p != p:
		return 0, fmt.Errorf("masking: rate at step %d is NaN: %w", step, tensor.ErrNotFinite)
	case p < 0 || p > 1:
		return 0, fmt.Errorf("masking: rate at step %d is %v, want 0 to 1: %w", step, p, tensor.ErrRange)
	}
	return p, nil
}

// rate is a probability and the threshold that it means for 64-bit draws.
type rate struct {
	p     float64
	below uint64
}

func rateOf(p float64) rate {
	if p >= 1 {
		return rate{1, math.MaxUint64}
	}
	return rate{p, uint64(p * (1 << 64))} // exact: a scaling by a power of two, then floor
}

func (r rate) admits(u uint64) bool { return u < r.below || r.p == 1 }
