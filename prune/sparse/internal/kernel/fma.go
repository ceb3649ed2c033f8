package kernel

import (
	"math"
	"unsafe"
)

// addScaled adds v times x to y, each product and sum rounded once as the assembly does. Results therefore do not
// depend on which of both ran.
func addScaled[T float](y []T, v T, x []T) {
	y = y[:len(x)]
	switch {
	case fused:
		for i, u := range x {
			y[i] = v*u + y[i]
		}
	case unsafe.Sizeof(v) == 8:
		for i, u := range x {
			y[i] = T(math.FMA(float64(v), float64(u), float64(y[i])))
		}
	default:
		for i, u := range x {
			p, c := float64(v)*float64(u), float64(y[i])
			s := p + c
			if twice(s) {
				s = toOdd(s, p, c)
			}
			y[i] = T(s)
		}
	}
}

// twice tells whether rounding s, the float64 nearest to the sum of an exact product and a number, to float32 may go
// wrong for being the second rounding: where the first may have left a number halfway between two of float32, or one
// that is subnormal there.
func twice(s float64) bool {
	const halfway, below = 1 << 28, 1<<29 - 1 // of the bits that a float32 lacks
	b := math.Float64bits(s)
	return b&below == halfway || b<<1 < smallest32<<1
}

const smallest32 = (1023 - 126) << 52 // the bits of 2^-126 as float64

// toOdd is p+c, of which s is the nearest number, rounded to odd instead: rounding that again is as good as rounding
// the sum (Boldo and Melquiond 2008).
func toOdd(s, p, c float64) float64 {
	if s-s != 0 {
		return s
	}
	v := s - p
	rest := (p - (s - v)) + (c - v) // exact (Knuth)
	b := math.Float64bits(s)
	if rest == 0 || b&1 == 1 {
		return s
	}
	if (rest > 0) == (s > 0) {
		return math.Float64frombits(b + 1)
	}
	return math.Float64frombits(b - 1)
}
