package mil

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// fold is a rule whose result is a function of a state that instances are added to, one tile of rows after the other,
// and that merges with others: batches, streams and results without one instance all come of it. A state has some
// planes of as many float64 as there are columns.
type fold[T tensor.Float] interface {
	planes() int
	begin(s []float64)
	// add adds the rows of x, which come behind the n that are in s.
	add(s []float64, x tensor.Matrix[T], n int, w *work[T])
	// merge adds the instances of o, which come behind the n of s; count is how many those are.
	merge(s, o []float64, n, count int)
	value(y []T, s []float64, n int)
	// grad writes the gradient of the rows of x, which are those from first on of the n in s, and adds that of
	// parameters to w.sums. If w.shares is set it writes the weights that [Pool.Weights] promises.
	grad(dx, x tensor.Matrix[T], first int, s []float64, dy []T, n int, w *work[T])
}

// work is the memory of one goroutine.
type work[T tensor.Float] struct {
	tile, second  []T
	third, fourth []T
	row, top      []T
	arg           []int32
	coef          []float64
	sums          []float64 // of the gradients of parameters, over the bags of a block
	shares        bool
	notFinite     bool // a bag of the block is not
	dx            []T

	sorter sorter[T]
	heads  headsWork[T]
}

// tileRows is how many rows are looked at together: so many that they stay in the first-level cache.
func tileRows(cols int) int { return max(1, 4096/cols) }

// folded is the engine of a fold.
type folded[T tensor.Float] struct {
	fold fold[T]
	pool *Pool[T]
}

func (f folded[T]) stateLen(in int) int { return f.fold.planes() * in }
func (f folded[T]) scoreLen(int) int    { return 0 }

func (f folded[T]) forward(t *Tape[T], w *work[T], bag int) {
	x, s := t.bags.Bag(bag), t.state(bag)
	f.fold.begin(s)
	f.addAll(s, x, 0, w)
	f.fold.value(t.y.Row(bag), s, x.Rows)
}

// addAll adds the rows of x, which come behind n others.
func (f folded[T]) addAll(s []float64, x tensor.Matrix[T], n int, w *work[T]) {
	step := tileRows(x.Cols)
	if _, ok := f.fold.(extreme[T]); ok { // which needs no room for its rows
		step = 1 << 20
	}
	for lo := 0; lo < x.Rows; lo += step {
		f.fold.add(s, rowsOf(x, lo, min(lo+step, x.Rows)), n+lo, w)
	}
}

func (f folded[T]) backward(t *Tape[T], w *work[T], bag int) {
	from := t.bags.Offsets[bag]
	x := t.bags.Bag(bag)
	dx := w.output(t.dx, from, x)
	f.gradAll(dx, x, 0, t.state(bag), t.dy.Row(bag), x.Rows, w)
}

// gradAll is the gradient of rows, which are those from first on of the n in the state.
func (f folded[T]) gradAll(dx, x tensor.Matrix[T], first int, s []float64, dy []T, n int, w *work[T]) {
	f.reserve(w)
	step := tileRows(x.Cols)
	for lo := 0; lo < x.Rows; lo += step {
		hi := min(lo+step, x.Rows)
		f.fold.grad(rowsOf(dx, lo, hi), rowsOf(x, lo, hi), first+lo, s, dy, n, w)
	}
}

// reserve has room for the sums of parameters.
func (f folded[T]) reserve(w *work[T]) {
	if len(w.sums) < len(f.pool.params) {
		clear(grow(&w.sums, len(f.pool.params)))
	}
}

func (f folded[T]) finish(w *work[T]) {
	for k, v := range w.sums {
		f.pool.params[k].Grad[0] += T(v)
	}
}

// output is where the gradient of the rows of x goes that begin at row from: there if it is wanted, or nowhere.
func (w *work[T]) output(dx tensor.Matrix[T], from int, x tensor.Matrix[T]) tensor.Matrix[T] {
	if dx.Data != nil {
		return rowsOf(dx, from, from+x.Rows)
	}
	return tensor.Of(x.Rows, x.Cols, grow(&w.dx, x.Rows*x.Cols))
}

// plane is the k-th plane of a state.
func plane(s []float64, k, planes int) []float64 {
	d := len(s) / planes
	return s[k*d : (k+1)*d]
}

// additive is the sum, and what is a function of it: the mean and noisy-and.
type additive[T tensor.Float] struct{ rule Rule }

func (additive[T]) planes() int       { return 1 }
func (additive[T]) begin(s []float64) { clear(s) }

func (additive[T]) add(s []float64, x tensor.Matrix[T], _ int, w *work[T]) {
	addSums(s, x, w)
}

func (additive[T]) merge(s, o []float64, _, _ int) {
	for j, v := range o {
		s[j] += v
	}
}

func (a additive[T]) value(y []T, s []float64, n int) {
	for j, v := range s {
		switch a.rule.kind {
		case meanRule:
			v /= float64(n)
		case noisyAndRule:
			v = a.noisyAnd(v / float64(n))
		}
		y[j] = T(v)
	}
}

// noisyAnd is (sigmoid(a(m-b)) - sigmoid(-ab)) / (sigmoid(a(1-b)) - sigmoid(-ab)).
func (a additive[T]) noisyAnd(m float64) float64 {
	r := a.rule
	low := sigmoid(-r.a * r.b)
	return (sigmoid(r.a*(m-r.b)) - low) / (sigmoid(r.a*(1-r.b)) - low)
}

func (a additive[T]) grad(dx, x tensor.Matrix[T], _ int, s []float64, dy []T, n int, w *work[T]) {
	each := grow(&w.row, x.Cols)
	for j, g := range dy {
		v := float64(g)
		switch r := a.rule; r.kind {
		case meanRule:
			v /= float64(n)
		case noisyAndRule:
			p := sigmoid(r.a * (s[j]/float64(n) - r.b))
			v *= r.a * p * (1 - p) / (float64(n) * (sigmoid(r.a*(1-r.b)) - sigmoid(-r.a*r.b)))
		}
		each[j] = T(v)
	}
	for i := range x.Rows {
		copy(dx.Row(i), each)
	}
}

// extreme is the maximum or the minimum: a plane of values and one of the indices of the first of them.
type extreme[T tensor.Float] struct{ least bool }

func (extreme[T]) planes() int { return 2 }

func (e extreme[T]) begin(s []float64) {
	worst := math.Inf(-1)
	if e.least {
		worst = math.Inf(1)
	}
	fill(plane(s, 0, 2), worst)
	clear(plane(s, 1, 2))
}

func (e extreme[T]) add(s []float64, x tensor.Matrix[T], n int, w *work[T]) {
	best, arg := grow(&w.row, x.Cols), grow(&w.arg, x.Cols)
	copy(best, x.Row(0))
	clear(arg)
	arg = arg[:len(best)]
	for i := 1; i < x.Rows; i++ {
		row := x.Row(i)[:len(best)]
		if e.least {
			for j, v := range row {
				if v < best[j] {
					best[j], arg[j] = v, int32(i)
				}
			}
			continue
		}
		for j, v := range row {
			if v > best[j] {
				best[j], arg[j] = v, int32(i)
			}
		}
	}
	value, index := plane(s, 0, 2), plane(s, 1, 2)
	for j, v := range best {
		if e.better(float64(v), value[j]) {
			value[j], index[j] = float64(v), float64(n+int(arg[j]))
		}
	}
}

func (e extreme[T]) better(v, than float64) bool {
	if e.least {
		return v < than
	}
	return v > than
}

func (e extreme[T]) merge(s, o []float64, n, _ int) {
	value, index := plane(s, 0, 2), plane(s, 1, 2)
	other, at := plane(o, 0, 2), plane(o, 1, 2)
	for j, v := range other {
		if e.better(v, value[j]) {
			value[j], index[j] = v, at[j]+float64(n)
		}
	}
}

func (extreme[T]) value(y []T, s []float64, _ int) {
	for j, v := range plane(s, 0, 2) {
		y[j] = T(v)
	}
}

func (extreme[T]) grad(dx, x tensor.Matrix[T], first int, s []float64, dy []T, _ int, _ *work[T]) {
	for i := range x.Rows {
		clear(dx.Row(i))
	}
	for j, at := range plane(s, 1, 2) {
		if i := int(at) - first; i >= 0 && i < x.Rows {
			dx.Set(i, j, dy[j])
		}
	}
}

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
