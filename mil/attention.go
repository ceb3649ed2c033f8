package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Attention is the attention pooling of Ilse, Tomczak and Welling 2018, a [Pooler]:
//
//	h_n = tanh(V x_n + bV)                  times sigmoid(U x_n + bU) with [WithGate]
//	a_nk = softmax_n(w_k h_n / temperature)
//	y_k = sum_n a_nk x_n
//
// The results of the heads stand one after the other. There is no bias behind w, on which nothing depends. A tile of
// instances is read once and its hidden units are never stored: a bag takes as much memory as its weights.
type Attention[T tensor.Float] struct {
	V, BV *tensor.Param[T] // [hidden, in], [hidden]
	U, BU *tensor.Param[T] // of the gate, or nil
	W     *tensor.Param[T] // [heads, hidden]

	config attentionConfig
	all    []*tensor.Param[T]
	heads  heads[T]
	engine engine[T] // the same
}

// AttentionOption is a choice of [NewAttention].
type AttentionOption interface{ forAttention(*attentionConfig) error }

type attentionChoice func(*attentionConfig) error

func (f attentionChoice) forAttention(c *attentionConfig) error { return f(c) }

type attentionConfig struct {
	empty       emptyRule
	seed        uint64
	gate        bool
	heads       int
	temperature float64
}

// WithGate multiplies the hidden units by a sigmoid of their own: gated attention.
func WithGate() AttentionOption {
	return attentionChoice(func(c *attentionConfig) error {
		c.gate = true
		return nil
	})
}

// WithHeads sets how many weighted means there are, 1 or more; default 1.
func WithHeads(n int) AttentionOption {
	return attentionChoice(func(c *attentionConfig) error {
		c.heads = n
		return option.Range(n >= 1, "WithHeads", n, "1 or more")
	})
}

// WithTemperature sets what logits are divided by, a finite number above 0; default 1. Higher ones even the weights
// out.
func WithTemperature(t float64) AttentionOption {
	return attentionChoice(func(c *attentionConfig) error {
		c.temperature = t
		return option.Range(t > 0 && !math.IsInf(t, 1), "WithTemperature", t, "a finite number above 0")
	})
}

// NewAttention makes a pooler of instances of in columns with as many hidden units. Weights are uniform in
// ±1/sqrt(in), and ±1/sqrt(hidden) behind them, as in torch. Options are [WithGate], [WithHeads], [WithTemperature],
// [WithSeed] and [WithEmpty]. The error wraps [tensor.ErrRange] for a size below 1.
func NewAttention[T tensor.Float](in, hidden int, opts ...AttentionOption) (*Attention[T], error) {
	const call = "mil: NewAttention"
	c := attentionConfig{heads: 1, temperature: 1}
	if err := option.Apply(call, &c, choices(opts, AttentionOption.forAttention)); err != nil {
		return nil, err
	}
	if in < 1 || hidden < 1 {
		return nil, fmt.Errorf("%s: %d columns and %d hidden units, want 1 or more: %w", call, in, hidden, tensor.ErrRange)
	}
	a := &Attention[T]{config: c, V: newParam[T]("V", hidden, in), BV: newParam[T]("V.bias", hidden),
		W: newParam[T]("w", c.heads, hidden)}
	a.all = []*tensor.Param[T]{a.V, a.BV, a.W}
	if c.gate {
		a.U, a.BU = newParam[T]("U", hidden, in), newParam[T]("U.bias", hidden)
		a.all = append(a.all, a.U, a.BU)
	}
	for k, p := range a.all {
		fanIn := in
		if p == a.W {
			fanIn = hidden
		}
		initialize(p, c.seed, k, fanIn)
	}
	a.heads = heads[T]{attentionScorer[T]{a}}
	a.engine = a.heads
	return a, nil
}

// initialize draws a parameter uniformly in ±1/sqrt(fanIn).
func initialize[T tensor.Float](p *tensor.Param[T], seed uint64, k, fanIn int) {
	rng, bound := tensor.Stream(seed, uint64(k)), 1/math.Sqrt(float64(fanIn))
	for i := range p.Data {
		p.Data[i] = T((2*rng.Float64() - 1) * bound)
	}
}

// OutDim is in for each head.
func (a *Attention[T]) OutDim(in int) (int, error) {
	return a.config.heads * in, takes("Attention", in, a.V.Shape[1])
}

func takes(pooler string, in, want int) error {
	if in != want {
		return fmt.Errorf("mil: %s.OutDim: instances of %d columns, want %d: %w", pooler, in, want, tensor.ErrShape)
	}
	return nil
}

// Forward is described at [Pooler].
func (a *Attention[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: Attention.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	out, err := a.OutDim(b.X.Cols)
	if err != nil {
		return option.Call(call, err)
	}
	return tape.forward(call, a, a.engine, out, a.config.empty, y, b)
}

// Backward is described at [Pooler].
func (a *Attention[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	return tape.backward("mil: Attention.Backward", a, dx, dy)
}

// Params lists V, its bias, W and, with a gate, U and its bias.
func (a *Attention[T]) Params() []*tensor.Param[T] { return a.all }

// WeightDim is the number of heads.
func (a *Attention[T]) WeightDim(int) int { return a.config.heads }

// Weights writes the attention a_nk, one column for each head. Over the instances of a bag each column adds up to 1.
// It says where the pooler looks, and not what it found there: see [Explain].
func (a *Attention[T]) Weights(w tensor.Matrix[T], tape *Tape[T]) error {
	return tape.copyScores("mil: Attention.Weights", a, w)
}

// copyScores is Weights where the first columns of what is kept of the instances are the weights.
func (t *Tape[T]) copyScores(call string, by any, w tensor.Matrix[T]) error {
	if err := t.checkBy(call, by); err != nil {
		return err
	}
	a := t.score(0, t.bags.X.Rows)
	if err := checkShape(call, "w", w, a.Rows, a.Cols); err != nil {
		return err
	}
	copyRows(w, a)
	return nil
}

type attentionScorer[T tensor.Float] struct{ a *Attention[T] }

func (s attentionScorer[T]) heads() int                 { return s.a.config.heads }
func (s attentionScorer[T]) params() []*tensor.Param[T] { return s.a.all }

// hidden is the hidden units of the rows of x and, with a gate, the gates.
func (s attentionScorer[T]) hidden(x tensor.Matrix[T], w *work[T]) (h, g tensor.Matrix[T]) {
	n := s.a.V.Shape[0]
	h = tensor.Of(x.Rows, n, grow(&w.heads.hidden, x.Rows*n))
	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, weights(s.a.V), 0, h, s.a.BV.Data, tensor.TanhActivation)
	if s.a.U != nil {
		g = tensor.Of(x.Rows, n, grow(&w.heads.gate, x.Rows*n))
		tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, weights(s.a.U), 0, g, s.a.BU.Data, tensor.SigmoidActivation)
	}
	return h, g
}

func (s attentionScorer[T]) logits(e, x tensor.Matrix[T], w *work[T]) {
	h, g := s.hidden(x, w)
	if s.a.U != nil {
		tensor.Mul(h.Data, h.Data, g.Data)
	}
	scale := T(1 / s.a.config.temperature)
	if e.Cols == 1 {
		tensor.Gemv(tensor.NoTrans, scale, h, s.a.W.Data, 0, e.Data)
	} else {
		tensor.Gemm(tensor.NoTrans, tensor.Trans, scale, h, weights(s.a.W), 0, e)
	}
}

func (s attentionScorer[T]) back(dx, x, de tensor.Matrix[T], w *work[T]) {
	tensor.Scale(de.Data, T(1/s.a.config.temperature), de.Data)
	h, g := s.hidden(x, w)
	n := h.Cols
	dh := tensor.Of(x.Rows, n, grow(&w.heads.dHidden, x.Rows*n))
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, de, weights(s.a.W), 0, dh)
	if s.a.U == nil {
		w.addGrad(s.a.all, 2, de, h)
		for i, t := range h.Data {
			dh.Data[i] *= 1 - t*t
		}
		s.backLinear(0, s.a.V, dx, x, dh, w)
		return
	}
	dg := tensor.Of(x.Rows, n, grow(&w.heads.dGate, x.Rows*n))
	gates := g.Data[:len(h.Data)]
	dHidden, dGate := dh.Data[:len(h.Data)], dg.Data[:len(h.Data)]
	for i, t := range h.Data {
		s, d := gates[i], dHidden[i]
		dHidden[i] = d * s * (1 - t*t)
		dGate[i] = d * t * s * (1 - s)
		gates[i] = t * s
	}
	w.addGrad(s.a.all, 2, de, g)
	s.backLinear(0, s.a.V, dx, x, dh, w)
	s.backLinear(3, s.a.U, dx, x, dg, w)
}

// backLinear takes the gradient d of a linear layer with a bias back; its weights are parameter k and its bias the
// next one.
func (s attentionScorer[T]) backLinear(k int, weight *tensor.Param[T], dx, x, d tensor.Matrix[T], w *work[T]) {
	w.addGrad(s.a.all, k, d, x)
	tensor.AddColumnSums(w.slot(s.a.all, k+1), d)
	if dx.Data != nil {
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, d, weights(weight), 1, dx)
	}
}
