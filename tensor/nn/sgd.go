package nn

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// SGD is stochastic gradient descent with momentum as torch defines it. Fields may change between steps, LR
// from a schedule at every one. It keeps one velocity per parameter it has seen; the zero value is ready except for LR.
type SGD[T tensor.Float] struct {
	LR          float64 // learning rate, >= 0
	Momentum    float64 // in [0, 1)
	WeightDecay float64 // added to the gradient times the weight, >= 0
	Nesterov    bool    // needs Momentum > 0

	velocity map[*tensor.Param[T]][]T
	tied     ties[T]
	p, g, v  []T
	block    func(lo, hi int)
}

// Step updates every parameter that has a gradient:
//
//	g = grad + WeightDecay*w;  v = Momentum*v + g;  w -= LR*v   (Nesterov: w -= LR*(g + Momentum*v))
//
// The error wraps tensor.ErrRange or tensor.ErrNotFinite if a field is out of range, tensor.ErrShape if a parameter is
// malformed, tensor.ErrNotFinite if a gradient has such an element and tensor.ErrOverlap if parameters share part of
// their memory; nothing is updated then. Tied parameters, two over the same values and gradients, are one: the first
// is updated.
func (o *SGD[T]) Step(params []*tensor.Param[T]) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := validateParams(params); err != nil {
		return err
	}
	if err := o.tied.find(params); err != nil {
		return err
	}
	if o.block == nil {
		o.block = o.stepBlock
		o.velocity = map[*tensor.Param[T]][]T{}
	}
	for i, p := range params {
		if p.Grad == nil || o.tied.first[i] != i {
			continue
		}
		o.p, o.g, o.v = p.Data, p.Grad, nil
		if o.Momentum > 0 {
			v := o.velocity[p]
			if len(v) != len(p.Data) {
				v = make([]T, len(p.Data))
				o.velocity[p] = v
			}
			o.v = v
		}
		each(cheapGrain, len(p.Data), o.block)
	}
	return nil
}

// State returns the velocity of p, or nil before the first step with momentum. A pruner masks it along with the
// weights.
func (o *SGD[T]) State(p *tensor.Param[T]) []T { return o.velocity[p] }

const sgdMagic = "nn.sgd\x01"

// MarshalState writes the velocities of the parameters, in their order, to the bit, also before the first step. The
// fields of SGD are not in it.
func (o *SGD[T]) MarshalState(params []*tensor.Param[T]) []byte {
	return marshalState(sgdMagic, params, func(p *tensor.Param[T]) slots[T] {
		return slots[T]{data: [][]T{o.velocity[p]}}
	})
}

// UnmarshalState continues from what MarshalState wrote; errors are those of [Adam.UnmarshalState].
func (o *SGD[T]) UnmarshalState(params []*tensor.Param[T], state []byte) error {
	all, err := unmarshalState(sgdMagic, params, 1, state)
	if err != nil {
		return err
	}
	next := map[*tensor.Param[T]][]T{}
	for i, s := range all {
		if s.data[0] != nil {
			next[params[i]] = s.data[0]
		}
	}
	o.velocity, o.block = next, o.stepBlock
	return nil
}

func (o *SGD[T]) stepBlock(lo, hi int) {
	lr, mu, decay := T(o.LR), T(o.Momentum), T(o.WeightDecay)
	p, grad := o.p[lo:hi], o.g[lo:hi]
	if o.v != nil {
		v := o.v[lo:hi]
		tensor.Scale(v, mu, v)
		tensor.Add(v, v, grad)
		if decay > 0 {
			tensor.Axpy(v, decay, p)
		}
	}
	if o.v == nil || o.Nesterov {
		if decay > 0 {
			tensor.Scale(p, 1-lr*decay, p)
		}
		tensor.Axpy(p, -lr, grad)
	}
	if o.v != nil {
		share := T(1)
		if o.Nesterov {
			share = mu
		}
		tensor.Axpy(p, -lr*share, o.v[lo:hi])
	}
}

func (o *SGD[T]) validate() error {
	switch {
	case !atLeastZero(o.LR):
		return outOfRange("SGD", "LR", o.LR)
	case !atLeastZero(o.Momentum) || o.Momentum >= 1:
		return outOfRange("SGD", "Momentum", o.Momentum)
	case !atLeastZero(o.WeightDecay):
		return outOfRange("SGD", "WeightDecay", o.WeightDecay)
	case o.Nesterov && o.Momentum == 0:
		return fmt.Errorf("nn: SGD: Nesterov needs Momentum > 0: %w", tensor.ErrRange)
	}
	return nil
}

func atLeastZero(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }

func outOfRange(owner, field string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("nn: %s: %s is %v: %w", owner, field, v, tensor.ErrNotFinite)
	}
	return fmt.Errorf("nn: %s: %s is %v: %w", owner, field, v, tensor.ErrRange)
}

func validateParams[T tensor.Float](params []*tensor.Param[T]) error {
	for i, p := range params {
		if p == nil {
			return fmt.Errorf("nn: params[%d] is nil: %w", i, tensor.ErrEmpty)
		}
		if err := p.Validate(); err != nil {
			return fmt.Errorf("nn: params[%d]: %w", i, err)
		}
		if s := tensor.Dot(p.Grad, p.Grad); s-s != 0 { // or it overflowed
			if err := tensor.ValidateFinite("Grad", p.Grad); err != nil {
				return fmt.Errorf("nn: params[%d] %q: %w", i, p.Name, err)
			}
		}
	}
	return nil
}
