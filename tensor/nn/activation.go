package nn

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Activation is an element-wise function as a layer of its own. Behind a [Linear] or [Conv2D], ReLU, tanh and
// sigmoid cost less as the Act field of that layer.
type Activation[T tensor.Float] struct {
	forward  func(y, aux, x []T)
	backward func(dx, dy, x, y, aux []T)
	grain    int
	useAux   bool

	x, y                tensor.Dense[T]
	dy, dx, aux         []T
	yBuf, dxBuf, auxBuf buffer[T]
	fwd, bwd            func(lo, hi int)
}

func newActivation[T tensor.Float](grain int, useAux bool, forward func(y, aux, x []T),
	backward func(dx, dy, x, y, aux []T)) *Activation[T] {
	a := &Activation[T]{forward: forward, backward: backward, grain: grain, useAux: useAux}
	a.fwd, a.bwd = a.forwardBlock, a.backwardBlock
	return a
}

// NewReLU returns max(x, 0), whose derivative at 0 is 0.
func NewReLU[T tensor.Float]() *Activation[T] {
	return newActivation(cheapGrain, false,
		func(y, _, x []T) { tensor.ReLU(y, x) },
		func(dx, dy, _, y, _ []T) { tensor.ReLUGrad(dx, dy, y) })
}

// NewTanh returns the hyperbolic tangent.
func NewTanh[T tensor.Float]() *Activation[T] {
	return newActivation(dearGrain, false,
		func(y, _, x []T) { tensor.Tanh(y, x) },
		func(dx, dy, _, y, _ []T) { tanhGrad(dx, dy, y) })
}

// NewSigmoid returns the logistic function.
func NewSigmoid[T tensor.Float]() *Activation[T] {
	return newActivation(dearGrain, false,
		func(y, _, x []T) { tensor.Sigmoid(y, x) },
		func(dx, dy, _, y, _ []T) { sigmoidGrad(dx, dy, y) })
}

// NewGELU returns x times the normal distribution function of x, the exact form of Hendrycks and Gimpel 2016 and not
// its approximation by tanh.
func NewGELU[T tensor.Float]() *Activation[T] {
	return newActivation(dearGrain, true, geluForward[T], geluBackward[T])
}

// NewSiLU returns x*sigmoid(x), also called swish.
func NewSiLU[T tensor.Float]() *Activation[T] {
	return newActivation(dearGrain, true, siluForward[T], siluBackward[T])
}

// Forward applies the function to every element.
func (a *Activation[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	a.x, a.y = x, a.yBuf.shaped(x.Shape)
	mustLength("Activation", "x", len(x.Data), len(a.y.Data))
	if a.useAux {
		a.aux = a.auxBuf.sized(len(x.Data))
	}
	each(a.grain, len(x.Data), a.fwd)
	return a.y
}

// Backward multiplies dy by the derivative.
func (a *Activation[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("Activation", "dy", len(dy.Data), len(a.y.Data))
	dx := a.dxBuf.shaped(a.x.Shape)
	a.dy, a.dx = dy.Data, dx.Data
	each(a.grain, len(dy.Data), a.bwd)
	return dx
}

// Params is empty.
func (a *Activation[T]) Params() []*tensor.Param[T] { return nil }

func (a *Activation[T]) forwardBlock(lo, hi int) {
	a.forward(a.y.Data[lo:hi], a.auxBlock(lo, hi), a.x.Data[lo:hi])
}

func (a *Activation[T]) backwardBlock(lo, hi int) {
	a.backward(a.dx[lo:hi], a.dy[lo:hi], a.x.Data[lo:hi], a.y.Data[lo:hi], a.auxBlock(lo, hi))
}

func (a *Activation[T]) auxBlock(lo, hi int) []T {
	if !a.useAux {
		return nil
	}
	return a.aux[lo:hi]
}

func tanhGrad[T tensor.Float](dx, dy, y []T) {
	for i, v := range y {
		dx[i] = dy[i] * (1 - v*v)
	}
}

func sigmoidGrad[T tensor.Float](dx, dy, y []T) {
	for i, v := range y {
		dx[i] = dy[i] * v * (1 - v)
	}
}

// geluForward leaves the distribution function in cdf.
func geluForward[T tensor.Float](y, cdf, x []T) {
	tensor.Scale(y, T(1/math.Sqrt2), x)
	tensor.Erf(cdf, y)
	for i, v := range x {
		cdf[i] = 0.5 * (1 + cdf[i])
		y[i] = v * cdf[i]
	}
}

func geluBackward[T tensor.Float](dx, dy, x, _, cdf []T) {
	for i, v := range x {
		dx[i] = -0.5 * v * v
	}
	tensor.Exp(dx, dx)
	density := T(1 / math.Sqrt(2*math.Pi))
	for i, v := range x {
		dx[i] = dy[i] * (cdf[i] + v*density*dx[i])
	}
}

// siluForward leaves the sigmoid in s.
func siluForward[T tensor.Float](y, s, x []T) {
	tensor.Sigmoid(s, x)
	tensor.Mul(y, x, s)
}

func siluBackward[T tensor.Float](dx, dy, x, _, s []T) {
	for i, v := range x {
		dx[i] = dy[i] * s[i] * (1 + v*(1-s[i]))
	}
}
