package schedule

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Range is the smallest and the largest value of s over the real times in [from, to]. Jumps, kinks and restarts are hit
// exactly, from both sides, through [Breakpoints]; a peak inside a smooth stretch is searched for, and one that is
// narrow beside the stretch may be missed. The error wraps [tensor.ErrNotFinite] with the first value that is not a
// number, or is that of [Breakpoints].
func Range(s Schedule, from, to float64) (lo, hi float64, err error) {
	stops, err := stops(s, from, to)
	if err != nil {
		return 0, 0, err
	}
	const most = 1 << 13 // evaluations, shared by the pieces
	perPiece := max(4, min(64, most/len(stops)))

	lo, hi = math.Inf(1), math.Inf(-1)
	visit := func(t float64) float64 {
		v := s.Value(t)
		if v-v != 0 && err == nil {
			err = fmt.Errorf("schedule: value %v at time %v: %w", v, t, tensor.ErrNotFinite)
		}
		lo, hi = min(lo, v), max(hi, v)
		return v
	}
	for i := range len(stops) - 1 {
		a, b := stops[i], math.Nextafter(stops[i+1], stops[i]) // b is still this side of a jump
		low, high := 0, 0
		vLow, vHigh := math.Inf(1), math.Inf(-1)
		for k := range perPiece + 1 {
			v := visit(between(a, b, k, perPiece))
			if v < vLow {
				low, vLow = k, v
			}
			if v > vHigh {
				high, vHigh = k, v
			}
		}
		around := func(k int) (float64, float64) {
			return between(a, b, max(k-1, 0), perPiece), between(a, b, min(k+1, perPiece), perPiece)
		}
		if perPiece > 4 || vHigh == hi {
			l, r := around(high)
			search(l, r, visit)
		}
		if perPiece > 4 || vLow == lo {
			l, r := around(low)
			search(l, r, func(t float64) float64 { return -visit(t) })
		}
	}
	visit(to)
	if err != nil {
		return 0, 0, err
	}
	return lo, hi, nil
}

// stops are the breakpoints with the ends of the window among them.
func stops(s Schedule, from, to float64) ([]float64, error) {
	at, err := Breakpoints(s, from, to)
	if err != nil {
		return nil, err
	}
	if d := to - from; d-d != 0 {
		return nil, fmt.Errorf("schedule: window [%v, %v] is too wide: %w", from, to, tensor.ErrRange)
	}
	at = append(at, from, to)
	slices.Sort(at)
	return slices.Compact(at), nil
}

// between is the k-th of n+1 times from a to b; whole numbers stay whole.
func between(a, b float64, k, n int) float64 {
	if k == n {
		return b
	}
	return a + (b-a)*float64(k)/float64(n)
}

// search climbs to a maximum of f between a and b by golden sections.
func search(a, b float64, f func(float64) float64) {
	const golden = 0.6180339887498949
	l, r := b-golden*(b-a), a+golden*(b-a)
	fl, fr := f(l), f(r)
	for range 40 {
		if fl > fr {
			b, r, fr = r, l, fl
			l = b - golden*(b-a)
			fl = f(l)
		} else {
			a, l, fl = l, r, fr
			r = a + golden*(b-a)
			fr = f(r)
		}
	}
}
