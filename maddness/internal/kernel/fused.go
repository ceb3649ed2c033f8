package kernel

import "math"

// fused is x*y + z with a single rounding, which is what the vector instructions do.
func fused(x, y, z float32) float32 {
	p, o := float64(x)*float64(y), float64(z) // the product is exact
	s := p + o
	// Rounding a second time goes wrong only from halfway between two values of 32 bits, or below the normal ones.
	if math.Float64bits(s)&(1<<29-1) == 1<<28 || math.Abs(s) < 0x1p-126 {
		return float32(odd(p, o, s))
	}
	return float32(s)
}

// odd is s, the rounded sum of p and o, or its neighbour on the other side of the exact sum, whichever ends in an odd
// bit: rounded to fewer bits it is what the exact sum would be. An exact s stays.
func odd(p, o, s float64) float64 {
	b := s - p
	rest := (p - (s - b)) + (o - b)
	bits := math.Float64bits(s)
	switch {
	case rest == 0 || bits&1 == 1:
	case rest > 0 == (s > 0):
		bits++
	default:
		bits--
	}
	return math.Float64frombits(bits)
}
