package nn

import (
	"errors"
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// Linear is y = act(x Wᵀ + b) over the last axis of x, which may have any number of axes.
type Linear[T tensor.Float] struct {
	Weight *tensor.Param[T] // [out, in], as in torch
	Bias   *tensor.Param[T] // [out]; set it to nil before first use for a layer without

	// Act is applied inside the product. The zero value is the identity.
	Act tensor.Activation
	// SkipInputGrad saves the gradient that nobody reads: that of a first layer. Backward then returns an empty tensor.
	SkipInputGrad bool

	x, y  tensor.Dense[T]
	yBuf  buffer[T]
	dxBuf buffer[T]
	bias  columnSums[T]
	fused fusedGrad[T]
}

// NewLinear returns a layer whose weights and biases are uniform in ±1/sqrt(in), torch's default. The
// error wraps tensor.ErrRange if a size is less than 1, and tensor.ErrEmpty if rng is nil.
func NewLinear[T tensor.Float](in, out int, rng *rand.Rand) (*Linear[T], error) {
	if err := errors.Join(positive("Linear", "in", in), positive("Linear", "out", out), random("Linear",
		rng)); err != nil {
		return nil, err
	}
	l := &Linear[T]{Weight: newParam[T]("weight", out, in), Bias: newParam[T]("bias", out)}
	bound := 1 / math.Sqrt(float64(in))
	uniform(rng, l.Weight.Data, bound)
	uniform(rng, l.Bias.Data, bound)
	return l, nil
}

// Forward maps [..., in] to [..., out].
func (l *Linear[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	w := weightMatrix(l.Weight)
	rows := rowsOf("Linear", x, w.Cols)
	l.x, l.y = x, l.yBuf.lastAxis(x.Shape, w.Rows)
	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, rows, w, 0, tensor.Of(rows.Rows, w.Rows, l.y.Data), dataOf(l.Bias),
		l.Act)
	return l.y
}

// Backward adds to the gradients of Weight and Bias and returns that of x.
func (l *Linear[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("Linear", "dy", len(dy.Data), len(l.y.Data))
	w := weightMatrix(l.Weight)
	x := l.x.Matrix(len(l.x.Shape) - 1)
	g := tensor.Of(x.Rows, w.Rows, l.fused.run(l.Act, dy.Data, l.y.Data))
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, g, x, 1, tensor.Of(w.Rows, w.Cols, l.Weight.Grad))
	if l.Bias != nil {
		l.bias.add(l.Bias.Grad, g)
	}
	if l.SkipInputGrad {
		return tensor.Dense[T]{}
	}
	dx := l.dxBuf.shaped(l.x.Shape)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, g, w, 0, tensor.Of(x.Rows, w.Cols, dx.Data))
	return dx
}

// Params lists the weight and, unless nil, the bias.
func (l *Linear[T]) Params() []*tensor.Param[T] { return present(l.Weight, l.Bias) }

func newParam[T tensor.Float](name string, shape ...int) *tensor.Param[T] {
	d := tensor.NewDense[T](shape...)
	return &tensor.Param[T]{Name: name, Shape: shape, Data: d.Data, Grad: make([]T, len(d.Data))}
}

// weightMatrix views a weight as a matrix with one row per output.
func weightMatrix[T tensor.Float](p *tensor.Param[T]) tensor.Matrix[T] {
	return tensor.Dense[T]{Shape: p.Shape, Data: p.Data}.Matrix(1)
}

func dataOf[T tensor.Float](p *tensor.Param[T]) []T {
	if p == nil {
		return nil
	}
	return p.Data
}

func present[T tensor.Float](params ...*tensor.Param[T]) []*tensor.Param[T] {
	var some []*tensor.Param[T]
	for _, p := range params {
		if p != nil {
			some = append(some, p)
		}
	}
	return some
}

func uniform[T tensor.Float](rng *rand.Rand, x []T, bound float64) {
	for i := range x {
		x[i] = T(bound * (2*rng.Float64() - 1))
	}
}

func normal[T tensor.Float](rng *rand.Rand, x []T, sigma float64) {
	for i := range x {
		x[i] = T(sigma * rng.NormFloat64())
	}
}
