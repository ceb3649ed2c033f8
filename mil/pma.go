package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// PMA is pooling by multi-head attention with learned queries (Lee et al. 2019), a [Pooler]:
//
//	y_sh = sum_n softmax_n(S_sh k_nh / sqrt(dim)) v_nh, k = Wk x, v = Wv x
//
// for each seed s and head h, the results of the heads of a seed one after the other. Keys and values are never made:
// S k = (Wkᵀ S) x and sum a v = Wv (sum a x), so that a seed and head cost two products with each instance.
type PMA[T tensor.Float] struct {
	S      *tensor.Param[T] // [seeds, heads*dim]
	WK, WV *tensor.Param[T] // [heads*dim, in]

	config pmaConfig
	heads  int
	all    []*tensor.Param[T]
}

// PMAOption is a choice of [NewPMA].
type PMAOption interface{ forPMA(*pmaConfig) error }

type pmaConfig struct {
	empty emptyRule
	seed  uint64
}

// NewPMA makes a pooler of instances of in columns with heads of dim columns. Options are [WithSeed] and [WithEmpty].
// The error wraps [tensor.ErrRange] for a number below 1.
func NewPMA[T tensor.Float](in, seeds, heads, dim int, opts ...PMAOption) (*PMA[T], error) {
	const call = "mil: NewPMA"
	var c pmaConfig
	if err := option.Apply(call, &c, choices(opts, PMAOption.forPMA)); err != nil {
		return nil, err
	}
	if in < 1 || seeds < 1 || heads < 1 || dim < 1 {
		return nil, fmt.Errorf("%s: %d columns, %d seeds and %d heads of %d, want 1 or more: %w", call, in, seeds, heads, dim,
			tensor.ErrRange)
	}
	p := &PMA[T]{config: c, heads: heads, S: newParam[T]("S", seeds, heads*dim), WK: newParam[T]("Wk", heads*dim, in),
		WV: newParam[T]("Wv", heads*dim, in)}
	p.all = []*tensor.Param[T]{p.S, p.WK, p.WV}
	initialize(p.S, c.seed, 0, heads*dim)
	initialize(p.WK, c.seed, 1, in)
	initialize(p.WV, c.seed, 2, in)
	return p, nil
}

// OutDim is seeds times heads times dim.
func (p *PMA[T]) OutDim(in int) (int, error) { return len(p.S.Data), takes("PMA", in, p.WK.Shape[1]) }

// dim is the columns of a head.
func (p *PMA[T]) dim() int { return p.S.Shape[1] / p.heads }

// head is rows of a weight matrix that belong to a head.
func (p *PMA[T]) head(data []T, h int) tensor.Matrix[T] {
	in := p.WK.Shape[1]
	return tensor.Of(p.dim(), in, data[h*p.dim()*in:(h+1)*p.dim()*in])
}

// pmaMemory is what a pass has beside that of its heads.
type pmaMemory[T tensor.Float] struct {
	tape   Tape[T]
	folded *tensor.Param[T] // [seeds*heads, in]: Wkᵀ S / sqrt(dim)
	heads  heads[T]
	engine engine[T] // the same
	z, dz  []T       // [bags, seeds*heads, in]: sum a x
}

func (p *PMA[T]) memory(t *Tape[T]) *pmaMemory[T] {
	k, in := p.S.Shape[0]*p.heads, p.WK.Shape[1]
	if m, ok := t.own.(*pmaMemory[T]); ok && m.folded.Shape[0] == k && m.folded.Shape[1] == in {
		return m
	}
	m := &pmaMemory[T]{folded: newParam[T]("folded", k, in)}
	m.heads = heads[T]{linearScorer[T]{m.folded, []*tensor.Param[T]{m.folded}}}
	m.engine = m.heads
	t.own = m
	return m
}

// fold makes the vectors that instances are multiplied by.
func (p *PMA[T]) fold(folded *tensor.Param[T]) {
	scale, dim := T(1/math.Sqrt(float64(p.dim()))), p.dim()
	a := weights(folded)
	for k := range a.Rows {
		tensor.Gemv(tensor.Trans, scale, p.head(p.WK.Data, k%p.heads), p.S.Data[k*dim:(k+1)*dim], 0, a.Row(k))
	}
}

// project is the values of what was pooled.
func (p *PMA[T]) project(y, z []T) {
	dim, in := p.dim(), p.WK.Shape[1]
	for k := range len(z) / in {
		tensor.Gemv(tensor.NoTrans, 1, p.head(p.WV.Data, k%p.heads), z[k*in:(k+1)*in], 0, y[k*dim:(k+1)*dim])
	}
}

// Forward is described at [Pooler].
func (p *PMA[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: PMA.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	out, err := p.OutDim(b.X.Cols)
	if err != nil {
		return option.Call(call, err)
	}
	if err := checkForward(call, out, p.config.empty, y, b); err != nil {
		return err
	}
	tape.by = nil
	m := p.memory(tape)
	p.fold(m.folded)
	k := len(m.folded.Data)
	z := tensor.Of(b.Len(), k, grow(&m.z, b.Len()*k))
	m.tape.Workers = tape.Workers
	if err := m.tape.forward(call, p, m.engine, k, emptyRule{given: true}, z, b); err != nil {
		return err
	}
	tape.by, tape.bags, tape.out = p, b, out
	for i := range b.Len() {
		if b.Size(i) == 0 {
			fill(y.Row(i), T(p.config.empty.value))
		} else {
			p.project(y.Row(i), z.Row(i))
		}
	}
	return nil
}

// Backward is described at [Pooler].
func (p *PMA[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	const call = "mil: PMA.Backward"
	if err := tape.checkBackward(call, p, dx, dy); err != nil {
		return err
	}
	m, b := p.memory(tape), tape.bags
	k, in := m.folded.Shape[0], m.folded.Shape[1]
	dz := tensor.Of(b.Len(), k*in, grow(&m.dz, b.Len()*k*in))
	for i := range b.Len() {
		if b.Size(i) == 0 {
			clear(dz.Row(i))
			continue
		}
		p.backValues(dz.Row(i), dy.Row(i), m.z[i*k*in:(i+1)*k*in], true)
	}
	clear(m.folded.Grad)
	if err := m.tape.backward(call, p, dx, dz); err != nil {
		return err
	}
	p.unfold(m.folded)
	return nil
}

// backValues takes the gradient dy of a bag back to what was pooled, z, and that of the values' weights if params is
// set.
func (p *PMA[T]) backValues(dz, dy, z []T, params bool) {
	dim, in := p.dim(), p.WK.Shape[1]
	for k := range len(dz) / in {
		g := tensor.Of(1, dim, dy[k*dim:(k+1)*dim])
		tensor.Gemv(tensor.Trans, 1, p.head(p.WV.Data, k%p.heads), g.Data, 0, dz[k*in:(k+1)*in])
		if params {
			pooled := tensor.Of(1, in, z[k*in:(k+1)*in])
			tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, g, pooled, 1, p.head(p.WV.Grad, k%p.heads))
		}
	}
}

// unfold takes the gradient of the folded vectors back to queries and keys.
func (p *PMA[T]) unfold(folded *tensor.Param[T]) {
	scale, dim, in := T(1/math.Sqrt(float64(p.dim()))), p.dim(), p.WK.Shape[1]
	for k := range folded.Shape[0] {
		g := tensor.Of(1, in, folded.Grad[k*in:(k+1)*in])
		query := tensor.Of(1, dim, p.S.Data[k*dim:(k+1)*dim])
		tensor.Gemv(tensor.NoTrans, scale, p.head(p.WK.Data, k%p.heads), g.Data, 1, p.S.Grad[k*dim:(k+1)*dim])
		tensor.Gemm(tensor.Trans, tensor.NoTrans, scale, query, g, 1, p.head(p.WK.Grad, k%p.heads))
	}
}

// Params lists the queries and the weights of keys and values.
func (p *PMA[T]) Params() []*tensor.Param[T] { return p.all }

// WeightDim is seeds times heads.
func (p *PMA[T]) WeightDim(int) int { return p.S.Shape[0] * p.heads }

// Weights writes the attention, one column for each head of the first seed, then of the next. Over the instances of a
// bag each column adds up to 1.
func (p *PMA[T]) Weights(w tensor.Matrix[T], tape *Tape[T]) error {
	const call = "mil: PMA.Weights"
	if err := tape.checkBy(call, p); err != nil {
		return err
	}
	return p.memory(tape).tape.copyScores(call, p, w)
}

// linearScorer is logits that are products with vectors.
type linearScorer[T tensor.Float] struct {
	a   *tensor.Param[T]
	all []*tensor.Param[T]
}

func (s linearScorer[T]) heads() int                 { return s.a.Shape[0] }
func (s linearScorer[T]) params() []*tensor.Param[T] { return s.all }

func (s linearScorer[T]) logits(e, x tensor.Matrix[T], _ *work[T]) {
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, x, weights(s.a), 0, e)
}

func (s linearScorer[T]) back(dx, x, de tensor.Matrix[T], w *work[T]) {
	w.addGrad(s.all, 0, de, x)
	if dx.Data != nil {
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, de, weights(s.a), 1, dx)
	}
}
