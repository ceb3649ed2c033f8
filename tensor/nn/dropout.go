package nn

import (
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// Dropout sets elements to zero with probability P in training and divides the others by 1-P, so that the expectation
// stays (Srivastava et al. 2014). Outside of training it returns its input.
type Dropout[T tensor.Float] struct {
	P float64 // in [0, 1); may change between steps
	// Step numbers the training Forwards and is the key of the draws together with the seed; set it to resume.
	Step uint64

	seed, key   uint64
	active      bool // in the last Forward
	x, y        tensor.Dense[T]
	dy, dx      tensor.Dense[T]
	yBuf, dxBuf buffer[T]
	mask        buffer[T] // 0 or 1/(1-P)
	fwd, bwd    func(lo, hi int)
}

// NewDropout returns a layer whose draws depend on the seed, Step and the element alone. Layers of one model need
// different seeds. The error wraps tensor.ErrRange or tensor.ErrNotFinite unless p is in [0, 1).
func NewDropout[T tensor.Float](p float64, seed uint64) (*Dropout[T], error) {
	if !atLeastZero(p) || p >= 1 {
		return nil, outOfRange("Dropout", "P", p)
	}
	d := &Dropout[T]{P: p, seed: tensor.Stream(seed).Uint64()}
	d.fwd, d.bwd = d.forwardBlock, d.backwardBlock
	return d, nil
}

// Forward draws a new mask if train is set. It panics with an error wrapping tensor.ErrRange or tensor.ErrNotFinite
// if P has been set outside [0, 1).
func (d *Dropout[T]) Forward(x tensor.Dense[T], train bool) tensor.Dense[T] {
	if !atLeastZero(d.P) || d.P >= 1 {
		panic(outOfRange("Dropout", "P", d.P))
	}
	d.x, d.active = x, train && d.P > 0
	if train {
		d.key = draws(d.seed, d.Step)
		d.Step++
	}
	if !d.active {
		return x
	}
	d.y = d.yBuf.shaped(x.Shape)
	d.mask.sized(len(x.Data))
	each(dearGrain, len(x.Data), d.fwd)
	return d.y
}

// Backward multiplies dy by the mask of the last Forward.
func (d *Dropout[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("Dropout", "dy", len(dy.Data), len(d.x.Data))
	if !d.active {
		return dy
	}
	d.dy, d.dx = dy, d.dxBuf.shaped(d.x.Shape)
	each(cheapGrain, len(dy.Data), d.bwd)
	return d.dx
}

// Params is empty.
func (d *Dropout[T]) Params() []*tensor.Param[T] { return nil }

// forwardBlock has a generator of its own, keyed by the block, so that the mask does not depend on who draws it.
func (d *Dropout[T]) forwardBlock(lo, hi int) {
	var rng rand.PCG
	rng.Seed(d.key, uint64(lo))
	mask := d.mask.data[lo:hi]
	drop, keep := uint32(d.P*(1<<32)), T(1/(1-d.P))
	var bits uint64
	for i := range mask {
		if i%2 == 0 {
			bits = rng.Uint64()
		}
		mask[i] = keep
		if uint32(bits) < drop {
			mask[i] = 0
		}
		bits >>= 32
	}
	tensor.Mul(d.y.Data[lo:hi], d.x.Data[lo:hi], mask)
}

func (d *Dropout[T]) backwardBlock(lo, hi int) {
	tensor.Mul(d.dx.Data[lo:hi], d.dy.Data[lo:hi], d.mask.data[lo:hi])
}

// draws is the first draw of the generator of a seed and a step.
func draws(seed, step uint64) uint64 {
	var rng rand.PCG
	rng.Seed(seed, step)
	return rng.Uint64()
}
