package prune

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// Scorer says how important each element of a parameter is.
type Scorer[T tensor.Float] interface {
	// Score writes one score per element of c.Param to dst; larger means keep. +Inf is kept whatever happens, and more of
	// them than can be kept are an error of the pruner, as NaN is. Score must not change the parameter, and may be
	// called for several parameters at once. Elements already pruned need no particular score.
	Score(dst []T, c *Context[T]) error
}

// Context is what a scorer may know.
type Context[T tensor.Float] struct {
	Param *tensor.Param[T]
	Info  Info
	Prior *Mask // what is kept so far; nil before the first update
	Step  int
	seed  uint64
}

// Rand is a generator of this parameter's own at this step: the draws depend on the seed, the name and the step, not on
// the order of parameters or on goroutines.
func (c *Context[T]) Rand() *rand.Rand {
	return tensor.Stream(c.seed, nameKey(c.Info.Name), uint64(c.Step))
}

// nameKey is the 64-bit FNV-1a hash of a name.
func nameKey(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// Preparer is a scorer that looks at the whole model once, before the parameters are scored. Prepare gets the current
// masks, nil before the first update, and leaves the model as it was.
type Preparer interface {
	Prepare(masks *Masks) error
}

// ScorerFunc makes a scorer of a function.
type ScorerFunc[T tensor.Float] func(dst []T, c *Context[T]) error

// Score calls the function.
func (f ScorerFunc[T]) Score(dst []T, c *Context[T]) error { return f(dst, c) }

// Magnitude scores |w|, the default and the baseline that every comparison needs.
func Magnitude[T tensor.Float]() Scorer[T] {
	return ScorerFunc[T](func(dst []T, c *Context[T]) error {
		for i, w := range c.Param.Data {
			dst[i] = max(w, -w)
		}
		return nil
	})
}

// SignedMagnitude scores w itself, so that negative weights go first. It is rarely what one wants.
func SignedMagnitude[T tensor.Float]() Scorer[T] {
	return ScorerFunc[T](func(dst []T, c *Context[T]) error {
		copy(dst, c.Param.Data)
		return nil
	})
}

// Random scores with uniform draws in [0, 1), other ones in every update.
func Random[T tensor.Float]() Scorer[T] {
	return ScorerFunc[T](func(dst []T, c *Context[T]) error {
		rng := c.Rand()
		for i := range dst {
			dst[i] = T(rng.Float64())
		}
		return nil
	})
}

// Taylor scores |w·g| with the gradient in Grad: the change of the loss to first order if the weight is removed
// (ShrinkBench's gradient magnitude, jaxpruner's saliency). The error wraps [ErrMissingGrad] if Grad is nil.
func Taylor[T tensor.Float]() Scorer[T] {
	return product[T]{}
}

// TaylorSquared scores (w·g)² (Molchanov et al. 2019). The error is that of [Taylor].
func TaylorSquared[T tensor.Float]() Scorer[T] {
	return product[T]{squared: true}
}

// product scores products of weight and gradient.
type product[T tensor.Float] struct{ squared bool }

// Score implements [Scorer].
func (s product[T]) Score(dst []T, c *Context[T]) error {
	if err := needGrad(c.Param); err != nil {
		return err
	}
	for i, w := range c.Param.Data {
		v := w * c.Param.Grad[i]
		if dst[i] = max(v, -v); s.squared {
			dst[i] = v * v
		}
	}
	return nil
}

func (s product[T]) wide(dst []float64, c *Context[T]) error {
	for i, w := range c.Param.Data {
		v := float64(w) * float64(c.Param.Grad[i])
		if dst[i] = math.Abs(v); s.squared {
			dst[i] = v * v
		}
	}
	return nil
}

func (product[T]) ofGradients() {}

func needGrad[T tensor.Float](p *tensor.Param[T]) error {
	if p.Grad == nil {
		return fmt.Errorf("prune: param %q: Grad is nil: %w", p.Name, ErrMissingGrad)
	}
	return nil
}
