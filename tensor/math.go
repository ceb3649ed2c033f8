package tensor

import "github.com/espalier-ml/espalier/tensor/internal/kernel"

// The functions of this file are accurate to 2 units in the last place in float32 and as accurate as package math in
// float64. NaN stays NaN. An element's result does not depend on where it stands in the slice. dst may be x; they
// panic like [Add].

// Exp writes e^x to dst: +Inf above the largest exponent, 0 below the smallest.
func Exp[T Float](dst, x []T) {
	unary("Exp", dst, x)
	kernel.Exp(dst, x)
}

// Expm1 writes e^x-1 to dst, accurate near zero.
func Expm1[T Float](dst, x []T) {
	unary("Expm1", dst, x)
	kernel.Expm1(dst, x)
}

// Log writes the natural logarithm of x to dst: NaN below 0, -Inf at 0.
func Log[T Float](dst, x []T) {
	unary("Log", dst, x)
	kernel.Log(dst, x)
}

// Log1p writes log(1+x) to dst, accurate near zero: NaN below -1, -Inf at -1.
func Log1p[T Float](dst, x []T) {
	unary("Log1p", dst, x)
	kernel.Log1p(dst, x)
}

// Tanh writes the hyperbolic tangent of x to dst.
func Tanh[T Float](dst, x []T) {
	unary("Tanh", dst, x)
	kernel.Tanh(dst, x)
}

// Erf writes the error function of x to dst.
func Erf[T Float](dst, x []T) {
	unary("Erf", dst, x)
	kernel.Erf(dst, x)
}

// Sigmoid writes the logistic function 1/(1+e^-x) to dst.
func Sigmoid[T Float](dst, x []T) {
	unary("Sigmoid", dst, x)
	kernel.Sigmoid(dst, x)
}

func unary[T Float](op string, dst, x []T) {
	sameLength(op, len(dst), len(x))
	noPartialOverlap(op, dst, x)
}
