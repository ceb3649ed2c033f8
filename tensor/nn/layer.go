package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
)

// Layer is one differentiable step of a model. A layer keeps what its Backward needs, so it serves one
// goroutine at a time; the work inside is spread over GOMAXPROCS goroutines.
type Layer[T tensor.Float] interface {
	// Forward applies the layer to a batch, whose first dimension is the sample. train selects the behaviour of
	// layers that differ between training and evaluation. The result belongs to the layer and is
	// valid until its next Forward; x must stay unchanged until Backward has run.
	// Forward panics with an error wrapping tensor.ErrShape or tensor.ErrRange if x does not fit; [TryForward] returns it.
	Forward(x tensor.Dense[T], train bool) tensor.Dense[T]

	// Backward takes the gradient of the loss with respect to the result of the last Forward, adds to the Grad of
	// every parameter and returns the gradient with respect to x, which is valid until the next Backward.
	// Forward must have run; dy has the length of its result.
	Backward(dy tensor.Dense[T]) tensor.Dense[T]

	// Params lists the trainable parameters, always in the same order.
	Params() []*tensor.Param[T]
}

// Must returns the layer and panics if err is not nil. It wraps constructors whose sizes are constants.
func Must[L any](layer L, err error) L {
	if err != nil {
		panic(err)
	}
	return layer
}

// TryForward is l.Forward(x, train) with an error where that panics because x does not fit: for shapes that come with
// the data, such as a last batch of one example, on which BatchNorm cannot train. The error wraps tensor.ErrShape or
// tensor.ErrRange. No layer has learned from the input that it refuses, though layers before it in a [Sequential] have
// seen it.
func TryForward[T tensor.Float](l Layer[T], x tensor.Dense[T], train bool) (y tensor.Dense[T], err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error:
			if !errors.Is(v, tensor.ErrShape) && !errors.Is(v, tensor.ErrRange) {
				panic(v)
			}
			y, err = tensor.Dense[T]{}, v
		default:
			panic(v)
		}
	}()
	return l.Forward(x, train), nil
}

// ZeroGrad sets the gradients of all parameters to zero: once per step, before the backward pass.
func ZeroGrad[T tensor.Float](params []*tensor.Param[T]) {
	for _, p := range params {
		clear(p.Grad)
	}
}

// Sequential applies layers one after the other.
type Sequential[T tensor.Float] struct {
	layers []Layer[T]
	params []*tensor.Param[T]
}

// NewSequential chains layers. As in torch the names of its parameters have the position of the layer before them:
// "0.weight", and "2.0.weight" where a Sequential is nested. Those of the layers keep their names. Both are views of
// one memory: set elements of Data and Grad, but do not put other slices in their place.
func NewSequential[T tensor.Float](layers ...Layer[T]) *Sequential[T] {
	s := &Sequential[T]{layers: layers}
	for i, l := range layers {
		for _, p := range l.Params() {
			view := *p
			view.Name = strconv.Itoa(i) + "." + p.Name
			s.params = append(s.params, &view)
		}
	}
	return s
}

// Forward applies the layers in order.
func (s *Sequential[T]) Forward(x tensor.Dense[T], train bool) tensor.Dense[T] {
	for _, l := range s.layers {
		x = l.Forward(x, train)
	}
	return x
}

// Backward applies the layers' Backward in reverse order.
func (s *Sequential[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	for i := len(s.layers) - 1; i >= 0; i-- {
		dy = s.layers[i].Backward(dy)
	}
	return dy
}

// Params lists the parameters of all layers in order. The slice belongs to s.
func (s *Sequential[T]) Params() []*tensor.Param[T] { return s.params }

// Layers lists the layers in order; their parameters have their own names. The slice belongs to s.
func (s *Sequential[T]) Layers() []Layer[T] { return s.layers }

// Residual adds its input to the result of a chain of layers: y = x + f(x).
type Residual[T tensor.Float] struct {
	body  *Sequential[T]
	y, dx buffer[T]
	sum   sum[T]
}

// NewResidual wraps a chain of layers whose result has the shape of its input. Names of
// parameters are those of [NewSequential].
func NewResidual[T tensor.Float](layers ...Layer[T]) *Residual[T] {
	return &Residual[T]{body: NewSequential(layers...)}
}

// Forward returns x + f(x).
func (r *Residual[T]) Forward(x tensor.Dense[T], train bool) tensor.Dense[T] {
	f := r.body.Forward(x, train)
	mustLength("Residual", "f(x)", len(f.Data), len(x.Data))
	y := r.y.shaped(x.Shape)
	r.sum.run(y.Data, x.Data, f.Data)
	return y
}

// Backward returns dy + f'(dy).
func (r *Residual[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	g := r.body.Backward(dy)
	dx := r.dx.shaped(dy.Shape)
	r.sum.run(dx.Data, dy.Data, g.Data)
	return dx
}

// Params lists the parameters of the layers in order. The slice belongs to r.
func (r *Residual[T]) Params() []*tensor.Param[T] { return r.body.params }

// Flatten views [N, ...] as [N, everything else]. It copies nothing.
type Flatten[T tensor.Float] struct{ in, out []int }

// NewFlatten returns the layer between convolutions and linear layers.
func NewFlatten[T tensor.Float]() *Flatten[T] { return &Flatten[T]{} }

// Forward views x as a matrix with one row per sample.
func (f *Flatten[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	m := x.Matrix(1)
	f.in = append(f.in[:0], x.Shape...)
	f.out = append(f.out[:0], m.Rows, m.Cols)
	return tensor.Dense[T]{Shape: f.out, Data: x.Data}
}

// Backward views dy in the shape of the input.
func (f *Flatten[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	return tensor.Dense[T]{Shape: f.in, Data: dy.Data}
}

// Params is empty.
func (f *Flatten[T]) Params() []*tensor.Param[T] { return nil }

// buffer is a tensor that a layer hands out and uses again. It grows to the largest batch.
type buffer[T tensor.Float] struct {
	shape []int
	data  []T
}

// shaped resizes the buffer. Its content is whatever it was.
func (b *buffer[T]) shaped(shape []int) tensor.Dense[T] {
	b.shape = append(b.shape[:0], shape...)
	n := 1
	for _, s := range b.shape {
		n *= s
	}
	return tensor.Dense[T]{Shape: b.shape, Data: b.sized(n)}
}

// lastAxis resizes the buffer to shape with the last dimension replaced.
func (b *buffer[T]) lastAxis(shape []int, last int) tensor.Dense[T] {
	b.shape = append(b.shape[:0], shape...)
	b.shape[len(shape)-1] = last
	n := 1
	for _, s := range b.shape {
		n *= s
	}
	return tensor.Dense[T]{Shape: b.shape, Data: b.sized(n)}
}

// images resizes the buffer to NHWC images.
func (b *buffer[T]) images(n, h, w, c int) tensor.Dense[T] {
	b.shape = append(b.shape[:0], n, h, w, c)
	return tensor.Dense[T]{Shape: b.shape, Data: b.sized(n * h * w * c)}
}

func (b *buffer[T]) sized(n int) []T {
	if cap(b.data) < n {
		b.data = make([]T, n)
	}
	b.data = b.data[:n]
	return b.data
}

// rowsOf views x as a matrix of feature vectors and panics unless they have want elements.
func rowsOf[T tensor.Float](layer string, x tensor.Dense[T], want int) tensor.Matrix[T] {
	if n := len(x.Shape); n == 0 || x.Shape[n-1] != want {
		panic(fmt.Errorf("nn: %s: input has shape %v, want [..., %d]: %w",
			layer, append([]int(nil), x.Shape...), want, tensor.ErrShape))
	}
	return x.Matrix(len(x.Shape) - 1)
}

func mustLength(layer, what string, got, want int) {
	if got != want {
		panic(fmt.Errorf("nn: %s: %s has %d elements, want %d: %w", layer, what, got, want, tensor.ErrShape))
	}
}

// random returns an error wrapping tensor.ErrEmpty if there is nothing to draw weights from.
func random(layer string, rng *rand.Rand) error {
	if rng == nil {
		return fmt.Errorf("nn: %s: rng is nil: %w", layer, tensor.ErrEmpty)
	}
	return nil
}

// positive returns an error wrapping tensor.ErrRange unless v >= 1.
func positive(layer, name string, v int) error {
	if v < 1 {
		return fmt.Errorf("nn: %s: %s is %d, want at least 1: %w", layer, name, v, tensor.ErrRange)
	}
	return nil
}
