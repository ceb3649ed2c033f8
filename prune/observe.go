package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// observer accumulates one number per weight over batches, in float64.
type observer[T tensor.Float] struct {
	kind   string
	params []*tensor.Param[T]
	index  map[string]int
	sum    [][]float64
	times  int
}

func newObserver[T tensor.Float](kind string, params []*tensor.Param[T]) (observer[T], error) {
	if _, err := describe(params, LayoutNN, nil, nil); err != nil {
		return observer[T]{}, fmt.Errorf("prune: %s: %w", kind, err)
	}
	o := observer[T]{kind: kind, params: params, index: map[string]int{}}
	for i, p := range params {
		o.index[p.Name] = i
		o.sum = append(o.sum, make([]float64, len(p.Data)))
	}
	return o, nil
}

// add adds f(w, g) of every weight and gradient once all of them have been found usable.
func (o *observer[T]) add(f func(w, g float64) float64) error {
	for _, p := range o.params {
		if err := needGrad(p); err != nil {
			return fmt.Errorf("prune: %s.Add: %w", o.kind, err)
		}
		if err := tensor.ValidateFinite("Grad", p.Grad); err != nil {
			return fmt.Errorf("prune: %s.Add: param %q: %w", o.kind, p.Name, err)
		}
	}
	for i, p := range o.params {
		for j, g := range p.Grad {
			o.sum[i][j] += f(float64(p.Data[j]), float64(g))
		}
	}
	o.times++
	return nil
}

// of returns the sums of a parameter.
func (o *observer[T]) of(p *tensor.Param[T]) ([]float64, error) {
	i, known := o.index[p.Name]
	if !known || o.times == 0 || len(o.sum[i]) != len(p.Data) {
		return nil, fmt.Errorf("prune: param %q: %s has observed nothing: %w", p.Name, o.kind, ErrMissingGrad)
	}
	return o.sum[i], nil
}

// SNIP scores |w·g| divided by its sum over all observed parameters, where g is the sum of the gradients of one or
// more batches at initialisation (Lee, Ajanthan and Torr 2019). Gradients are added before the absolute value is
// taken. Under the [Global] scope with one batch it ranks weights as [Taylor] does.
type SNIP[T tensor.Float] struct {
	o     observer[T]
	total float64
}

// NewSNIP observes the given parameters. Errors are those of [New] for parameters.
func NewSNIP[T tensor.Float](params []*tensor.Param[T]) (*SNIP[T], error) {
	o, err := newObserver("SNIP", params)
	return &SNIP[T]{o: o}, err
}

// Add adds the gradients of a batch. The error wraps [ErrMissingGrad] or tensor.ErrNotFinite; nothing is added then.
func (s *SNIP[T]) Add() error {
	if err := s.o.add(func(_, g float64) float64 { return g }); err != nil {
		return err
	}
	s.total = 0
	for i, p := range s.o.params {
		for j, w := range p.Data {
			s.total += math.Abs(float64(w) * s.o.sum[i][j])
		}
	}
	return nil
}

// Score implements [Scorer]. The error wraps [ErrMissingGrad] before the first Add.
func (s *SNIP[T]) Score(dst []T, c *Context[T]) error {
	sum, err := s.o.of(c.Param)
	if err != nil {
		return err
	}
	for i, w := range c.Param.Data {
		if dst[i] = 0; s.total > 0 {
			dst[i] = T(math.Abs(float64(w)*sum[i]) / s.total)
		}
	}
	return nil
}

func (s *SNIP[T]) wide(dst []float64, c *Context[T]) error {
	sum, err := s.o.of(c.Param)
	for i, v := range sum {
		dst[i] = math.Abs(float64(c.Param.Data[i])*v) / max(s.total, math.SmallestNonzeroFloat64)
	}
	return err
}

func (s *SNIP[T]) ofGradients() {}

// Fisher scores ½·F·w², where F is the mean of squared gradients of single examples: the diagonal of the
// empirical Fisher information, and with it the saliency of Optimal Brain Damage (LeCun, Denker and Solla 1990) if
// the network fits its data. Gradients of whole batches give another, smaller, number: squares do not commute with
// means.
type Fisher[T tensor.Float] struct{ o observer[T] }

// NewFisher observes the given parameters. Errors are those of [New] for parameters.
func NewFisher[T tensor.Float](params []*tensor.Param[T]) (*Fisher[T], error) {
	o, err := newObserver("Fisher", params)
	return &Fisher[T]{o}, err
}

// Add adds the squared gradients of one example. The error is that of [SNIP.Add].
func (f *Fisher[T]) Add() error { return f.o.add(func(_, g float64) float64 { return g * g }) }

// Score implements [Scorer]. The error wraps [ErrMissingGrad] before the first Add.
func (f *Fisher[T]) Score(dst []T, c *Context[T]) error {
	sum, err := f.o.of(c.Param)
	if err != nil {
		return err
	}
	for i, w := range c.Param.Data {
		dst[i] = T(0.5 * sum[i] / float64(f.o.times) * float64(w) * float64(w))
	}
	return nil
}

func (f *Fisher[T]) wide(dst []float64, c *Context[T]) error {
	sum, err := f.o.of(c.Param)
	for i, v := range sum {
		w := float64(c.Param.Data[i])
		dst[i] = 0.5 * v / float64(f.o.times) * w * w
	}
	return err
}

func (f *Fisher[T]) ofGradients() {}

// Movement scores how far weights have moved away from zero in training: each step adds -rate·g·w (Sanh, Wolf and
// Rush 2020). The gradient is that of the masked weight itself, the straight-through estimate, so that pruned weights
// keep collecting: do not mask gradients before Add. With [WithRegrow] they can come back.
type Movement[T tensor.Float] struct{ o observer[T] }

// NewMovement observes the given parameters. Errors are those of [New] for parameters.
func NewMovement[T tensor.Float](params []*tensor.Param[T]) (*Movement[T], error) {
	o, err := newObserver("Movement", params)
	return &Movement[T]{o}, err
}

// Add adds a step with the learning rate of the scores, before the optimizer changes the weights. The error is that of
// [SNIP.Add], or wraps tensor.ErrNotFinite if rate is not finite.
func (m *Movement[T]) Add(rate float64) error {
	if rate-rate != 0 {
		return fmt.Errorf("prune: Movement.Add: rate is %v: %w", rate, tensor.ErrNotFinite)
	}
	return m.o.add(func(w, g float64) float64 { return -rate * g * w })
}

// Score implements [Scorer]. The error wraps [ErrMissingGrad] before the first Add.
func (m *Movement[T]) Score(dst []T, c *Context[T]) error {
	sum, err := m.o.of(c.Param)
	if err != nil {
		return err
	}
	for i, v := range sum {
		dst[i] = T(v)
	}
	return nil
}

func (m *Movement[T]) wide(dst []float64, c *Context[T]) error {
	sum, err := m.o.of(c.Param)
	copy(dst, sum)
	return err
}

func (m *Movement[T]) ofGradients() {}
