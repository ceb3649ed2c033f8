package mil

import (
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

func (r ranked[T]) forward(t *Tape[T], w *work[T], bag int) {
	r.pool(t.y.Row(bag), t.state(bag), t.bags.Bag(bag), w)
}

// pool writes the result and the state of a bag.
func (r ranked[T]) pool(y []T, s []float64, x tensor.Matrix[T], w *work[T]) {
	n := x.Rows
	const group = 16 // columns of float32 that lie in one line of the cache
	columns := grow(&w.tile, min(group, x.Cols)*n)
	for from := 0; from < x.Cols; from += group {
		to := min(from+group, x.Cols)
		transpose(columns, x, from, to)
		for j := from; j < to; j++ {
			y[j] = r.column(columns[(j-from)*n:(j-from+1)*n], s, j, w)
		}
	}
}

// transpose copies columns, one behind the other, eight rows at a time.
func transpose[T tensor.Float](dst []T, x tensor.Matrix[T], from, to int) {
	n, cols := x.Rows, to-from
	row := func(i int) []T { return x.Data[i*x.Stride+from:][:cols] }
	i := 0
	for ; i+8 <= n; i += 8 {
		a, b, c, d := row(i), row(i + 1)[:cols], row(i + 2)[:cols], row(i + 3)[:cols]
		e, f, g, h := row(i + 4)[:cols], row(i + 5)[:cols], row(i + 6)[:cols], row(i + 7)[:cols]
		for j, v := range a {
			to := (*[8]T)(dst[j*n+i:])
			to[0], to[1], to[2], to[3] = v, b[j], c[j], d[j]
			to[4], to[5], to[6], to[7] = e[j], f[j], g[j], h[j]
		}
	}
	for ; i < n; i++ {
		for j, v := range row(i) {
			dst[j*n+i] = v
		}
	}
}

// column is the result of a column.
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
		return r.quantile(x, s, j, w)
	}
	at, share := position(n, r.rule.a/100)
	lo, _, hi, _ := w.sorter.around(x, at, share > 0)
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

func (r ranked[T]) quantile(x []T, s []float64, j int, w *work[T]) T {
	at, share := position(len(x), r.rule.a)
	lo, below, hi, belowHi := w.sorter.around(x, at, share > 0)
	plane(s, 0, 4)[j], plane(s, 1, 4)[j] = float64(lo), float64(at-below)
	plane(s, 2, 4)[j], plane(s, 3, 4)[j] = float64(hi), -1
	if share > 0 {
		plane(s, 3, 4)[j] = float64(at + 1 - belowHi)
	}
	return T(between(float64(lo), float64(hi), share))
}

// position is the rank of the element that the quantile of order q of n lies at or behind, and how far.
func position(n int, q float64) (at int, share float64) {
	h := float64(n-1) * q
	at = int(h)
	return at, h - float64(at)
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
	r.grad(w.output(t.dx, t.bags.Offsets[bag], x), x, t.state(bag), t.dy.Row(bag), x.Rows, w.coef, w)
}

// grad is the gradient of rows of a bag of n. seen counts, from one call for the rows of a bag to the next, the
// elements of each column that are equal to one to compare with; it has two planes.
func (r ranked[T]) grad(dx, x tensor.Matrix[T], s []float64, dy []T, n int, seen []float64, w *work[T]) {
	switch r.rule.kind {
	case topKRule, topFractionRule:
		r.gradTop(dx, x, s, dy, n, seen, w)
		return
	case quantileRule:
		for i := range x.Rows {
			for j, v := range x.Row(i) {
				dx.Set(i, j, T(r.quantileShare(float64(v), j, s, n, seen)*float64(dy[j])))
			}
		}
		return
	}
	threshold, denominator := plane(s, 0, 2), plane(s, 1, 2)
	for i := range x.Rows {
		d := dx.Row(i)
		for j, v := range x.Row(i) {
			d[j] = 0
			if float64(v) >= threshold[j] {
				d[j] = T(float64(dy[j]) / denominator[j])
			}
		}
	}
}

// gradTop is grad of the largest elements: first those above the smallest of them, then its equals as long as they
// belong.
func (r ranked[T]) gradTop(dx, x tensor.Matrix[T], s []float64, dy []T, n int, seen []float64, w *work[T]) {
	least, ties := plane(s, 0, 2), plane(s, 1, 2)
	t, each, over := grow(&w.top, x.Cols), grow(&w.row, x.Cols), grow(&w.tile, x.Cols)
	for j, v := range least {
		t[j] = T(v)
	}
	tensor.Scale(each, T(1/float64(r.rule.count(n))), dy)
	for i := range x.Rows {
		d, row := dx.Row(i), x.Row(i)
		tensor.Sub(over, row, t)
		tensor.ReLUGrad(d, each, over)
		for j, v := range row[:len(t)] {
			if v == t[j] && seen[j] < ties[j] {
				d[j] = each[j]
				seen[j]++
			}
		}
	}
}

// quantileShare is the weight of an element of column j in the quantile.
func (r ranked[T]) quantileShare(u float64, j int, s []float64, n int, seen []float64) float64 {
	_, upper := position(n, r.rule.a)
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
