package kernel

import (
	"math"
	"unsafe"
)

// The functions below take slices of one length. dst may be an input itself. Every element gets the same bits
// wherever it stands in the slice.

// Add writes x+y to dst.
func Add[T float](dst, x, y []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			dst[i] = v + y[i]
		}
	case single[T]():
		add32(len(dst), f32(dst), f32(x), f32(y))
	default:
		add64(len(dst), f64(dst), f64(x), f64(y))
	}
}

// Sub writes x-y to dst.
func Sub[T float](dst, x, y []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			dst[i] = v - y[i]
		}
	case single[T]():
		sub32(len(dst), f32(dst), f32(x), f32(y))
	default:
		sub64(len(dst), f64(dst), f64(x), f64(y))
	}
}

// Mul writes x*y to dst.
func Mul[T float](dst, x, y []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			dst[i] = v * y[i]
		}
	case single[T]():
		mul32(len(dst), f32(dst), f32(x), f32(y))
	default:
		mul64(len(dst), f64(dst), f64(x), f64(y))
	}
}

// ScaleTo writes alpha*x to dst.
func ScaleTo[T float](dst []T, alpha T, x []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			dst[i] = alpha * v
		}
	case single[T]():
		scale32(len(dst), f32(dst), f32(x), float32(alpha))
	default:
		scale64(len(dst), f64(dst), f64(x), float64(alpha))
	}
}

// Axpy adds alpha*x to dst.
func Axpy[T float](dst []T, alpha T, x []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			dst[i] += alpha * v
		}
	case single[T]():
		axpy32(len(dst), f32(dst), f32(x), float32(alpha))
	default:
		axpy64(len(dst), f64(dst), f64(x), float64(alpha))
	}
}

// ReLU writes x to dst where it is not negative, NaN included, and 0 elsewhere.
func ReLU[T float](dst, x []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, v := range x {
			if v < 0 {
				v = 0
			}
			dst[i] = v
		}
	case single[T]():
		relu32(len(dst), f32(dst), f32(x))
	default:
		relu64(len(dst), f64(dst), f64(x))
	}
}

// ReLUGrad writes dy to dst where y > 0 and 0 elsewhere.
func ReLUGrad[T float](dst, dy, y []T) {
	switch {
	case len(dst) == 0:
	case !vectors:
		for i, g := range dy {
			if !(y[i] > 0) {
				g = 0
			}
			dst[i] = g
		}
	case single[T]():
		relugrad32(len(dst), f32(dst), f32(dy), f32(y))
	default:
		relugrad64(len(dst), f64(dst), f64(dy), f64(y))
	}
}

// Dot returns the sum of x*y.
func Dot[T float](x, y []T) T {
	switch {
	case len(x) == 0:
		return 0
	case !vectors:
		return dotGo(x, y)
	case single[T]():
		return T(dot32(len(x), f32(x), f32(y)))
	}
	return T(dot64(len(x), f64(x), f64(y)))
}

func dotGo[T float](x, y []T) T {
	var s0, s1, s2, s3 T
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * y[i]
		s1 += x[i+1] * y[i+1]
		s2 += x[i+2] * y[i+2]
		s3 += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// Sum returns the sum of x in float64.
func Sum[T float](x []T) float64 {
	if vectors && single[T]() && len(x) > 0 {
		return sum32(len(x), f32(x))
	}
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return s
}

// Finite tells whether no element of x is NaN or infinite.
func Finite[T float](x []T) bool {
	n := 0
	if vectors && len(x) > 0 {
		n = len(x) &^ (NR[T]()/2 - 1)
		if single[T]() && nought32(n, f32(x)) != 0 || !single[T]() && nought64(n, f64(x)) != 0 {
			return false
		}
	}
	for _, v := range x[n:] {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// Max returns the largest element of x, which has one, and NaN if x holds one.
func Max[T float](x []T) T {
	if vectors && single[T]() {
		return T(max32(len(x), f32(x)))
	}
	m := x[0]
	for _, v := range x[1:] {
		m = max(m, v)
	}
	return m
}

// AddColumnSums adds rows rows of m, len(dst) columns wide and stride elements apart, to dst in order.
func AddColumnSums[T float](dst []T, rows int, m []T, stride int) {
	j := 0
	if vectors && rows > 0 {
		j = columnSums(dst, rows, m, stride)
	}
	if j == len(dst) {
		return
	}
	rest := dst[j:]
	for i := range rows {
		for c, v := range m[i*stride+j:][:len(rest)] {
			rest[c] += v
		}
	}
}

// columnSums does whole vectors of columns and returns how many columns that were.
func columnSums[T float](dst []T, rows int, m []T, stride int) int {
	lanes := NR[T]() / 2
	j := 0
	for left := len(dst); left >= lanes; left = len(dst) - j {
		if single[T]() {
			d, s := f32(dst[j:]), f32(m[j:])
			switch {
			case left >= 32:
				colsums32_32(rows, s, stride, d)
				j += 32
			case left >= 16:
				colsums32_16(rows, s, stride, d)
				j += 16
			default:
				colsums32_8(rows, s, stride, d)
				j += 8
			}
			continue
		}
		d, s := f64(dst[j:]), f64(m[j:])
		switch {
		case left >= 16:
			colsums64_16(rows, s, stride, d)
			j += 16
		case left >= 8:
			colsums64_8(rows, s, stride, d)
			j += 8
		default:
			colsums64_4(rows, s, stride, d)
			j += 4
		}
	}
	return j
}

// Exp writes e^x to dst.
func Exp[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		exp32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, exp)
}

// exp is math.Exp, which on some processors overflows from 709.436 on, with the range that float64 has.
func exp(x float64) float64 {
	const (
		ln2Hi = 6.93147180369123816490e-01 // few enough bits that x-ln2Hi is exact
		ln2Lo = 1.90821492927058770002e-10
	)
	if x > 709 && !math.IsInf(x, 1) {
		return math.Exp(x-ln2Hi) * (2 - 2*ln2Lo)
	}
	return math.Exp(x)
}

// Expm1 writes e^x-1 to dst.
func Expm1[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		expm132(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, math.Expm1)
}

// Log writes log(x) to dst.
func Log[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		log32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, math.Log)
}

// Log1p writes log(1+x) to dst.
func Log1p[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		log1p32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, math.Log1p)
}

// Tanh writes the hyperbolic tangent of x to dst.
func Tanh[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		tanh32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, math.Tanh)
}

// Erf writes the error function of x to dst.
func Erf[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		erf32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, math.Erf)
}

// Sigmoid writes 1/(1+e^-x) to dst.
func Sigmoid[T float](dst, x []T) {
	if vectors && single[T]() && len(x) > 0 {
		sigmoid32(len(dst), f32(dst), f32(x))
		return
	}
	each(dst, x, sigmoid)
}

// sigmoid keeps the subnormal results of very negative x.
func sigmoid(x float64) float64 {
	if e := math.Exp(-math.Abs(x)); x < 0 {
		return e / (1 + e)
	} else {
		return 1 / (1 + e)
	}
}

// ExpSum writes e^(x-shift) to dst and returns the sum of dst in float64.
func ExpSum[T float](dst, x []T, shift T) float64 {
	if vectors && single[T]() && len(x) > 0 {
		return expsum32(len(dst), f32(dst), f32(x), float32(shift))
	}
	var s float64
	for i, v := range x {
		e := T(exp(float64(v - shift)))
		dst[i] = e
		s += float64(e)
	}
	return s
}

func each[T float](dst, x []T, f func(float64) float64) {
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

// single tells whether T is float32 or derived from it; the compiler resolves it.
func single[T float]() bool { return unsafe.Sizeof(T(0)) == 4 }

func f32[T float](x []T) *float32 { return (*float32)(unsafe.Pointer(&x[0])) }
func f64[T float](x []T) *float64 { return (*float64)(unsafe.Pointer(&x[0])) }
