package masking

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/schedule"
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

// foresee is the error of the first rate out of range among those that a schedule has at the start and around its
// breakpoints, if it is one that ends: a staircase has so many that a run may well not come to them all.
func (m *Masker) foresee() error {
	if _, err := m.Rate(0); err != nil {
		return err
	}
	const many = 64
	at, err := schedule.Breakpoints(m.schedule, 0, math.MaxInt32)
	if err != nil || len(at) > many {
		return nil
	}
	for _, t := range at {
		step := int(math.Ceil(t))
		for _, step := range []int{max(step-1, 0), step} {
			if _, err := m.Rate(step); err != nil {
				return err
			}
		}
	}
	return nil
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
