package tta

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
)

// shrunk is the mean cross-entropy of a problem plus lambda |x - centre|², to be minimised over x >= 0. It is convex,
// and strictly so for lambda > 0.
type shrunk struct {
	*problem
	centre []float64
	lambda float64
}

// solution is where a solver stopped.
type solution struct {
	x          []float64
	loss       float64 // mean cross-entropy
	objective  float64
	gradient   float64 // largest element of the projected gradient, 0 at the minimum
	iterations int
	converged  bool
}

const (
	solverTolerance  = 1e-6
	solverIterations = 100
)

// minimize is projected Newton descent (Bertsekas 1982): weights that are zero and want to fall stay, a Newton step is
// made in the others, and steps are projected and halved until they descend enough. The Newton system of one weight a
// view is solved directly, that of weights for classes by conjugate gradients, preconditioned by the blocks of the
// classes.
func (p shrunk) minimize(start []float64, tolerance float64, iterations int) solution {
	n := len(start)
	x, next := append([]float64(nil), start...), make([]float64, n)
	grad, dir := make([]float64, n), make([]float64, n)
	free := make([]bool, n)
	probs := make([]float32, len(p.labels)*p.classes)
	s := solution{x: x}
	s.loss = p.eval(x, grad, probs)
	s.objective = s.loss + p.penalty(x, grad)
	for ; ; s.iterations++ {
		s.gradient = projected(x, grad)
		if s.gradient <= tolerance {
			s.converged = true
			return s
		}
		if s.iterations >= iterations {
			return s
		}
		margin := min(1e-3, s.gradient)
		for i := range x {
			free[i] = x[i] > margin || grad[i] <= 0
			dir[i] = -x[i]
		}
		p.newton(probs, grad, free, dir)
		if !p.search(&s, next, grad, dir, probs) {
			// Further descent is below the rounding of float32 outputs.
			s.converged = s.gradient <= 100*tolerance
			return s
		}
	}
}

// penalty is the value of the quadratic term, and adds its gradient.
func (p shrunk) penalty(x, grad []float64) float64 {
	if p.lambda == 0 {
		return 0
	}
	sum := 0.0
	for i, v := range x {
		d := v - p.centre[i]
		sum += d * d
		if grad != nil {
			grad[i] += 2 * p.lambda * d
		}
	}
	return p.lambda * sum
}

// projected is the largest element of x - max(x - grad, 0).
func projected(x, grad []float64) float64 {
	most := 0.0
	for i, g := range grad {
		most = max(most, math.Abs(x[i]-max(x[i]-g, 0)))
	}
	return most
}

// search halves the step until it descends, moves s there and leaves gradient and probabilities.
func (p shrunk) search(s *solution, next, grad, dir []float64, probs []float32) bool {
	for step := 1.0; step > 1e-9; step /= 2 {
		slope := 0.0
		for i := range next {
			next[i] = max(s.x[i]+step*dir[i], 0)
			slope += grad[i] * (next[i] - s.x[i])
		}
		if slope >= 0 {
			continue
		}
		loss := p.eval(next, nil, nil)
		objective := loss + p.penalty(next, nil)
		if objective > s.objective+1e-4*slope {
			continue
		}
		copy(s.x, next)
		s.loss = p.eval(s.x, grad, probs)
		s.objective = s.loss + p.penalty(s.x, grad)
		return true
	}
	return false
}

// newton writes the step of the free weights to dir and leaves the others.
func (p shrunk) newton(probs []float32, grad []float64, free []bool, dir []float64) {
	var index []int
	for i, ok := range free {
		if ok {
			index = append(index, i)
		}
	}
	if len(index) == 0 {
		return
	}
	if !p.perClass(grad) {
		h := p.hessian(probs)
		f := factor(h, p.views, index, 2*p.lambda)
		rhs := make([]float64, len(index))
		for k, i := range index {
			rhs[k] = -grad[i]
		}
		f.solve(rhs)
		for k, i := range index {
			dir[i] = rhs[k]
		}
		return
	}
	p.conjugate(probs, grad, free, dir)
}

// conjugate solves the Newton system of the free weights to a tenth of the gradient, and better near the minimum.
func (p shrunk) conjugate(probs []float32, grad []float64, free []bool, dir []float64) {
	n := len(grad)
	precondition := p.preconditioner(probs, free)
	r, z, d, hd := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	step := make([]float64, n)
	norm := 0.0
	for i, ok := range free {
		if ok {
			r[i] = -grad[i]
			norm += r[i] * r[i]
		}
	}
	norm = math.Sqrt(norm)
	goal := norm * min(0.1, math.Sqrt(norm))
	precondition(z, r)
	copy(d, z)
	rz := tensor.Dot(r, z)
	for range 40 {
		p.product(probs, d, hd)
		for i := range hd {
			hd[i] += 2 * p.lambda * d[i]
			if !free[i] {
				hd[i] = 0
			}
		}
		curve := tensor.Dot(d, hd)
		if !(curve > 0) {
			break
		}
		alpha := rz / curve
		tensor.Axpy(step, alpha, d)
		tensor.Axpy(r, -alpha, hd)
		if tensor.Norm2(r) <= goal {
			break
		}
		precondition(z, r)
		before := rz
		rz = tensor.Dot(r, z)
		for i := range d {
			d[i] = z[i] + rz/before*d[i]
		}
	}
	for i, ok := range free {
		if ok {
			dir[i] = step[i]
		}
	}
}

// preconditioner solves with the blocks of the classes, free weights only.
func (p shrunk) preconditioner(probs []float32, free []bool) func(dst, r []float64) {
	a := p.views
	index := make([][]int, p.classes)
	factors := make([]factored, p.classes)
	tensor.ParallelWorkers(p.workers, p.classes, 1, func(lo, hi int) {
		h := make([]float64, a*a)
		for c := lo; c < hi; c++ {
			for i := range a {
				if free[c*a+i] {
					index[c] = append(index[c], i)
				}
			}
			if len(index[c]) > 0 {
				p.classHessian(probs, c, h)
				factors[c] = factor(h, a, index[c], 2*p.lambda)
			}
		}
	})
	return func(dst, r []float64) {
		rhs := make([]float64, a)
		for c, own := range index {
			for k, i := range own {
				rhs[k] = r[c*a+i]
			}
			if len(own) > 0 {
				factors[c].solve(rhs[:len(own)])
			}
			for k, i := range own {
				dst[c*a+i] = rhs[k]
			}
		}
	}
}

// factored is the Cholesky factor of some rows and columns of a matrix.
type factored struct {
	cholesky mat.Cholesky
	n        int
}

// factor decomposes the rows and columns of h at index, with ridge added to the diagonal and as much more as it takes.
func factor(h []float64, stride int, index []int, ridge float64) factored {
	n := len(index)
	most := 0.0
	for _, i := range index {
		most = max(most, h[i*stride+i])
	}
	f := factored{n: n}
	sym := mat.NewSymDense(n, nil)
	for extra := 1e-9*most + 1e-12; ; extra *= 100 {
		for k, i := range index {
			for l := k; l < n; l++ {
				sym.SetSym(k, l, (h[i*stride+index[l]]+h[index[l]*stride+i])/2)
			}
			sym.SetSym(k, k, h[i*stride+i]+ridge+extra)
		}
		if f.cholesky.Factorize(sym) || extra > 1e6*(most+1) {
			return f
		}
	}
}

// solve overwrites b with the solution.
func (f *factored) solve(b []float64) {
	v := mat.NewVecDense(f.n, b)
	// The error is a warning of poor conditioning: the step is checked by descent anyway.
	_ = f.cholesky.SolveVecTo(v, v)
}
