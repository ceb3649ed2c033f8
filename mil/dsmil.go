package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// DSMIL is the dual-stream pooling of Li, Li and Eliceiri 2021, a [Pooler] with two columns, both logits:
//
//	c_n = wi x_n + bi, m = argmax_n c_n      the first stream is c_m, of the critical instance
//	a = softmax_n(q(x_n) q(x_m) / sqrt(query))
//	wb (sum_n a_n x_n) + bb                  is the second
//
// q is linear or, with [WithNonlinearQuery], tanh(q2 relu(q1 x + b1) + b2) as in the authors' code. They train the mean
// of the cross-entropies of both and predict with the second. Of equal c the first is the critical one. Gradients go
// through q(x_m) too.
type DSMIL[T tensor.Float] struct {
	WI, BI *tensor.Param[T] // [1, in], [1]: scores of instances
	WB, BB *tensor.Param[T] // [1, in], [1]: of the bag
	Q1, B1 *tensor.Param[T] // [query, in], [query]
	Q2, B2 *tensor.Param[T] // [query, query], [query], or nil

	config dsmilConfig
	all    []*tensor.Param[T]
}

// DSMILOption is a choice of [NewDSMIL].
type DSMILOption interface{ forDSMIL(*dsmilConfig) error }

type dsmilChoice func(*dsmilConfig) error

func (f dsmilChoice) forDSMIL(c *dsmilConfig) error { return f(c) }

type dsmilConfig struct {
	empty     emptyRule
	seed      uint64
	nonlinear bool
}

// WithNonlinearQuery makes queries by two layers instead of one.
func WithNonlinearQuery() DSMILOption {
	return dsmilChoice(func(c *dsmilConfig) error {
		c.nonlinear = true
		return nil
	})
}

// NewDSMIL makes a pooler of instances of in columns with queries of the given size; the authors take 128. Options are
// [WithNonlinearQuery], [WithSeed] and [WithEmpty]. The error wraps [tensor.ErrRange] for a size below 1.
func NewDSMIL[T tensor.Float](in, query int, opts ...DSMILOption) (*DSMIL[T], error) {
	const call = "mil: NewDSMIL"
	var c dsmilConfig
	if err := option.Apply(call, &c, choices(opts, DSMILOption.forDSMIL)); err != nil {
		return nil, err
	}
	if in < 1 || query < 1 {
		return nil, fmt.Errorf("%s: %d columns and queries of %d, want 1 or more: %w", call, in, query, tensor.ErrRange)
	}
	d := &DSMIL[T]{config: c, WI: newParam[T]("wi", 1, in), BI: newParam[T]("bi", 1), WB: newParam[T]("wb", 1, in),
		BB: newParam[T]("bb", 1), Q1: newParam[T]("q1", query, in), B1: newParam[T]("q1.bias", query)}
	d.all = []*tensor.Param[T]{d.WI, d.BI, d.WB, d.BB, d.Q1, d.B1}
	if c.nonlinear {
		d.Q2, d.B2 = newParam[T]("q2", query, query), newParam[T]("q2.bias", query)
		d.all = append(d.all, d.Q2, d.B2)
	}
	for k, p := range d.all {
		fanIn := in
		if k >= 6 {
			fanIn = query
		}
		initialize(p, c.seed, k, fanIn)
	}
	return d, nil
}

// OutDim is 2.
func (d *DSMIL[T]) OutDim(in int) (int, error) { return 2, takes("DSMIL", in, d.WI.Shape[1]) }

// Forward is described at [Pooler].
func (d *DSMIL[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: DSMIL.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	if _, err := d.OutDim(b.X.Cols); err != nil {
		return option.Call(call, err)
	}
	return tape.forward(call, d, dsmilEngine[T]{d}, 2, d.config.empty, y, b)
}

// Backward is described at [Pooler].
func (d *DSMIL[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	return tape.backward("mil: DSMIL.Backward", d, dx, dy)
}

// Params lists those of the instances' scores, of the bag's, and of the queries.
func (d *DSMIL[T]) Params() []*tensor.Param[T] { return d.all }

// WeightDim is 1.
func (d *DSMIL[T]) WeightDim(int) int { return 1 }

// Weights writes the attention of the second stream. Over the instances of a bag it adds up to 1.
func (d *DSMIL[T]) Weights(w tensor.Matrix[T], tape *Tape[T]) error {
	return tape.copyScores("mil: DSMIL.Weights", d, w)
}

// dsmilEngine keeps of a bag the state of one head and the index of the critical instance, and of an instance its
// attention.
type dsmilEngine[T tensor.Float] struct{ d *DSMIL[T] }

func (e dsmilEngine[T]) stateLen(in int) int { return 2 + in + 1 }
func (e dsmilEngine[T]) scoreLen(int) int    { return 1 }

func (e dsmilEngine[T]) forward(t *Tape[T], w *work[T], bag int) {
	x, s := t.bags.Bag(bag), t.state(bag)
	head, at := s[:len(s)-1], &s[len(s)-1]
	a := t.score(t.bags.Offsets[bag], t.bags.Offsets[bag+1])
	tensor.Gemv(tensor.NoTrans, 1, x, e.d.WI.Data, 0, a.Data)
	critical := tensor.ArgMax(a.Data)
	*at = float64(critical)
	y := t.y.Row(bag)
	y[0] = a.Data[critical] + e.d.BI.Data[0]
	query := append(w.heads.query[:0], e.queries(rowsOf(x, critical, critical+1), w).Data...)
	w.heads.query = query
	beginHeads(head, 1)
	for lo := 0; lo < x.Rows; lo += headTile {
		tile := rowsOf(x, lo, min(lo+headTile, x.Rows))
		l := tensor.Of(tile.Rows, 1, a.Data[lo:lo+tile.Rows])
		tensor.Gemv(tensor.NoTrans, e.scale(), e.queries(tile, w), query, 0, l.Data)
		w.addHeads(head, l, tile)
	}
	softmaxOf(a, head, 1)
	y[1] = T(e.bagLogit(head))
}

// scale is what products of queries are multiplied by.
func (e dsmilEngine[T]) scale() T { return T(1 / math.Sqrt(float64(e.d.Q1.Shape[0]))) }

func (e dsmilEngine[T]) bagLogit(head []float64) float64 {
	_, sum, z := headState(head, 1)
	logit := float64(e.d.BB.Data[0])
	for j, v := range e.d.WB.Data {
		logit += float64(v) * z[j] / sum[0]
	}
	return logit
}

// queries is q of the rows of x. Of two layers w.heads.gate has the units between them.
func (e dsmilEngine[T]) queries(x tensor.Matrix[T], w *work[T]) tensor.Matrix[T] {
	n := e.d.Q1.Shape[0]
	q := tensor.Of(x.Rows, n, grow(&w.heads.hidden, x.Rows*n))
	if e.d.Q2 == nil {
		tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, weights(e.d.Q1), 0, q, e.d.B1.Data, tensor.Identity)
		return q
	}
	between := tensor.Of(x.Rows, n, grow(&w.heads.gate, x.Rows*n))
	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, weights(e.d.Q1), 0, between, e.d.B1.Data, tensor.ReLUActivation)
	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, between, weights(e.d.Q2), 0, q, e.d.B2.Data, tensor.TanhActivation)
	return q
}

func (e dsmilEngine[T]) backward(t *Tape[T], w *work[T], bag int) {
	d, from := e.d, t.bags.Offsets[bag]
	x, s, g := t.bags.Bag(bag), t.state(bag), t.dy.Row(bag)
	head, critical := s[:len(s)-1], int(s[len(s)-1])
	a := t.score(from, from+x.Rows)
	w.reserve(d.all)
	own := rowsOf(x, critical, critical+1)
	query := append(w.heads.query[:0], e.queries(own, w).Data...)
	w.heads.query = query
	dQuery := grow(&w.heads.dQuery, len(query))
	clear(dQuery)
	z := tensor.Of(1, x.Cols, grow(&w.heads.z, x.Cols))
	headsValue(z.Data, head, 1)
	tensor.Axpy(w.slot(d.all, 2), g[1], z.Data)
	w.slot(d.all, 3)[0] += g[1]
	dz := tensor.Of(1, x.Cols, grow(&w.heads.other, x.Cols))
	tensor.Scale(dz.Data, g[1], d.WB.Data)
	w.alongHeads(head, dz)
	dx := w.output(t.dx, from, x)
	for lo := 0; lo < x.Rows; lo += headTile {
		hi := min(lo+headTile, x.Rows)
		tile, part := rowsOf(x, lo, hi), rowsOf(dx, lo, hi)
		de := w.backHeads(part, tile, tensor.Of(hi-lo, 1, a.Data[lo:hi]), dz)
		tensor.Scale(de.Data, e.scale(), de.Data)
		q := e.queries(tile, w)
		tensor.Gemv(tensor.Trans, 1, q, de.Data, 1, dQuery)
		dq := tensor.Of(hi-lo, q.Cols, grow(&w.heads.dHidden, (hi-lo)*q.Cols))
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, de, tensor.Of(1, len(query), query), 0, dq)
		e.backQueries(part, tile, q, dq, w)
	}
	at := rowsOf(dx, critical, critical+1)
	e.backQueries(at, own, e.queries(own, w), tensor.Of(1, len(dQuery), dQuery), w)
	tensor.Axpy(at.Data, g[0], d.WI.Data)
	tensor.Axpy(w.slot(d.all, 0), g[0], own.Data)
	w.slot(d.all, 1)[0] += g[0]
}

// backQueries takes the gradient dq of q, which it overwrites, back to x and the parameters.
func (e dsmilEngine[T]) backQueries(dx, x, q, dq tensor.Matrix[T], w *work[T]) {
	d := e.d
	if d.Q2 != nil {
		for i, v := range q.Data {
			dq.Data[i] *= 1 - v*v
		}
		between := tensor.Of(x.Rows, q.Cols, w.heads.gate)
		w.addGrad(d.all, 6, dq, between)
		tensor.AddColumnSums(w.slot(d.all, 7), dq)
		first := tensor.Of(x.Rows, q.Cols, grow(&w.heads.dGate, x.Rows*q.Cols))
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, dq, weights(d.Q2), 0, first)
		tensor.ReLUGrad(first.Data, first.Data, between.Data)
		dq = first
	}
	w.addGrad(d.all, 4, dq, x)
	tensor.AddColumnSums(w.slot(d.all, 5), dq)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, dq, weights(d.Q1), 1, dx)
}

func (e dsmilEngine[T]) finish(w *work[T]) { w.finish(e.d.all) }
