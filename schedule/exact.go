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
	exact := new(big.Rat).SetFloat64(x)
	if f := simple(exact, x); f != nil {
		return f
	}
	text := strconv.FormatFloat(x, 'e', 14, 64)
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == x {
		exact.SetString(text)
	}
	return exact
}

// simple is the first convergent of the continued fraction of exact that rounds to x, or nil if its denominator is 2^20
// or more.
func simple(exact *big.Rat, x float64) *big.Rat {
	n, d := new(big.Int).Set(exact.Num()), new(big.Int).Set(exact.Denom())
	p0, q0, p1, q1 := big.NewInt(0), big.NewInt(1), big.NewInt(1), big.NewInt(0)
	for d.Sign() != 0 {
		a, rest := new(big.Int).QuoRem(n, d, new(big.Int))
		n, d = d, rest
		p0, p1 = p1, p0.Add(p0, new(big.Int).Mul(a, p1))
		q0, q1 = q1, q0.Add(q0, a.Mul(a, q1))
		if q1.BitLen() > 20 {
			break
		}
		f := new(big.Rat).SetFrac(p1, q1)
		if v, _ := f.Float64(); v == x {
			return f
		}
	}
	return nil
}

// multiple is how many times period goes into t >= 0, and whether t is a multiple of it. That is so where it is one but
// for rounding, to 1e-11 of period or to the last bits of t: 0.3/0.1 is less than 3 in float64.
func multiple(t, period float64) (n float64, whole bool) {
	n = t / period
	if r := math.Round(n); math.Abs(n-r) <= max(1e-11, min(n*0x1p-50, 1e-6)) {
		return r, true
	}
	return n, false
}
