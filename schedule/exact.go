package schedule

import (
	"math"
	"math/big"
	"strconv"
)

// meant is the number that somebody wrote or computed as x: a fraction with a denominator below 2^20 (7/100 for 0.07,
// 5/6, 1281167/96), else a decimal of up to 15 digits, else x itself. The first of them is no guess: fractions of that
// kind are 2^-40 apart, and it takes a decimal of 10 digits to be as near to one.
func meant(x float64) *big.Rat {
	r := new(big.Rat)
	if p, q, ok := simple(x); ok {
		return r.SetFrac64(p, q)
	}
	text := strconv.FormatFloat(x, 'e', 14, 64)
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == x {
		r.SetString(text)
		return r
	}
	return r.SetFloat64(x)
}

// simple is the first convergent p/q of the continued fraction of x >= 0 that rounds to x, if q is below 2^20. Rounding
// on the way can only put off the convergent: that p/q is x is tested, and numbers below 2^53 are divided as they are.
func simple(x float64) (p, q int64, ok bool) {
	p0, q0, p1, q1 := 0.0, 1.0, 1.0, 0.0
	for y := x; ; {
		a := math.Floor(y)
		p0, p1 = p1, a*p1+p0
		q0, q1 = q1, a*q1+q0
		if !(q1 < 1<<20 && p1 < 1<<53) {
			return 0, 0, false
		}
		if p1/q1 == x {
			return int64(p1), int64(q1), true
		}
		y = 1 / (y - a)
	}
}

// multiple is how many times period goes into t >= 0, and whether t is a multiple of it. That is so where it is one but
// for rounding, to 1e-11 of period or to the last bits of t: 0.3/0.1 is less than 3 in float64.
func multiple(t, period float64) (n float64, whole bool) {
	n = t / period
	r := math.RoundToEven(n)
	if off := math.Abs(n - r); off <= 1e-6 && (off <= 1e-11 || off <= n*0x1p-50) {
		return r, true
	}
	return n, false
}
