package schedule

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// quotient is a product of numbers over another, to be rounded once.
type quotient struct {
	over, under   [4]float64
	nOver, nUnder int
}

func (q *quotient) times(x float64) { q.over[q.nOver], q.nOver = x, q.nOver+1 }

func (q *quotient) by(x float64) { q.under[q.nUnder], q.nUnder = x, q.nUnder+1 }

func (q *quotient) scale(x float64, inverse bool) {
	if inverse {
		q.by(x)
	} else {
		q.times(x)
	}
}

// value takes every number for what is [meant] by it. Whole numbers below 2^53 are divided as they are.
func (q *quotient) value() float64 {
	if n, d, ok := q.small(); ok {
		return float64(n) / float64(d)
	}
	v := new(big.Rat).SetInt64(1)
	for _, x := range q.over[:q.nOver] {
		v.Mul(v, meant(x))
	}
	for _, x := range q.under[:q.nUnder] {
		v.Quo(v, meant(x))
	}
	r, _ := v.Float64()
	return r
}

func (q *quotient) small() (n, d uint64, ok bool) {
	n, d, ok = 1, 1, true
	multiply := func(x float64, over, under *uint64) {
		a, b, simple := simple(x)
		ok = ok && simple && product(over, uint64(a)) && product(under, uint64(b))
	}
	for _, x := range q.over[:q.nOver] {
		multiply(x, &n, &d)
	}
	for _, x := range q.under[:q.nUnder] {
		multiply(x, &d, &n)
	}
	return n, d, ok
}

// product multiplies into x if that stays below 2^53.
func product(x *uint64, by uint64) bool {
	hi, lo := bits.Mul64(*x, by)
	*x = lo
	return hi == 0 && lo < 1<<53
}

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
