package mil

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// headTile is how many rows of a bag are looked at together: their hidden units stay in the cache and are never
// written elsewhere.
const headTile = 64

// scorer makes the logits of instances, one for each head, and takes their gradient back.
type scorer[T tensor.Float] interface {
	heads() int
	// logits writes those of the rows of x to e.
	logits(e, x tensor.Matrix[T], w *work[T])
	// back adds the gradient of the rows of x to dx, unless dx.Data is nil, and that of parameters to w.grads. It may
	// overwrite de.
	back(dx, x, de tensor.Matrix[T], w *work[T])
	params() []*tensor.Param[T]
}

// headsWork is the memory of attention.
type headsWork[T tensor.Float] struct {
	e, p, z        []T
	hidden, gate   []T
	dHidden, dGate []T
	along          []float64
	grads          []T // of the parameters, one after the other, over the bags of a block
	query, dQuery  []T
	other          []T
}

// heads is the engine of attention: y_k = sum_n a_nk x_n with a softmax over the logits of head k. Its state is, for
// each head, the largest logit m, the sum of e^(l-m) and the sum of x e^(l-m), which is exact however the instances
// come in: rescaled when a larger logit appears. The weights a are kept of each instance.
type heads[T tensor.Float] struct{ scorer scorer[T] }

func (h heads[T]) stateLen(in int) int { return h.scorer.heads() * (2 + in) }
func (h heads[T]) scoreLen(int) int    { return h.scorer.heads() }

// headState is a state of k heads in its parts.
func headState(s []float64, k int) (top, sum, z []float64) { return s[:k], s[k : 2*k], s[2*k:] }

func beginHeads(s []float64, k int) {
	clear(s)
	fill(s[:k], math.Inf(-1))
}

func (h heads[T]) forward(t *Tape[T], w *work[T], bag int) {
	lo, hi := t.bags.Offsets[bag], t.bags.Offsets[bag+1]
	s, k := t.state(bag), h.scorer.heads()
	beginHeads(s, k)
	for from := lo; from < hi; from += headTile {
		to := min(from+headTile, hi)
		e, x := t.score(from, to), rowsOf(t.bags.X, from, to)
		h.scorer.logits(e, x, w)
		w.addHeads(s, e, x)
	}
	headsValue(t.y.Row(bag), s, k)
	softmaxOf(t.score(lo, hi), s, k)
}

// addHeads adds instances with their logits to a state.
func (w *work[T]) addHeads(s []float64, e, x tensor.Matrix[T]) {
	k, d := e.Cols, x.Cols
	top, sum, z := headState(s, k)
	p := tensor.Of(e.Rows, k, grow(&w.heads.p, e.Rows*k))
	for j := range k {
		most := e.Data[j]
		for i := j; i < e.Rows*k; i += k {
			most = max(most, e.Data[i])
		}
		if u := float64(most); u > top[j] {
			scale := math.Exp(top[j] - u)
			sum[j] *= scale
			tensor.Scale(z[j*d:(j+1)*d], scale, z[j*d:(j+1)*d])
			top[j] = u
		}
		base := T(top[j])
		for i := j; i < e.Rows*k; i += k {
			p.Data[i] = e.Data[i] - base
		}
	}
	tensor.Exp(p.Data, p.Data)
	if k == 1 {
		sum[0] += tensor.Sum(p.Data)
	} else {
		addSums(sum, p, w)
	}
	part := tensor.Of(k, d, grow(&w.heads.z, k*d))
	if k == 1 {
		tensor.Gemv(tensor.Trans, 1, x, p.Data, 0, part.Data)
	} else {
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, p, x, 0, part)
	}
	for i, v := range part.Data {
		z[i] += float64(v)
	}
}

// mergeHeads adds the instances of another state.
func mergeHeads(s, o []float64, k int) {
	top, sum, z := headState(s, k)
	otherTop, otherSum, otherZ := headState(o, k)
	d := len(z) / k
	for j := range k {
		if otherSum[j] == 0 {
			continue
		}
		to := max(top[j], otherTop[j])
		own, other := math.Exp(top[j]-to), math.Exp(otherTop[j]-to)
		top[j], sum[j] = to, own*sum[j]+other*otherSum[j]
		for i := j * d; i < (j+1)*d; i++ {
			z[i] = own*z[i] + other*otherZ[i]
		}
	}
}

// headsValue is the weighted means of the heads, one after the other.
func headsValue[T tensor.Float](y []T, s []float64, k int) {
	_, sum, z := headState(s, k)
	d := len(z) / k
	for i, v := range z {
		y[i] = T(v / sum[i/d])
	}
}

// softmaxOf makes weights of logits.
func softmaxOf[T tensor.Float](e tensor.Matrix[T], s []float64, k int) {
	top, sum, _ := headState(s, k)
	for j := range k {
		base := T(top[j])
		for i := j; i < len(e.Data); i += k {
			e.Data[i] -= base
		}
	}
	tensor.Exp(e.Data, e.Data)
	for j := range k {
		inverse := T(1 / sum[j])
		for i := j; i < len(e.Data); i += k {
			e.Data[i] *= inverse
		}
	}
}

func (h heads[T]) backward(t *Tape[T], w *work[T], bag int) {
	lo, hi := t.bags.Offsets[bag], t.bags.Offsets[bag+1]
	dy := tensor.Of(h.scorer.heads(), t.bags.X.Cols, t.dy.Row(bag))
	w.reserve(h.scorer.params())
	w.alongHeads(t.state(bag), dy)
	for from := lo; from < hi; from += headTile {
		to := min(from+headTile, hi)
		dx := tensor.Matrix[T]{}
		if t.dx.Data != nil {
			dx = rowsOf(t.dx, from, to)
		}
		x := rowsOf(t.bags.X, from, to)
		h.scorer.back(dx, x, w.backHeads(dx, x, t.score(from, to), dy), w)
	}
}

// alongHeads keeps the product of each head's result with its gradient.
func (w *work[T]) alongHeads(s []float64, dy tensor.Matrix[T]) {
	_, sum, z := headState(s, dy.Rows)
	along := grow(&w.heads.along, dy.Rows)
	for k := range along {
		along[k] = 0
		for j, g := range dy.Row(k) {
			along[k] += z[k*dy.Cols+j] / sum[k] * float64(g)
		}
	}
}

// backHeads writes the part of the gradient of x that does not go through the weights a, and returns that of the
// logits: a (x dy - y dy).
func (w *work[T]) backHeads(dx, x, a, dy tensor.Matrix[T]) tensor.Matrix[T] {
	de := tensor.Of(x.Rows, dy.Rows, grow(&w.heads.e, x.Rows*dy.Rows))
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, x, dy, 0, de)
	if dx.Data != nil {
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, dy, 0, dx)
	}
	k := dy.Rows
	for i, v := range a.Data {
		de.Data[i] = T(float64(v) * (float64(de.Data[i]) - w.heads.along[i%k]))
	}
	return de
}

func (h heads[T]) finish(w *work[T]) { w.finish(h.scorer.params()) }

// reserve has room for the gradients of parameters, once in a block.
func (w *work[T]) reserve(params []*tensor.Param[T]) {
	n := 0
	for _, p := range params {
		n += len(p.Data)
	}
	if len(w.heads.grads) != n {
		clear(grow(&w.heads.grads, n))
	}
}

// finish adds the gradients of a block to those of the parameters.
func (w *work[T]) finish(params []*tensor.Param[T]) {
	if len(w.heads.grads) == 0 {
		return
	}
	for k, p := range params {
		tensor.Add(p.Grad, p.Grad, w.slot(params, k))
	}
	w.heads.grads = w.heads.grads[:0]
}

// slot is the gradient of parameter k.
func (w *work[T]) slot(params []*tensor.Param[T], k int) []T {
	at := 0
	for _, p := range params[:k] {
		at += len(p.Data)
	}
	return w.heads.grads[at : at+len(params[k].Data)]
}

// addGrad adds aᵀ b to the gradient of parameter k, a matrix.
func (w *work[T]) addGrad(params []*tensor.Param[T], k int, a, b tensor.Matrix[T]) {
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, a, b, 1, tensor.Of(a.Cols, b.Cols, w.slot(params, k)))
}

// weights is a parameter as a matrix.
func weights[T tensor.Float](p *tensor.Param[T]) tensor.Matrix[T] {
	return tensor.Of(p.Shape[0], p.Shape[1], p.Data)
}
