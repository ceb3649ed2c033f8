package mil

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// ranked is the rules of order statistics. What it keeps of a bag are values to compare with, from which the backward
// pass finds the instances again: of the k largest the smallest one and how many of its equals belong to them, of
// percentiles the threshold and how many elements reach it, of a quantile the two elements it lies between, each with
// its number among equals.
type ranked[T tensor.Float] struct{ rule Rule }

func (r ranked[T]) planes() int {
	if r.rule.kind == quantileRule {
		return 4
	}
	return 2
}

func (r ranked[T]) stateLen(in int) int { return r.planes() * in }
func (ranked[T]) scoreLen(int) int      { return 0 }
func (ranked[T]) finish(*work[T])       {}

// gathered is how many columns are copied together: those of a cache line.
const gathered = 16

func (r ranked[T]) forward(t *Tape[T], w *work[T], bag int) {
	r.pool(t.y.Row(bag), t.state(bag), t.bags.Bag(bag), w)
}

// pool writes the result and the state of a bag.
func (r ranked[T]) pool(y []T, s []float64, x tensor.Matrix[T], w *work[T]) {
	n := x.Rows
	columns := grow(&w.tile, min(gathered, x.Cols)*n)
	for from := 0; from < x.Cols; from += gathered {
		to := min(from+gathered, x.Cols)
		for i := range n {
			for k, v := range x.Row(i)[from:to] {
				columns[k*n+i] = v
			}
		}
		for j := from; j < to; j++ {
			y[j] = r.column(columns[(j-from)*n:(j-from+1)*n], s, j, w)
		}
	}
}

// column is the result of a column, which it reorders.
func (r ranked[T]) column(x []T, s []float64, j int, w *work[T]) T {
	planes := r.planes()
	n := len(x)
	switch r.rule.kind {
	case topKRule, topFractionRule:
		k := r.rule.count(n)
		sum, least, ties := w.sorter.top(x, k)
		plane(s, 0, planes)[j], plane(s, 1, planes)[j] = float64(least), float64(ties)
		return T(sum / float64(k))
	case quantileRule:
		return r.quantile(x, s, j)
	}
	lo, hi, share := bracket(x, r.rule.a/100)
	t := between(float64(lo), float64(hi), share)
	sum, count := 0.0, 0
	for _, v := range x {
		if float64(v) >= t {
			sum += float64(v)
			count++
		}
	}
	denominator := float64(count)
	if r.rule.kind == percentileSumRule {
		denominator = (1 - r.rule.a/100) * float64(n)
	}
	plane(s, 0, planes)[j], plane(s, 1, planes)[j] = t, denominator
	return T(sum / denominator)
}

func (r ranked[T]) quantile(x []T, s []float64, j int) T {
	h := float64(len(x)-1) * r.rule.a
	at := int(h)
	lo, hi, share := bracket(x, r.rule.a)
	below := func(v T) (n int) {
		for _, u := range x {
			if u < v {
				n++
			}
		}
		return n
	}
	plane(s, 0, 4)[j], plane(s, 1, 4)[j] = float64(lo), float64(at-below(lo))
	plane(s, 2, 4)[j], plane(s, 3, 4)[j] = float64(hi), -1
	if share > 0 {
		plane(s, 3, 4)[j] = float64(at + 1 - below(hi))
	}
	return T(between(float64(lo), float64(hi), share))
}

// bracket is the two order statistics that the quantile of order q lies between, and where. It reorders x.
func bracket[T tensor.Float](x []T, q float64) (lo, hi T, share float64) {
	h := float64(len(x)-1) * q
	at := int(h)
	lo = tensor.Select(x, at)
	if share = h - float64(at); share == 0 {
		return lo, lo, 0
	}
	return lo, slices.Min(x[at+1:]), share
}

// between interpolates as numpy does, which decides on which side of a threshold an element is.
func between(lo, hi, share float64) float64 {
	if share >= 0.5 {
		return hi - (hi-lo)*(1-share)
	}
	return lo + (hi-lo)*share
}

func (r ranked[T]) backward(t *Tape[T], w *work[T], bag int) {
	x := t.bags.Bag(bag)
	clear(grow(&w.coef, 2*x.Cols))
	r.grad(w.output(t.dx, t.bags.Offsets[bag], x), x, t.state(bag), t.dy.Row(bag), x.Rows, w.coef)
}

// grad is the gradient of rows of a bag of n. seen counts, from one call for the rows of a bag to the next, the
// elements of each column that are equal to one to compare with; it has two planes.
func (r ranked[T]) grad(dx, x tensor.Matrix[T], s []float64, dy []T, n int, seen []float64) {
	planes := r.planes()
	first, second := plane(s, 0, planes), plane(s, 1, planes)
	inverse := 1.0
	if r.rule.kind == topKRule || r.rule.kind == topFractionRule {
		inverse = 1 / float64(r.rule.count(n))
	}
	for i := range x.Rows {
		d := dx.Row(i)
		for j, v := range x.Row(i) {
			u, share := float64(v), 0.0
			switch r.rule.kind {
			case topKRule, topFractionRule:
				if u > first[j] {
					share = inverse
				} else if u == first[j] && seen[j] < second[j] {
					share = inverse
					seen[j]++
				}
			case quantileRule:
				share = r.quantileShare(u, j, s, n, seen)
			default:
				if u >= first[j] {
					share = 1 / second[j]
				}
			}
			d[j] = T(share * float64(dy[j]))
		}
	}
}

// quantileShare is the weight of an element of column j in the quantile.
func (r ranked[T]) quantileShare(u float64, j int, s []float64, n int, seen []float64) float64 {
	h := float64(n-1) * r.rule.a
	upper := h - math.Floor(h)
	share := 0.0
	for k, weight := range [2]float64{1 - upper, upper} {
		if value, number := plane(s, 2*k, 4)[j], plane(s, 2*k+1, 4)[j]; u == value {
			count := &plane(seen, k, 2)[j]
			if *count == number {
				share += weight
			}
			*count++
		}
	}
	return share
}
