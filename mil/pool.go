package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Pool is the [Pooler] of a [Rule]: it has as many columns as the instances.
type Pool[T tensor.Float] struct {
	rule   Rule
	empty  emptyRule
	engine engine[T]
	params []*tensor.Param[T]
}

// PoolOption is a choice of [NewPool].
type PoolOption interface{ forPool(*poolConfig) error }

type poolChoice func(*poolConfig) error

func (f poolChoice) forPool(c *poolConfig) error { return f(c) }

type poolConfig struct {
	empty     emptyRule
	learnable bool
}

// WithLearnable makes the numbers of the rule parameters that are trained, one for all columns. By default they stay
// what they are.
func WithLearnable() PoolOption {
	return poolChoice(func(c *poolConfig) error {
		c.learnable = true
		return nil
	})
}

// NewPool makes a pooler of a rule. Options are [WithEmpty] and [WithLearnable]. The error is that of [Rule.Validate],
// or wraps [tensor.ErrConflict] for a rule without anything to learn.
func NewPool[T tensor.Float](r Rule, opts ...PoolOption) (*Pool[T], error) {
	var c poolConfig
	if err := option.Apply("mil: NewPool", &c, choices(opts, PoolOption.forPool)); err != nil {
		return nil, err
	}
	if err := r.Validate(); err != nil {
		return nil, option.Call("mil: NewPool", err)
	}
	p := &Pool[T]{rule: r, empty: c.empty}
	if c.learnable {
		if r.learnable() == nil {
			return nil, fmt.Errorf("mil: NewPool: %w", option.Conflict("WithLearnable with the rule %q", r))
		}
		for i, name := range r.learnable() {
			p.params = append(p.params, newParam[T](name, 1))
			p.params[i].Data[0] = T([]float64{r.a, r.b}[i])
		}
	}
	p.engine = p.newEngine()
	return p, nil
}

func (p *Pool[T]) newEngine() engine[T] {
	switch p.rule.kind {
	case topKRule, topFractionRule, percentileMeanRule, percentileSumRule, quantileRule:
		return ranked[T]{p.rule}
	}
	return folded[T]{p.newFold(), p}
}

func (p *Pool[T]) newFold() fold[T] {
	switch p.rule.kind {
	case maxRule, minRule:
		return extreme[T]{p.rule.kind == minRule}
	case noisyOrRule, isrRule:
		return noisy[T]{p.rule.kind == isrRule}
	case noisyOrLogitRule:
		return noisyLogit[T]{}
	case linearSoftmaxRule:
		return linearSoftmax[T]{}
	case lseRule, lseSumRule, autoPoolRule, gemRule, pNormRule:
		return soft[T]{p.rule, p.params}
	}
	return additive[T]{p.rule}
}

// OutDim is in.
func (p *Pool[T]) OutDim(in int) (int, error) { return in, checkIn("Pool", in) }

// Forward is described at [Pooler]. Rules for probabilities want elements in [0, 1].
func (p *Pool[T]) Forward(y tensor.Matrix[T], b Bags[T], tape *Tape[T]) error {
	const call = "mil: Pool.Forward"
	if err := b.validate(call); err != nil {
		return err
	}
	if err := p.checkNumbers(call); err != nil {
		return err
	}
	if p.rule.probabilities() {
		if err := checkProbabilities(call, b.X); err != nil {
			return err
		}
	}
	return tape.forward(call, p, p.engine, b.X.Cols, p.empty, y, b)
}

// Backward is described at [Pooler].
func (p *Pool[T]) Backward(dx, dy tensor.Matrix[T], tape *Tape[T]) error {
	return tape.backward("mil: Pool.Backward", p, dx, dy)
}

// Params lists the numbers of the rule if they are trained.
func (p *Pool[T]) Params() []*tensor.Param[T] { return p.params }

// WeightDim is in: an instance has a weight in every column.
func (p *Pool[T]) WeightDim(in int) int { return in }

// Weights writes, where the result is a sum of weights times instances, those weights: 1/N for the mean, 1/k for the k
// largest, softmax(alpha x) for auto-pool. Of other rules it writes the derivative of the result with respect to the
// instance.
func (p *Pool[T]) Weights(w tensor.Matrix[T], tape *Tape[T]) error {
	const call = "mil: Pool.Weights"
	if err := tape.checkBy(call, p); err != nil {
		return err
	}
	if err := checkShape(call, "w", w, tape.bags.X.Rows, tape.bags.X.Cols); err != nil {
		return err
	}
	if w.Overlaps(tape.bags.X) {
		return fmt.Errorf("%s: w shares memory with the instances: %w", call, tensor.ErrOverlap)
	}
	tape.dx, tape.back = w, true
	tape.dy = tensor.NewMatrix[T](tape.bags.Len(), tape.out)
	fill(tape.dy.Data, 1)
	for k := range tape.works {
		tape.works[k].shares = true
	}
	tape.run()
	for k := range tape.works {
		tape.works[k].shares = false
	}
	tape.dx, tape.dy = tensor.Matrix[T]{}, tensor.Matrix[T]{}
	return nil
}

// checkNumbers reports a trained number that has left its range.
func (p *Pool[T]) checkNumbers(call string) error {
	if p.params == nil {
		return nil
	}
	if err := p.numbers().Validate(); err != nil {
		return option.Call(call, err)
	}
	return nil
}

// numbers is the rule as trained so far.
func (p *Pool[T]) numbers() Rule { return trained(p.rule, p.params) }

func trained[T tensor.Float](r Rule, params []*tensor.Param[T]) Rule {
	if len(params) > 0 {
		r.a = float64(params[0].Data[0])
	}
	if len(params) > 1 {
		r.b = float64(params[1].Data[0])
	}
	return r
}

func checkProbabilities[T tensor.Float](call string, x tensor.Matrix[T]) error {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			if (v < 0 || v > 1) && v-v == 0 { // what is not finite is another fault
				return fmt.Errorf("%s: X[%d,%d] is %v, want a probability: %w", call, i, j, v, tensor.ErrRange)
			}
		}
	}
	return nil
}

func checkIn(pooler string, in int) error {
	if in < 1 {
		return fmt.Errorf("mil: %s.OutDim: instances of %d columns: %w", pooler, in, tensor.ErrShape)
	}
	return nil
}

func newParam[T tensor.Float](name string, shape ...int) *tensor.Param[T] {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return &tensor.Param[T]{Name: name, Shape: shape, Data: make([]T, n), Grad: make([]T, n)}
}

// Score is the score of a bag of scores by a rule, in float64. The error is that of [Rule.Validate], or wraps
// [tensor.ErrNotFinite], [tensor.ErrRange] for a score that is no probability where the rule wants one, or
// [ErrEmptyBag].
func Score(r Rule, scores []float64) (float64, error) {
	p, err := NewPool[float64](r)
	if err != nil {
		return math.NaN(), option.Call("mil: Score", err)
	}
	b := Bags[float64]{tensor.Of(len(scores), 1, scores), []int{0, len(scores)}}
	var tape Tape[float64]
	y := make([]float64, 1)
	if err := p.Forward(tensor.Of(1, 1, y), b, &tape); err != nil {
		return math.NaN(), option.Call("mil: Score", err)
	}
	return y[0], nil
}
