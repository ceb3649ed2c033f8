package mil

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// NewAccumulator is described at [Streamer]. Its bags take two passes: one to find the critical instance and one to ask
// it about all. It keeps query times in numbers more than that of [Attention], by which gradients take a single pass.
func (d *DSMIL[T]) NewAccumulator(in int) (Accumulator[T], error) {
	out, err := d.OutDim(in)
	if err != nil {
		return nil, err
	}
	s := &dsmilStream[T]{e: dsmilEngine[T]{d}, critical: make([]T, in)}
	q := d.Q1.Shape[0]
	s.s = make([]float64, 2+in+q+q*in)
	return newAccumulator(d, stream[T](s), in, out, d.config.empty, nil), nil
}

// dsmilStream is a bag in parts. Its first pass keeps the critical instance. The second one keeps the largest logit,
// the sum of e^(l-m) and, weighted by them, the sums of x, of q and of the products of q and x. With the last two the
// gradient of the critical instance's query, sum a_n (x_n dz - z dz) q_n, is known before any instance is seen again.
type dsmilStream[T tensor.Float] struct {
	e        dsmilEngine[T]
	critical []T
	score    T
	at       int // of all instances
	total    int // instances of the first pass, once it is over; 0 before
	query    []T
	s        []float64
}

func (d *dsmilStream[T]) reset() { d.score, d.at, d.total = T(math.Inf(-1)), 0, 0 }

// head is the part of the state that a head of attention has.
func (d *dsmilStream[T]) head() []float64 { return d.s[:2+len(d.critical)] }

// next begins the second pass.
func (d *dsmilStream[T]) next(n int, w *work[T]) bool {
	if d.total > 0 || n == 0 {
		return false
	}
	d.total = n
	d.query = append(d.query[:0], d.e.queries(tensor.Of(1, len(d.critical), d.critical), w).Data...)
	beginHeads(d.s, 1)
	return true
}

// ready reports whether all instances have been added in both passes.
func (d *dsmilStream[T]) ready(n int) error {
	if d.total == 0 || n != d.total {
		return fmt.Errorf("%d of %d instances in the second pass: %w", n*min(d.total, 1), max(n, d.total),
			tensor.ErrConflict)
	}
	return nil
}

func (d *dsmilStream[T]) add(x tensor.Matrix[T], n int, w *work[T]) {
	if d.total == 0 {
		for i := range x.Rows {
			if c := tensor.Dot(x.Row(i), d.e.d.WI.Data); c > d.score {
				d.score, d.at = c, n+i
				copy(d.critical, x.Row(i))
			}
		}
		return
	}
	for lo := 0; lo < x.Rows; lo += headTile {
		tile := rowsOf(x, lo, min(lo+headTile, x.Rows))
		q, l := d.logits(tile, w)
		d.addTile(tile, q, l.Data, w)
	}
}

// logits is the queries of instances and their logits.
func (d *dsmilStream[T]) logits(x tensor.Matrix[T], w *work[T]) (q, l tensor.Matrix[T]) {
	q, l = d.e.queries(x, w), tensor.Of(x.Rows, 1, grow(&w.tile, x.Rows))
	tensor.Gemv(tensor.NoTrans, d.e.scale(), q, d.query, 0, l.Data)
	return q, l
}

// addTile adds instances to the sums. It overwrites queries and logits.
func (d *dsmilStream[T]) addTile(x, q tensor.Matrix[T], l []T, w *work[T]) {
	if top := float64(tensor.Max(l)); top > d.s[0] {
		scale := math.Exp(d.s[0] - top)
		tensor.Scale(d.s[1:], scale, d.s[1:])
		d.s[0] = top
	}
	base := T(d.s[0])
	for i := range l {
		l[i] -= base
	}
	tensor.Exp(l, l)
	d.s[1] += tensor.Sum(l)
	sums := grow(&w.heads.z, len(d.s)-2)
	in, width := x.Cols, q.Cols
	tensor.Gemv(tensor.Trans, 1, x, l, 0, sums[:in])
	tensor.Gemv(tensor.Trans, 1, q, l, 0, sums[in:in+width])
	for i, p := range l {
		tensor.Scale(q.Row(i), p, q.Row(i))
	}
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, q, x, 0, tensor.Of(width, in, sums[in+width:]))
	for i, v := range sums {
		d.s[2+i] += float64(v)
	}
}

func (d *dsmilStream[T]) merge(other sums[T], n, _ int) {
	o := other.(*dsmilStream[T])
	if d.total > 0 {
		mergeHeads(d.s, o.s, 1)
		return
	}
	if o.score > d.score {
		d.score, d.at = o.score, n+o.at
		copy(d.critical, o.critical)
	}
}

// mergeable reports accumulators that are in different passes or have different critical instances.
func (d *dsmilStream[T]) mergeable(other sums[T]) error {
	o := other.(*dsmilStream[T])
	if (d.total > 0) != (o.total > 0) || d.total > 0 && (d.at != o.at || !slices.Equal(d.critical, o.critical)) {
		return fmt.Errorf("another pass or another critical instance: %w", tensor.ErrConflict)
	}
	return nil
}

func (d *dsmilStream[T]) set(other sums[T]) {
	o := other.(*dsmilStream[T])
	d.score, d.at, d.total, d.query = o.score, o.at, o.total, append(d.query[:0], o.query...)
	copy(d.critical, o.critical)
	copy(d.s, o.s)
}

func (d *dsmilStream[T]) value(y []T, _ int, _ *work[T]) {
	y[0], y[1] = d.score+d.e.d.BI.Data[0], T(d.e.bagLogit(d.head()))
}

func (d *dsmilStream[T]) back(dx, x tensor.Matrix[T], first int, dy []T, _ int, w *work[T]) {
	w.reserve(d.e.d.all)
	var dz tensor.Matrix[T]
	if first == 0 {
		dz = d.e.backBag(d.head(), dy[1], w)
	} else {
		dz = d.e.gradient(d.head(), dy[1], w)
	}
	w.heads.query = append(w.heads.query[:0], d.query...)
	clear(grow(&w.heads.dQuery, len(d.query)))
	for lo := 0; lo < x.Rows; lo += headTile {
		hi := min(lo+headTile, x.Rows)
		tile := rowsOf(x, lo, hi)
		_, l := d.logits(tile, w)
		softmaxOf(l, d.head(), 1)
		d.e.backTile(rowsOf(dx, lo, hi), tile, l, dz, w)
	}
	if i := d.at - first; i >= 0 && i < x.Rows {
		d.queryGradient(dz.Data, w)
		d.e.backCritical(rowsOf(dx, i, i+1), rowsOf(x, i, i+1), dy[0], w)
	}
	w.finish(d.e.d.all)
}

// queryGradient writes the gradient of the critical instance's query, of all instances: (M dz - (z dz) r) /
// sqrt(query), r and M being the weighted means of q and of the products of q and x.
func (d *dsmilStream[T]) queryGradient(dz []T, w *work[T]) {
	in, sum := len(d.critical), d.s[1]
	r, m := d.s[2+in:2+in+len(d.query)], d.s[2+in+len(d.query):]
	scale, along := float64(d.e.scale()), w.heads.along[0]
	for k := range d.query {
		product := 0.0
		for j, g := range dz {
			product += m[k*in+j] * float64(g)
		}
		w.heads.dQuery[k] = T(scale * (product - along*r[k]) / sum)
	}
}
