package nn

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Adam is the optimizer of Kingma and Ba 2015 as torch computes it and, with Decoupled set, the AdamW of Loshchilov and
// Hutter 2019. Make one with [NewAdam] or [NewAdamW]; fields may change between steps. It keeps two moments per
// parameter.
type Adam[T tensor.Float] struct {
	LR           float64 // learning rate, >= 0
	Beta1, Beta2 float64 // decay of the first and of the second moment, in [0, 1)
	Eps          float64 // added to the root of the second moment, > 0
	WeightDecay  float64 // >= 0
	Decoupled    bool    // the weights shrink by LR*WeightDecay and the gradient stays as it is

	state    map[*tensor.Param[T]]*adamState[T]
	tied     ties[T]
	now      *adamState[T]
	p, g     []T
	lr, root T // LR and the second moment's factor, both corrected for bias
	block    func(lo, hi int)
}

type adamState[T tensor.Float] struct {
	steps int
	m, v  []T
}

// NewAdam returns Adam with beta 0.9 and 0.999, eps 1e-8 and no weight decay.
func NewAdam[T tensor.Float](lr float64) *Adam[T] {
	return &Adam[T]{LR: lr, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
}

// NewAdamW returns AdamW with beta 0.9 and 0.999 and eps 1e-8.
func NewAdamW[T tensor.Float](lr, weightDecay float64) *Adam[T] {
	o := NewAdam[T](lr)
	o.WeightDecay, o.Decoupled = weightDecay, true
	return o
}

// Step updates every parameter that has a gradient. Steps are counted per parameter. The error wraps
// tensor.ErrRange or tensor.ErrNotFinite if a field is out of range, tensor.ErrShape if a parameter is malformed and
// tensor.ErrNotFinite if a gradient has such an element, tensor.ErrOverlap if parameters share part of their memory;
// nothing is updated then. Tied parameters, two over the same values and gradients, are one: the first is updated.
func (o *Adam[T]) Step(params []*tensor.Param[T]) error {
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
		o.state = map[*tensor.Param[T]]*adamState[T]{}
	}
	for i, p := range params {
		if p.Grad == nil || o.tied.first[i] != i {
			continue
		}
		s := o.state[p]
		if s == nil || len(s.m) != len(p.Data) {
			s = &adamState[T]{m: make([]T, len(p.Data)), v: make([]T, len(p.Data))}
			o.state[p] = s
		}
		s.steps++
		o.now, o.p, o.g = s, p.Data, p.Grad
		o.lr = T(o.LR / (1 - math.Pow(o.Beta1, float64(s.steps))))
		o.root = T(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(s.steps))))
		each(dearGrain, len(p.Data), o.block)
	}
	return nil
}

// State returns the two moments of p, or nil before its first step. A pruner masks them along with the weights.
func (o *Adam[T]) State(p *tensor.Param[T]) (first, second []T) {
	if s := o.state[p]; s != nil {
		return s.m, s.v
	}
	return nil, nil
}

const adamMagic = "nn.adam\x01"

// MarshalState writes what Adam remembers of the parameters, in their order: steps and moments to the bit, also before
// the first step. The fields of Adam are not in it.
func (o *Adam[T]) MarshalState(params []*tensor.Param[T]) []byte {
	return marshalState(adamMagic, params, func(p *tensor.Param[T]) slots[T] {
		if s := o.state[p]; s != nil {
			return slots[T]{uint64(s.steps), [][]T{s.m, s.v}}
		}
		return slots[T]{data: make([][]T, 2)}
	})
}

// UnmarshalState continues from what MarshalState wrote for parameters of the same names and lengths in the same order.
// Errors wrap tensor.ErrShape for other parameters and tensor.ErrRange for other bytes; nothing is changed then.
func (o *Adam[T]) UnmarshalState(params []*tensor.Param[T], state []byte) error {
	all, err := unmarshalState(adamMagic, params, 2, state)
	if err != nil {
		return err
	}
	next := map[*tensor.Param[T]]*adamState[T]{}
	for i, s := range all {
		if (s.steps == 0) != (s.data[0] == nil) || (s.data[0] == nil) != (s.data[1] == nil) || s.steps > math.MaxInt32 {
			return fmt.Errorf("nn: state: %d steps of %q do not go with its moments: %w",
				s.steps, params[i].Name, tensor.ErrRange)
		}
		if s.steps == 0 {
			continue
		}
		next[params[i]] = &adamState[T]{int(s.steps), s.data[0], s.data[1]}
	}
	o.state, o.block = next, o.stepBlock
	return nil
}

func (o *Adam[T]) stepBlock(lo, hi int) {
	b1, b2, eps := T(o.Beta1), T(o.Beta2), T(o.Eps)
	c1, c2 := T(1-o.Beta1), T(1-o.Beta2)
	keep, decay := T(1), T(o.WeightDecay)
	if o.Decoupled {
		keep, decay = T(1-o.LR*o.WeightDecay), 0
	}
	p, grad, first, second := o.p[lo:hi], o.g[lo:hi], o.now.m[lo:hi], o.now.v[lo:hi]
	for i, g := range grad {
		w := p[i] * keep
		g += decay * w
		m := b1*first[i] + c1*g
		v := b2*second[i] + c2*g*g
		first[i], second[i] = m, v
		p[i] = w - o.lr*m/(T(math.Sqrt(float64(v)))*o.root+eps)
	}
}

func (o *Adam[T]) validate() error {
	switch {
	case !atLeastZero(o.LR):
		return outOfRange("Adam", "LR", o.LR)
	case !atLeastZero(o.Beta1) || o.Beta1 >= 1:
		return outOfRange("Adam", "Beta1", o.Beta1)
	case !atLeastZero(o.Beta2) || o.Beta2 >= 1:
		return outOfRange("Adam", "Beta2", o.Beta2)
	case !atLeastZero(o.Eps) || o.Eps == 0:
		return outOfRange("Adam", "Eps", o.Eps)
	case !atLeastZero(o.WeightDecay):
		return outOfRange("Adam", "WeightDecay", o.WeightDecay)
	}
	return nil
}
