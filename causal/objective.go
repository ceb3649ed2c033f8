package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Objective is the loss of a training step: a [Risk] of the losses of the rows and any number of penalties. It has the
// memory of its penalties and is not safe for concurrent use.
type Objective[T tensor.Float] struct {
	risk   Risk
	config objectiveConfig
	terms  []Term[T]

	loss, coef []float64
	scratch    []T
}

// Term is a penalty of an objective.
type Term[T tensor.Float] struct {
	Penalty Penalty[T]
	// Alpha is what the penalty is multiplied by, 0 or more: a number, or by AlphaAt a function of the step, such as the
	// Value method of a schedule.
	Alpha   float64
	AlphaAt func(step float64) float64
	// OnLogits penalises the logits instead of the representation, as [IRMv1] does.
	OnLogits bool
}

// ObjectiveOption is a choice of [NewObjective].
type ObjectiveOption func(*objectiveConfig) error

type objectiveConfig struct {
	multiclass bool
}

// WithSoftmax takes logits with a column for each class and [SoftmaxCE]; default one column and [BCE].
func WithSoftmax() ObjectiveOption {
	return func(c *objectiveConfig) error {
		c.multiclass = true
		return nil
	}
}

// NewObjective makes an objective of a risk and penalties. The error wraps [tensor.ErrEmpty] for a nil risk or penalty
// and [tensor.ErrRange] for an Alpha.
func NewObjective[T tensor.Float](risk Risk, terms []Term[T], opts ...ObjectiveOption) (*Objective[T], error) {
	o := &Objective[T]{risk: risk, terms: terms}
	if err := option.Apply("causal: NewObjective", &o.config, opts); err != nil {
		return nil, err
	}
	if risk == nil {
		return nil, fmt.Errorf("causal: NewObjective: the risk is nil: %w", tensor.ErrEmpty)
	}
	for i, t := range terms {
		if t.Penalty == nil {
			return nil, fmt.Errorf("causal: NewObjective: term %d has no penalty: %w", i, tensor.ErrEmpty)
		}
		if !(t.Alpha >= 0) || math.IsInf(t.Alpha, 1) {
			return nil, fmt.Errorf("causal: NewObjective: term %d: Alpha is %v, want a finite number of 0 or more: %w",
				i, t.Alpha, tensor.ErrRange)
		}
		if t.AlphaAt != nil && t.Alpha != 0 {
			return nil, fmt.Errorf("causal: NewObjective: term %d: %w", i, option.Conflict("Alpha beside AlphaAt"))
		}
	}
	return o, nil
}

// Outcome is what a step of an objective found.
type Outcome struct {
	Loss  float64  // risk plus penalties
	Risk  float64  // of the losses
	Terms []Result // of the penalties, before they are multiplied; valid until the next step
}

// Step evaluates the objective at the given step of training, which AlphaAt gets. It writes the gradients with respect
// to the logits and to the representation z to dLogits and dZ, which have their shapes. Without a term on z, z and dZ
// may be empty. If there is an error nothing useful is in either.
func (o *Objective[T]) Step(step float64, logits, z tensor.Matrix[T], b Batch, dLogits, dZ tensor.Matrix[T]) (Outcome,
	error) {
	const call = "Objective.Step"
	if len(b.Y) != logits.Rows {
		return Outcome{}, fmt.Errorf("causal: %s: %d labels for %d rows: %w", call, len(b.Y), logits.Rows, tensor.ErrShape)
	}
	if dLogits.Rows != logits.Rows || dLogits.Cols != logits.Cols || dZ.Rows != z.Rows || dZ.Cols != z.Cols {
		return Outcome{}, fmt.Errorf("causal: %s: gradients of %dx%d and %dx%d for logits of %dx%d and z of %dx%d: %w", call,
			dLogits.Rows, dLogits.Cols, dZ.Rows, dZ.Cols, logits.Rows, logits.Cols, z.Rows, z.Cols, tensor.ErrShape)
	}
	value, err := o.predict(logits, b, dLogits)
	if err != nil {
		return Outcome{}, err
	}
	for i := range dZ.Rows {
		clear(dZ.Row(i))
	}
	out := Outcome{Loss: value, Risk: value, Terms: make([]Result, len(o.terms))}
	for k, t := range o.terms {
		alpha := t.Alpha
		if t.AlphaAt != nil {
			if alpha = t.AlphaAt(step); !(alpha >= 0) || math.IsInf(alpha, 1) {
				return Outcome{}, fmt.Errorf("causal: %s: term %d: AlphaAt(%v) is %v: %w", call, k, step, alpha, tensor.ErrRange)
			}
		}
		x, dx := z, dZ
		if t.OnLogits {
			x, dx = logits, dLogits
		}
		if out.Terms[k], err = o.add(t.Penalty, alpha, x, b, dx); err != nil {
			return Outcome{}, fmt.Errorf("causal: %s: term %d: %w", call, k, err)
		}
		out.Loss += alpha * out.Terms[k].Value
	}
	return out, nil
}

// predict writes the gradient of the risk.
func (o *Objective[T]) predict(logits tensor.Matrix[T], b Batch, dLogits tensor.Matrix[T]) (float64, error) {
	o.loss, o.coef = grow(o.loss, logits.Rows), grow(o.coef, logits.Rows)
	var err error
	switch {
	case o.config.multiclass:
		err = SoftmaxCE(o.loss, dLogits, logits, b.Y)
	case logits.Cols != 1:
		err = fmt.Errorf("causal: Objective.Step: logits have %d columns; WithSoftmax is for several: %w",
			logits.Cols, tensor.ErrShape)
	default:
		o.scratch = grow(o.scratch, logits.Rows)
		for i := range o.scratch {
			o.scratch[i] = logits.Row(i)[0]
		}
		if err = BCE(o.loss, o.scratch, o.scratch, b.Y); err == nil {
			for i, g := range o.scratch {
				dLogits.Row(i)[0] = g
			}
		}
	}
	if err != nil {
		return 0, err
	}
	value, err := o.risk.Combine(o.loss, b, o.coef)
	if err != nil {
		return 0, err
	}
	for i, c := range o.coef {
		tensor.Scale(dLogits.Row(i), T(c), dLogits.Row(i))
	}
	return value, nil
}

// add adds alpha times the gradient of a penalty to grad.
func (o *Objective[T]) add(p Penalty[T], alpha float64, x tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result,
	error) {
	if alpha == 0 {
		return p.Eval(x, b, tensor.Matrix[T]{})
	}
	o.scratch = grow(o.scratch, x.Rows*x.Cols)
	clear(o.scratch)
	own := tensor.Of(x.Rows, x.Cols, o.scratch)
	r, err := p.Eval(x, b, own)
	if err != nil || r.Skipped != "" {
		return r, err
	}
	for i := range x.Rows {
		tensor.Axpy(grad.Row(i), T(alpha), own.Row(i))
	}
	return r, nil
}
