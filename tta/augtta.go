package tta

import (
	"fmt"
	"math"
)

// FitAugTTA learns one weight, 0 or more, for each view: z = sum_a w_a x_a (Shanmugam et al. 2021, "partial"). The mean
// cross-entropy is convex in them, and is minimised. The sum of the weights is free, so that the output is calibrated.
// Views without a weight need not be computed.
//
// Options are [WithPaper], [WithShrinkage], [WithIterations], [WithTolerance] and [WithWorkers]. WithPaper trains as
// the reference code does and divides by the sum of the weights. WithShrinkage asks for [WithIdentity]. Errors wrap
// [ErrLabel], [ErrIdentity], [tensor.ErrEmpty] for fewer than two examples, or [tensor.ErrConflict].
func FitAugTTA(o *Outputs, opts ...Option) (*Fitted, FitReport, error) {
	return fitAugTTA("FitAugTTA", o, opts)
}

func fitAugTTA(call string, o *Outputs, opts []Option) (*Fitted, FitReport, error) {
	c, err := configure(call, opts)
	if err == nil {
		err = c.solver()
	}
	if err != nil {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
	}
	if err := checkFit(call, o); err != nil {
		return nil, FitReport{}, err
	}
	r := newReport(AugTTA, o)
	r.absent(o)
	if c.paper {
		w, epochs := paper(o, false, c.workers)
		q, _ := normalized(w)
		r.trained(epochs, newProblem(o, nil, c.workers), q)
		return r.finish(newFitted(AugTTA, o, floats32(q), false))
	}
	p := shrunk{problem: newProblem(o, nil, c.workers), centre: make([]float64, o.views), lambda: max(c.lambda, 0)}
	start := make([]float64, o.views)
	for i := range start {
		start[i] = 1 / float64(o.views)
	}
	r.Shrinkage = p.lambda
	if p.lambda > 0 || o.identity >= 0 {
		if err := r.centre(call, o, p.centre); err != nil {
			return nil, FitReport{}, err
		}
		copy(start, p.centre)
	}
	s := p.minimize(start, c.tolerance, c.iterations)
	r.solved(s)
	return r.finish(newFitted(AugTTA, o, floats32(s.x), false))
}

// inverseBounds are those of the inverse temperature of the original view as a centre: a view that gets every example
// right has none, and one that does worse than chance has one of 0.
var inverseBounds = [2]float64{0.05, 20}

// centre sets the weights of the calibrated original view.
func (r *FitReport) centre(call string, o *Outputs, weights []float64) error {
	view, err := o.original(call)
	if err != nil {
		return err
	}
	inverse := calibratedView(o, nil, view)
	r.Temperature = 1 / inverse
	if inverse == inverseBounds[0] || inverse == inverseBounds[1] {
		r.warn("the temperature of the original view has no optimum within [%g, %g] and is %g",
			1/inverseBounds[1], 1/inverseBounds[0], r.Temperature)
	}
	clear(weights)
	weights[view] = inverse
	return nil
}

// trained notes the paper's training.
func (r *FitReport) trained(epochs []Epoch, p *problem, w []float64) {
	r.Epochs, r.Iterations = epochs, len(epochs)
	grad := make([]float64, len(w))
	r.Loss = p.eval(w, grad, nil)
	r.Objective, r.Gradient = r.Loss, projected(w, grad)
}

// finish notes what the aggregator reads.
func (r *FitReport) finish(f *Fitted) (*Fitted, FitReport, error) {
	r.Active = f.Active()
	if len(r.Active) == 0 {
		r.warn("all weights are 0: every prediction is uniform")
	}
	return f, *r, nil
}

func floats32(x []float64) []float32 {
	out := make([]float32, len(x))
	narrow(out, x)
	return out
}

// infinite is the strength that leaves no freedom.
var infinite = math.Inf(1)
