package mil

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// soft is the rules of exponentials: log-sum-exp, auto-pool and, with logarithms as logits, the generalized mean and
// the p-norm, which so do not overflow. Its planes are a logit m, the largest one or 0 where all are moderate, the sum
// of e^(l-m), and one more: of auto-pool the sum of x e^(l-m), of log-sum-exp with a small r that of e^(l-m) - 1,
// without which the logarithm of a mean close to 1 has no digits.
type soft[T tensor.Float] struct {
	rule   Rule
	params []*tensor.Param[T]
}

// smallR is the r of log-sum-exp below which exponentials are summed less 1 too.
const smallR = 0.05

func (f soft[T]) numbers() Rule { return trained(f.rule, f.params) }

func (soft[T]) planes() int { return 3 }

func (soft[T]) begin(s []float64) {
	clear(s)
	fill(plane(s, 0, 3), math.Inf(-1))
}

// logits writes the logits of the rows of x to w.tile.
func (f soft[T]) logits(r Rule, x tensor.Matrix[T], w *work[T]) tensor.Matrix[T] {
	l := tensor.Of(x.Rows, x.Cols, grow(&w.tile, x.Rows*x.Cols))
	for i := range x.Rows {
		row, src := l.Row(i), x.Row(i)
		switch r.kind {
		case gemRule:
			for j, v := range src {
				row[j] = max(v, T(r.b))
			}
		case pNormRule:
			for j, v := range src {
				row[j] = T(math.Abs(float64(v) - r.b))
			}
		case lseRule, lseSumRule, autoPoolRule:
			if x.Stride == x.Cols {
				tensor.Scale(l.Data, T(r.a), x.Data[:len(l.Data)])
				return l
			}
			tensor.Scale(row, T(r.a), src)
		}
	}
	if r.kind == gemRule || r.kind == pNormRule {
		tensor.Log(l.Data, l.Data)
		tensor.Scale(l.Data, T(r.a), l.Data)
	}
	return l
}

// pivot is what logits are taken relative to: the largest one, or 0 if none is finite.
func pivot(top float64) float64 {
	if math.IsInf(top, -1) {
		return 0
	}
	return top
}

func (f soft[T]) add(s []float64, x tensor.Matrix[T], n int, w *work[T]) {
	r := f.numbers()
	l := f.logits(r, x, w)
	top, sum, more := plane(s, 0, 3), plane(s, 1, 3), plane(s, 2, 3)
	if moderate(l, w) && slices.Max(top) <= 0 {
		for j, v := range top {
			if v < 0 {
				f.rebase(r, s, j, 0, n)
			}
		}
	} else {
		most := grow(&w.top, x.Cols)
		f.largest(most, l, w)
		for j, v := range most {
			if u := float64(v); u > top[j] {
				f.rebase(r, s, j, u, n)
			}
			most[j] = T(pivot(top[j]))
		}
		w.subtract(l, most)
	}
	if f.less1(r) {
		second := grow(&w.second, len(l.Data))
		tensor.Expm1(second, l.Data)
		addSums(more, tensor.Of(x.Rows, x.Cols, second), w)
	}
	tensor.Exp(l.Data, l.Data)
	addSums(sum, l, w)
	if r.kind == autoPoolRule {
		for i := range l.Rows {
			tensor.Mul(l.Row(i), l.Row(i), x.Row(i))
		}
		addSums(more, l, w)
	}
}

// moderate reports whether all logits are so small that they need not be taken relative to the largest: neither they
// nor what they are multiplied by overflow, and none is lost.
func moderate[T tensor.Float](l tensor.Matrix[T], w *work[T]) bool {
	const most = 40
	if tensor.Max(l.Data) > most {
		return false
	}
	negative := grow(&w.second, len(l.Data))
	tensor.Scale(negative, -1, l.Data)
	return tensor.Max(negative) <= most
}

// largest writes the largest logits of columns, of one half of the rows and the other until there is one. Vector
// instructions have no maximum here, but choose: of a and b it is a, taken off where b - a > 0, and b there.
func (f soft[T]) largest(most []T, l tensor.Matrix[T], w *work[T]) {
	cols, rows := l.Cols, l.Rows
	from, best := l.Data, grow(&w.second, len(l.Data))
	excess, chosen := grow(&w.third, len(l.Data)), grow(&w.fourth, len(l.Data))
	for rows > 1 {
		half := rows / 2 * cols
		a, b := from[:half], from[half:2*half]
		d, c := excess[:half], chosen[:half]
		tensor.Sub(d, b, a)
		tensor.ReLUGrad(c, a, d)
		tensor.Sub(c, a, c)
		tensor.ReLUGrad(d, b, d)
		tensor.Add(best[:half], c, d)
		if rows%2 == 1 {
			copy(best[half:], from[2*half:2*half+cols])
		}
		from, rows = best, rows-rows/2
	}
	copy(most, from[:cols])
	for _, v := range most {
		if v-v != 0 { // the difference of two infinities
			copy(most, l.Row(0))
			for i := 1; i < l.Rows; i++ {
				for j, v := range l.Row(i) {
					most[j] = max(most[j], v)
				}
			}
			return
		}
	}
}

// subtract takes a row off all rows of a tile, which is contiguous.
func (w *work[T]) subtract(l tensor.Matrix[T], row []T) {
	w.repeat(row, l.Rows)
	tensor.Sub(l.Data, l.Data, w.second[:len(l.Data)])
}

// scaleColumns multiplies all rows of a tile by a row.
func (w *work[T]) scaleColumns(l tensor.Matrix[T], row []T) {
	w.repeat(row, l.Rows)
	tensor.Mul(l.Data, l.Data, w.second[:len(l.Data)])
}

// repeat writes a row as often as a tile has rows to w.second.
func (w *work[T]) repeat(row []T, rows int) {
	all := grow(&w.second, rows*len(row))
	for n := copy(all, row); n < len(all); {
		n += copy(all[n:], all[:n])
	}
}

func (f soft[T]) less1(r Rule) bool {
	return (r.kind == lseRule || r.kind == lseSumRule) && math.Abs(r.a) < smallR
}

// rebase takes column j of a state of n instances to another largest logit.
func (f soft[T]) rebase(r Rule, s []float64, j int, to float64, n int) {
	top, sum, more := plane(s, 0, 3), plane(s, 1, 3), plane(s, 2, 3)
	if n > 0 {
		d := pivot(top[j]) - to
		if math.IsInf(top[j], -1) {
			d = math.Inf(-1) // there is nothing in the sums
		}
		scale := math.Exp(d)
		sum[j] *= scale
		more[j] *= scale
		if f.less1(r) {
			more[j] += float64(n) * math.Expm1(d)
		}
	}
	top[j] = to
}

// addSums adds the sums of the columns of m to sum.
func addSums[T tensor.Float](sum []float64, m tensor.Matrix[T], w *work[T]) {
	if m.Cols == 1 && m.Stride == 1 {
		sum[0] += tensor.Sum(m.Data[:m.Rows])
		return
	}
	row := grow(&w.row, m.Cols)
	clear(row)
	tensor.AddColumnSums(row, m)
	for j, v := range row {
		sum[j] += float64(v)
	}
}

func (f soft[T]) merge(s, o []float64, n, count int) {
	r := f.numbers()
	for j := range len(s) / 3 {
		to := max(plane(s, 0, 3)[j], plane(o, 0, 3)[j])
		other := []float64{plane(o, 0, 3)[j], plane(o, 1, 3)[j], plane(o, 2, 3)[j]}
		f.rebase(r, s, j, to, n)
		f.rebase(r, other, 0, to, count)
		plane(s, 1, 3)[j] += other[1]
		plane(s, 2, 3)[j] += other[2]
	}
}

func (f soft[T]) value(y []T, s []float64, n int) {
	r := f.numbers()
	for j := range y {
		y[j] = T(f.result(r, s, j, n))
	}
}

// result is the value of column j.
func (f soft[T]) result(r Rule, s []float64, j, n int) float64 {
	top, sum, more := plane(s, 0, 3)[j], plane(s, 1, 3)[j], plane(s, 2, 3)[j]
	count := float64(n)
	mean := math.Log(sum / count)
	switch r.kind {
	case autoPoolRule:
		return more / sum
	case gemRule, pNormRule:
		if sum == 0 {
			return 0
		}
		return math.Exp((top + mean) / r.a)
	}
	if f.less1(r) && more/count > -0.5 {
		mean = math.Log1p(more / count)
	}
	if r.kind == lseSumRule {
		mean += math.Log(count)
	}
	return top/r.a + mean/r.a
}

func (f soft[T]) grad(dx, x tensor.Matrix[T], _ int, s []float64, dy []T, n int, w *work[T]) {
	r := f.numbers()
	l := f.logits(r, x, w)
	top, sum := plane(s, 0, 3), plane(s, 1, 3)
	base, inverse := grow(&w.top, x.Cols), grow(&w.row, x.Cols)
	for j, v := range top {
		base[j], inverse[j] = T(pivot(v)), 0
		if sum[j] > 0 {
			inverse[j] = T(1 / sum[j])
		}
	}
	w.subtract(l, base)
	tensor.Exp(l.Data, l.Data)
	w.scaleColumns(l, inverse) // the softmax
	if f.params == nil && (r.kind == lseRule || r.kind == lseSumRule) {
		for i := range l.Rows {
			tensor.Mul(dx.Row(i), l.Row(i), dy)
		}
		return
	}
	result := grow(&w.coef, x.Cols)
	for j := range result {
		result[j] = f.result(r, s, j, n)
	}
	for i := range l.Rows {
		d, share := dx.Row(i), l.Row(i)
		for j, v := range x.Row(i) {
			slope := f.slope(r, float64(v), float64(share[j]), result[j], float64(dy[j]), w)
			d[j] = T(slope)
		}
	}
}

// slope is the gradient of an instance whose softmax is share in a bag whose result is y, g being that of the result.
// It adds that of the rule's numbers.
func (f soft[T]) slope(r Rule, x, share, y, g float64, w *work[T]) float64 {
	slope, number := 0.0, 0.0
	switch r.kind {
	case lseRule, lseSumRule:
		slope, number = share, share*(x-y)/r.a
	case autoPoolRule:
		if w.shares {
			return share
		}
		slope, number = share*(1+r.a*(x-y)), share*x*(x-y)
	case gemRule:
		u := max(x, r.b)
		if x >= r.b {
			slope = y * share / u
		}
		if f.params != nil {
			number = share * y * math.Log(u/y) / r.a
		}
	case pNormRule:
		if u := math.Abs(x - r.b); u > 0 && y > 0 {
			slope = math.Copysign(y*share/u, x-r.b)
			if f.params != nil {
				number = share * y * math.Log(u/y) / r.a
			}
		}
	}
	if f.params != nil && !w.shares {
		w.sums[0] += g * number
		if r.kind == pNormRule {
			w.sums[1] -= g * slope
		}
	}
	return g * slope
}
