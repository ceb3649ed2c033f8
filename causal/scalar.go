package causal

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// scalars evaluates forms of a representation of one column, such as logits, exactly in O(n log n), for two groups and
// the kernels [Laplace] and [Energy]: sorted, the kernel of a pair is a product of factors of the places between, or a
// difference, so one pass each way sums over all that lie before and behind. It keeps its memory.
type scalars struct {
	sorter
	raw, x, a, gap, grad []float64 // all but raw in sorted order
}

// suits reports whether the form of groups can be evaluated so.
func (s *scalars) suits(k Kernel, cols int, f *form) bool {
	return cols == 1 && (k.kind == laplaceKernel || k.kind == energyKernel) && len(f.start) == 3 && !f.distinct
}

// evalScalars is [quadratic.eval] of such a form.
func evalScalars[T tensor.Float](s *scalars, k Kernel, f *form, z, grad tensor.Matrix[T]) evaluation {
	n := len(f.rows)
	s.raw = grow(s.raw, n)
	for i, row := range f.rows {
		s.raw[i] = float64(z.Row(row)[0])
	}
	order := s.sort(s.raw)
	s.x, s.a, s.gap, s.grad = grow(s.x, n), grow(s.a, n), grow(s.gap, n), grow(s.grad, n)
	squares := 0.0
	for at, key := range order {
		i := key.at
		s.x[at], s.a[at] = s.raw[i], f.p[i]
		if int(i) >= f.start[1] {
			s.a[at] = -f.p[i]
		}
		squares += f.p[i] * f.p[i]
	}
	value, all := s.eval(k)
	scale := f.scale * f.coef[0]
	if grad.Rows > 0 {
		for at, key := range order {
			i := key.at
			grad.Row(f.rows[i])[0] += T(scale * s.grad[at])
		}
	}
	e := evaluation{value: scale * value, off: all/(float64(n)*float64(n-1)/2) - k.zero()}
	e.expected = -scale * squares * e.off
	return e
}

// eval is the form, its gradient in s.grad, and the sum over pairs of different rows, each counted once.
func (s *scalars) eval(k Kernel) (value, all float64) {
	if k.kind == energyKernel {
		return s.energy()
	}
	return s.laplace(k.params[0])
}

// laplace is sum_ij a_i a_j exp(-|x_i-x_j|/length) and its gradient. Where numbers are equal the derivative is taken
// as 0.
func (s *scalars) laplace(length float64) (value, all float64) {
	s.gap[0] = 1
	for at := 1; at < len(s.x); at++ {
		s.gap[at] = math.Exp((s.x[at-1] - s.x[at]) / length)
	}
	sum, tied, count := 0.0, 0.0, 0.0 // of those before, of those equal, and of all of them with a weight of 1
	for at, a := range s.a {
		if at > 0 && s.x[at] != s.x[at-1] {
			sum, tied = (sum+tied)*s.gap[at], 0
		}
		if at > 0 {
			count = (count + 1) * s.gap[at]
		}
		value += a * (a + 2*(sum+tied))
		all += count
		s.grad[at] = -2 * a / length * sum
		tied += a
	}
	sum, tied = 0, 0
	for at := len(s.a) - 1; at >= 0; at-- {
		a := s.a[at]
		if at+1 < len(s.x) && s.x[at] != s.x[at+1] {
			sum, tied = (sum+tied)*s.gap[at+1], 0
		}
		s.grad[at] += 2 * a / length * sum
		tied += a
	}
	return value, all
}

// energy is -sum_ij a_i a_j |x_i-x_j| and its gradient; the sum of a is 0.
func (s *scalars) energy() (value, all float64) {
	before, moment, total := 0.0, 0.0, 0.0 // sums of a_j, a_j x_j and x_j before
	for lo := 0; lo < len(s.x); {
		hi, own := lo, 0.0
		at := s.x[lo] - s.x[0]
		for ; hi < len(s.x) && s.x[hi] == s.x[lo]; hi++ {
			own += s.a[hi]
		}
		value -= 2 * own * (at*before - moment)
		behind := -before - own
		for k := lo; k < hi; k++ {
			s.grad[k] = -2 * s.a[k] * (before - behind)
		}
		n := float64(hi - lo)
		all -= n * (at*float64(lo) - total)
		before += own
		moment += own * at
		total += n * at
		lo = hi
	}
	return value, all
}
