package schedule

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// maxBreakpoints bounds the answer of Breakpoints: a staircase of tiny steps over a long run would
// otherwise fill the memory.
const maxBreakpoints = 1 << 20

// Breakpoints lists, in increasing order and once each, the times in [from, to] where the formula of the schedule
// changes: jumps, kinks and ends of phases. Where the members of [Min] and [Max] cross, where [Clamp] cuts and where
// [Quantize] jumps is not among them: that depends on values, not on formulas. A user's own schedule takes part by a
// method Breakpoints(from, to float64) []float64. The error wraps [tensor.ErrRange] for bad bounds or more than 2^20
// points, or is that of [Validate].
func Breakpoints(s Schedule, from, to float64) ([]float64, error) {
	if err := checkWindow(s, from, to); err != nil {
		return nil, err
	}
	b := breakSet{lo: from, hi: to}
	b.collect(s)
	if b.full {
		return nil, fmt.Errorf("schedule: more than %d breakpoints in [%v, %v]: %w",
			maxBreakpoints, from, to, tensor.ErrRange)
	}
	slices.Sort(b.at)
	return slices.Compact(b.at), nil
}

func checkWindow(s Schedule, from, to float64) error {
	if err := Validate(s); err != nil {
		return err
	}
	if from-from != 0 || to-to != 0 {
		return fmt.Errorf("schedule: window [%v, %v]: %w", from, to, tensor.ErrNotFinite)
	}
	if from > to {
		return fmt.Errorf("schedule: window [%v, %v] ends before it starts: %w", from, to, tensor.ErrRange)
	}
	return nil
}

// breakSet gathers the points that lie in a window.
type breakSet struct {
	lo, hi float64
	at     []float64
	full   bool
}

func (b *breakSet) add(ts ...float64) {
	for _, t := range ts {
		if t < b.lo || t > b.hi || t != t {
			continue
		}
		if len(b.at) >= maxBreakpoints {
			b.full = true
			return
		}
		b.at = append(b.at, t)
	}
}

// every adds the multiples of period from first on.
func (b *breakSet) every(first, period float64) {
	k := 0.0
	if b.lo > first {
		k = math.Floor((b.lo - first) / period)
	}
	if k >= 1<<53 { // a float64 does not tell multiples so far out from each other
		return
	}
	for ; !b.full; k++ {
		t := first + k*period
		if t > b.hi || t+period == t {
			return
		}
		b.add(t)
	}
}

func (b *breakSet) collect(s Schedule) {
	switch s := s.(type) {
	case interface{ breaks(*breakSet) }:
		s.breaks(b)
	case interface {
		Breakpoints(from, to float64) []float64
	}:
		b.add(s.Breakpoints(b.lo, b.hi)...)
	}
}

// within adds the points of s that lie between lo and hi on the clock of s, which reads
// (t-zero)/rate when the clock of b reads t.
func (b *breakSet) within(s Schedule, zero, rate, lo, hi float64) {
	c := breakSet{lo: max(lo, (b.lo-zero)/rate), hi: min(hi, (b.hi-zero)/rate)}
	if c.lo > c.hi || b.full {
		return
	}
	c.collect(s)
	b.full = b.full || c.full
	for _, t := range c.at {
		b.add(zero + t*rate)
	}
}
