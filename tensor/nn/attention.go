package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// MultiHeadAttention is self-attention over sequences [N, T, D] (Vaswani et al. 2017) with the parameters of torch's
// nn.MultiheadAttention. Each of the heads attends with D/heads of the features:
//
//	q, k, v = x InWeightᵀ + InBias;  o = softmax(q kᵀ / sqrt(D/heads)) v;  y = o OutWeightᵀ + OutBias
type MultiHeadAttention[T tensor.Float] struct {
	InWeight  *tensor.Param[T] // "in_proj_weight" [3*D, D], rows of q, k and v in this order
	InBias    *tensor.Param[T] // "in_proj_bias" [3*D]; set it to nil before first use for a layer without
	OutWeight *tensor.Param[T] // "out_proj.weight" [D, D]
	OutBias   *tensor.Param[T] // "out_proj.bias" [D]; the same

	// Causal lets step i see steps 0 to i only.
	Causal bool
	// Lengths, if not nil, holds one number of valid steps per sample, from 1 to T: no step sees those behind, which are
	// padding. Whatever padding holds, NaN and infinities too, reaches neither valid steps nor gradients. Set it before
	// Forward.
	Lengths []int

	// KeyMask, if not nil, says of every step of every sample, [N*T], whether others may see it: hidden ones are like
	// padding wherever they stand. A step that sees nothing attends to nothing: its o is zero. Set it before Forward.
	KeyMask []bool

	heads       int
	in, out     Linear[T] // share the parameters
	qkv, o      tensor.Dense[T]
	dqkv, do    tensor.Dense[T]
	oBuf, dqBuf buffer[T]
	xBuf        buffer[T] // a copy of x without padding that is not finite
	steps       int
	weights     buffer[T]  // [N, heads, T, T], rows sum to 1
	scratch     scratch[T] // gradient of one sample's and head's weights
	fwd, bwd    func(lo, hi int)
}

// NewMultiHeadAttention returns a layer for vectors of dim features, which heads must divide. Weights start as torch's
// do: the input projection Glorot uniform, the output projection uniform in ±1/sqrt(dim), the biases zero. The error
// wraps tensor.ErrRange, and tensor.ErrEmpty if rng is nil.
func NewMultiHeadAttention[T tensor.Float](dim, heads int, rng *rand.Rand) (*MultiHeadAttention[T], error) {
	err := errors.Join(positive("MultiHeadAttention", "dim", dim), positive("MultiHeadAttention", "heads", heads),
		random("MultiHeadAttention", rng))
	if err != nil {
		return nil, err
	}
	if dim%heads != 0 {
		return nil, fmt.Errorf("nn: MultiHeadAttention: %d features do not divide into %d heads: %w",
			dim, heads, tensor.ErrRange)
	}
	a := &MultiHeadAttention[T]{
		InWeight: newParam[T]("in_proj_weight", 3*dim, dim), InBias: newParam[T]("in_proj_bias", 3*dim),
		OutWeight: newParam[T]("out_proj.weight", dim, dim), OutBias: newParam[T]("out_proj.bias", dim),
		heads: heads,
	}
	uniform(rng, a.InWeight.Data, math.Sqrt(6/float64(4*dim)))
	uniform(rng, a.OutWeight.Data, 1/math.Sqrt(float64(dim)))
	a.fwd, a.bwd = a.forwardBlock, a.backwardBlock
	return a, nil
}

// Forward maps [N, T, D] to [N, T, D]. It panics with an error wrapping tensor.ErrShape or, for a length,
// tensor.ErrRange.
func (a *MultiHeadAttention[T]) Forward(x tensor.Dense[T], train bool) tensor.Dense[T] {
	dim := a.OutWeight.Shape[0]
	if len(x.Shape) != 3 || x.Shape[2] != dim {
		panic(fmt.Errorf("nn: MultiHeadAttention: input has shape %v, want [N, T, %d]: %w",
			append([]int(nil), x.Shape...), dim, tensor.ErrShape))
	}
	n, steps := x.Shape[0], x.Shape[1]
	checkLengths("MultiHeadAttention", a.Lengths, n, steps)
	if a.KeyMask != nil && len(a.KeyMask) != n*steps {
		panic(fmt.Errorf("nn: MultiHeadAttention: a key mask of %d steps for %d samples of %d: %w",
			len(a.KeyMask), n, steps, tensor.ErrShape))
	}
	a.in.Weight, a.in.Bias, a.out.Weight, a.out.Bias = a.InWeight, a.InBias, a.OutWeight, a.OutBias
	a.steps = steps
	x, _ = a.finite(x, x.Data)
	a.qkv, a.o = a.in.Forward(x, train), a.oBuf.shaped(x.Shape)
	if x, again := a.finite(x, a.qkv.Data); again {
		a.qkv = a.in.Forward(x, train)
	}
	a.weights.sized(n * a.heads * steps * steps)
	products(2*float64(n*steps)*float64(steps*dim), n*a.heads, 1, a.fwd)
	return a.out.Forward(a.o, train)
}

// Backward adds to the gradients of the parameters and returns that of x.
func (a *MultiHeadAttention[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	a.do = a.out.Backward(dy)
	a.dqkv = a.dqBuf.shaped(a.qkv.Shape)
	a.scratch.reserve(a.o.Shape[0]*a.heads, a.steps*a.steps)
	n, dim := a.o.Shape[0], a.o.Shape[2]
	products(5*float64(n*a.steps)*float64(a.steps*dim), n*a.heads, 1, a.bwd)
	return a.in.Backward(a.dqkv)
}

// Params lists the parameters in torch's order, biases unless nil.
func (a *MultiHeadAttention[T]) Params() []*tensor.Param[T] {
	return present(a.InWeight, a.InBias, a.OutWeight, a.OutBias)
}

// forwardBlock attends for pairs [lo, hi) of a sample and a head.
func (a *MultiHeadAttention[T]) forwardBlock(lo, hi int) {
	for i := lo; i < hi; i++ {
		q, k, v := a.split(a.qkv, i)
		p := a.attention(i)
		valid := a.valid(i / a.heads)
		k, v = k.Slice(0, valid, 0, k.Cols), v.Slice(0, valid, 0, v.Cols)
		tensor.Gemm(tensor.NoTrans, tensor.Trans, a.scale(), q, k, 0, p.Slice(0, p.Rows, 0, valid))
		for step := range p.Rows {
			r := p.Row(step)
			seen := a.seen(i/a.heads, step)
			a.hide(i/a.heads, r[:seen])
			tensor.Softmax(r[:seen], r[:seen])
			clear(r[seen:])
			if (a.KeyMask != nil || step >= valid) && tensor.ValidateFinite("weights",
				r[:seen]) != nil && a.blind(i/a.heads, step) {
				clear(r)
			}
		}
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, p.Slice(0, p.Rows, 0, valid), v, 0, a.head(a.o, i, 0))
	}
}

func (a *MultiHeadAttention[T]) backwardBlock(lo, hi int) {
	buf := a.scratch.get()
	defer a.scratch.put(buf)
	for i := lo; i < hi; i++ {
		q, k, v := a.split(a.qkv, i)
		dq, dk, dv := a.split(a.dqkv, i)
		valid := a.valid(i / a.heads)
		for step := valid; step < a.steps; step++ {
			clear(dk.Row(step))
			clear(dv.Row(step))
		}
		k, v = k.Slice(0, valid, 0, k.Cols), v.Slice(0, valid, 0, v.Cols)
		dk, dv = dk.Slice(0, valid, 0, dk.Cols), dv.Slice(0, valid, 0, dv.Cols)
		p, do := a.attention(i).Slice(0, a.steps, 0, valid), a.head(a.do, i, 0)
		dp := tensor.Of(p.Rows, p.Cols, buf[:p.Rows*p.Cols])
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, p, do, 0, dv)
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, do, v, 0, dp)
		tensor.SoftmaxGradRows(dp, p, dp) // hidden steps have weight 0 and get 0
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, a.scale(), dp, k, 0, dq)
		tensor.Gemm(tensor.Trans, tensor.NoTrans, a.scale(), dp, q, 0, dk)
	}
}

// attention is the matrix of weights of pair i: rows are the steps that look, columns those looked at.
func (a *MultiHeadAttention[T]) attention(i int) tensor.Matrix[T] {
	size := a.steps * a.steps
	return tensor.Of(a.steps, a.steps, a.weights.data[i*size:(i+1)*size])
}

// hide sets the logits of masked keys to -Inf.
func (a *MultiHeadAttention[T]) hide(sample int, r []T) {
	if a.KeyMask == nil {
		return
	}
	for j, keep := range a.KeyMask[sample*a.steps:][:len(r)] {
		if !keep {
			r[j] = T(math.Inf(-1))
		}
	}
}

// hidden reports whether no step may see this one.
func (a *MultiHeadAttention[T]) hidden(sample, step int) bool {
	return step >= a.valid(sample) || a.KeyMask != nil && !a.KeyMask[sample*a.steps+step]
}

// blind reports whether a step may have weights that are not finite: it is hidden, or sees nothing.
func (a *MultiHeadAttention[T]) blind(sample, step int) bool {
	if a.hidden(sample, step) {
		return true
	}
	return !slices.Contains(a.KeyMask[sample*a.steps:][:a.seen(sample, step)], true)
}

// valid is the number of steps of a sample that are not padding.
func (a *MultiHeadAttention[T]) valid(sample int) int {
	if a.Lengths == nil {
		return a.steps
	}
	return a.Lengths[sample]
}

// seen is the number of steps that a step of a sample sees.
func (a *MultiHeadAttention[T]) seen(sample, step int) int {
	if a.Causal {
		return min(a.valid(sample), step+1)
	}
	return a.valid(sample)
}

// finite returns x, or a copy of it in which hidden steps are zero whose rows of y are not finite, and whether there
// was any. y has as many rows as x.
func (a *MultiHeadAttention[T]) finite(x tensor.Dense[T], y []T) (clean tensor.Dense[T], changed bool) {
	steps, dim := x.Shape[1], x.Shape[2]
	if a.Lengths == nil && a.KeyMask == nil {
		return x, false
	}
	for sample := range x.Shape[0] {
		for step := range steps {
			row, width := sample*steps+step, len(y)/(x.Shape[0]*steps)
			if !a.hidden(sample, step) || tensor.ValidateFinite("y", y[row*width:(row+1)*width]) == nil {
				continue
			}
			if !changed {
				changed = true
				copied := a.xBuf.shaped(x.Shape)
				copy(copied.Data, x.Data)
				x = copied
			}
			clear(x.Data[row*dim : (row+1)*dim])
		}
	}
	return x, changed
}

func (a *MultiHeadAttention[T]) split(x tensor.Dense[T], i int) (q, k, v tensor.Matrix[T]) {
	return a.head(x, i, 0), a.head(x, i, 1), a.head(x, i, 2)
}

// head views what belongs to pair i in the given third of the features of x.
func (a *MultiHeadAttention[T]) head(x tensor.Dense[T], i, third int) tensor.Matrix[T] {
	dim := a.OutWeight.Shape[0]
	sample, head, width := i/a.heads, i%a.heads, dim/a.heads
	at := third*dim + head*width
	return x.Matrix(2).Slice(sample*a.steps, (sample+1)*a.steps, at, at+width)
}

func (a *MultiHeadAttention[T]) scale() T {
	return T(1 / math.Sqrt(float64(a.OutWeight.Shape[0]/a.heads)))
}
