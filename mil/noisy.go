package mil

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// noisy is noisy-or and ISR of probabilities: a plane of sums over the instances that are not certain, and one of how
// many are. Leaving those out is what a product without one factor needs: nothing is divided by zero.
type noisy[T tensor.Float] struct{ isr bool }

func (noisy[T]) planes() int       { return 2 }
func (noisy[T]) begin(s []float64) { clear(s) }

func (o noisy[T]) term(p float64) float64 {
	if o.isr {
		return p / (1 - p)
	}
	return math.Log1p(-p)
}

func (o noisy[T]) add(s []float64, x tensor.Matrix[T], _ int, _ *work[T]) {
	sum, certain := plane(s, 0, 2), plane(s, 1, 2)
	for i := range x.Rows {
		for j, p := range x.Row(i) {
			if p == 1 {
				certain[j]++
			} else {
				sum[j] += o.term(float64(p))
			}
		}
	}
}

func (noisy[T]) merge(s, o []float64, _, _ int) {
	for j, v := range o {
		s[j] += v
	}
}

func (o noisy[T]) value(y []T, s []float64, _ int) {
	certain := plane(s, 1, 2)
	for j, sum := range plane(s, 0, 2) {
		switch {
		case certain[j] > 0:
			y[j] = 1
		case o.isr:
			y[j] = T(sum / (1 + sum))
		default:
			y[j] = T(-math.Expm1(sum))
		}
	}
}

func (o noisy[T]) grad(dx, x tensor.Matrix[T], _ int, s []float64, dy []T, _ int, _ *work[T]) {
	sum, certain := plane(s, 0, 2), plane(s, 1, 2)
	for i := range x.Rows {
		d := dx.Row(i)
		for j, p := range x.Row(i) {
			d[j] = T(float64(dy[j]) * o.slope(float64(p), sum[j], certain[j]))
		}
	}
}

// slope is the derivative of the result with respect to an instance.
func (o noisy[T]) slope(p, sum, certain float64) float64 {
	switch {
	case o.isr && certain > 0:
		return 0
	case o.isr:
		v := (1 + sum) * (1 - p)
		return 1 / (v * v)
	case p == 1 && certain == 1:
		return math.Exp(sum)
	case certain > 0:
		return 0
	}
	return math.Exp(sum - math.Log1p(-p))
}

// noisyLogit is noisy-or of logits: the sum of -softplus, which is the logarithm of the probability that nothing
// happens, and, for where that is too close to 0 to tell, the largest logit and the sum of exponentials.
type noisyLogit[T tensor.Float] struct{}

// rare is a log-sum-exp of logits below which that is the logit of their noisy-or, to rounding.
const rare = -36

func (noisyLogit[T]) planes() int { return 3 }

func (noisyLogit[T]) begin(s []float64) {
	clear(s)
	fill(plane(s, 1, 3), math.Inf(-1))
}

// add takes one logarithm for many instances: of the product of 1 + e^-|z|, each between 1 and 2, those next to 1 by
// their series instead. The exponentials for rare events are only made as long as all are.
func (noisyLogit[T]) add(s []float64, x tensor.Matrix[T], _ int, w *work[T]) {
	const most = 512 // factors, which stay far below the largest float64
	none, top, sum := plane(s, 0, 3), plane(s, 1, 3), plane(s, 2, 3)
	e, product := grow(&w.tile, x.Rows*x.Cols), grow(&w.coef, x.Cols)
	for i := range x.Rows {
		part := e[i*x.Cols:]
		for j, z := range x.Row(i) {
			part[j] = T(-math.Abs(float64(z)))
		}
	}
	tensor.Exp(e, e)
	for lo := 0; lo < x.Rows; lo += most {
		fill(product, 1)
		for i := lo; i < min(lo+most, x.Rows); i++ {
			part := e[i*x.Cols:]
			for j, v := range x.Row(i) {
				z, u := float64(v), float64(part[j])
				if u < 1e-4 {
					none[j] -= max(z, 0) + u*(1-u*(0.5-u/3))
				} else {
					none[j] -= max(z, 0)
					product[j] *= 1 + u
				}
				if top[j] < rare+6 {
					top[j], sum[j] = logAdd(top[j], sum[j], z, 1)
				} else {
					top[j] = max(top[j], z)
				}
			}
		}
		for j, v := range product {
			none[j] -= math.Log(v)
		}
	}
}

// logAdd is the largest logit and the sum of exponentials, relative to it, of two such pairs.
func logAdd(top, sum, otherTop, otherSum float64) (float64, float64) {
	switch {
	case otherSum == 0:
		return top, sum
	case sum == 0:
		return otherTop, otherSum
	case otherTop > top:
		return otherTop, sum*math.Exp(top-otherTop) + otherSum
	}
	return top, sum + otherSum*math.Exp(otherTop-top)
}

func (noisyLogit[T]) merge(s, o []float64, _, _ int) {
	none, top, sum := plane(s, 0, 3), plane(s, 1, 3), plane(s, 2, 3)
	for j, v := range plane(o, 0, 3) {
		none[j] += v
		top[j], sum[j] = logAdd(top[j], sum[j], plane(o, 1, 3)[j], plane(o, 2, 3)[j])
	}
}

func (noisyLogit[T]) value(y []T, s []float64, _ int) {
	top, sum := plane(s, 1, 3), plane(s, 2, 3)
	for j, l := range plane(s, 0, 3) {
		if v := top[j] + math.Log(max(sum[j], 1)); v < rare { // a sum that is not kept is that of a larger logit
			y[j] = T(v)
		} else {
			y[j] = T(math.Log(-math.Expm1(l)) - l)
		}
	}
}

func (noisyLogit[T]) grad(dx, x tensor.Matrix[T], _ int, s []float64, dy []T, _ int, w *work[T]) {
	none, top, sum := plane(s, 0, 3), plane(s, 1, 3), plane(s, 2, 3)
	each := grow(&w.row, x.Cols)
	for j, l := range none {
		each[j] = T(float64(dy[j]) / -math.Expm1(l))
	}
	p := tensor.Of(x.Rows, x.Cols, grow(&w.tile, x.Rows*x.Cols))
	copyRows(p, x)
	tensor.Sigmoid(p.Data, p.Data)
	w.scaleColumns(p, each)
	copyRows(dx, p)
	for j := range none {
		if lse := top[j] + math.Log(max(sum[j], 1)); lse < rare {
			for i := range x.Rows {
				dx.Set(i, j, T(float64(dy[j])*math.Exp(float64(x.At(i, j))-lse)))
			}
		}
	}
}

// linearSoftmax keeps the sum of probabilities and that of their squares.
type linearSoftmax[T tensor.Float] struct{}

func (linearSoftmax[T]) planes() int       { return 2 }
func (linearSoftmax[T]) begin(s []float64) { clear(s) }

func (linearSoftmax[T]) add(s []float64, x tensor.Matrix[T], _ int, _ *work[T]) {
	sum, squares := plane(s, 0, 2), plane(s, 1, 2)
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			p := float64(v)
			sum[j] += p
			squares[j] += p * p
		}
	}
}

func (linearSoftmax[T]) merge(s, o []float64, _, _ int) {
	for j, v := range o {
		s[j] += v
	}
}

func (linearSoftmax[T]) value(y []T, s []float64, _ int) {
	squares := plane(s, 1, 2)
	for j, v := range plane(s, 0, 2) {
		y[j] = 0
		if v > 0 {
			y[j] = T(squares[j] / v)
		}
	}
}

func (linearSoftmax[T]) grad(dx, x tensor.Matrix[T], _ int, s []float64, dy []T, _ int, w *work[T]) {
	sum, squares := plane(s, 0, 2), plane(s, 1, 2)
	for i := range x.Rows {
		d := dx.Row(i)
		for j, v := range x.Row(i) {
			switch {
			case sum[j] == 0:
				d[j] = 0
			case w.shares:
				d[j] = T(float64(v) / sum[j])
			default:
				d[j] = T(float64(dy[j]) * (2*float64(v) - squares[j]/sum[j]) / sum[j])
			}
		}
	}
}
