package tensor

import "math"

// Exp writes e^x to dst. It returns +Inf above the largest exponent and 0 below the smallest.
func Exp[T Float](dst, x []T) { each("Exp", dst, x, math.Exp) }

// Expm1 writes e^x-1 to dst, accurate near zero.
func Expm1[T Float](dst, x []T) { each("Expm1", dst, x, math.Expm1) }

// Log1p writes log(1+x) to dst, accurate near zero: NaN below -1, -Inf at -1.
func Log1p[T Float](dst, x []T) { each("Log1p", dst, x, math.Log1p) }

// Tanh writes the hyperbolic tangent of x to dst.
func Tanh[T Float](dst, x []T) { each("Tanh", dst, x, math.Tanh) }

// Erf writes the error function of x to dst.
func Erf[T Float](dst, x []T) { each("Erf", dst, x, math.Erf) }

// Sigmoid writes the logistic function 1/(1+e^-x) to dst.
func Sigmoid[T Float](dst, x []T) {
	each("Sigmoid", dst, x, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
}

func each[T Float](op string, dst, x []T, f func(float64) float64) {
	sameLength(op, len(dst), len(x))
	noPartialOverlap(op, dst, x)
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}
