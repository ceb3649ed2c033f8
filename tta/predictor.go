package tta

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Predictor is a model with its views and aggregator: what is deployed. It calls the model from one goroutine at a time
// as long as one call of Predict runs at a time.
type Predictor[X any] struct {
	runner     *runner[X]
	aggregator Aggregator
	active     []int
	path       *Path
	tau        float64
	kind       Kind
	raw        bool // the model gives probabilities
}

// PredictorOption is a choice of [NewPredictor].
type PredictorOption func(*predictorConfig) error

type predictorConfig struct {
	collect []CollectOption
	path    *Path
	tau     float64
}

// WithCollect sets the batch, workers, seed and outputs of the model as [Collect] had them.
func WithCollect(opts ...CollectOption) PredictorOption {
	return func(c *predictorConfig) error {
		c.collect = opts
		return nil
	}
}

// WithEarlyExit stops computing views of an input as soon as the probability of the predicted class reaches tau, in (0,
// 1], in the order of a path, whose weights take the place of the aggregator (see [Path.Threshold]).
func WithEarlyExit(p *Path, tau float64) PredictorOption {
	return func(c *predictorConfig) error {
		c.path, c.tau = p, tau
		if err := option.Nil(p != nil, "WithEarlyExit"); err != nil {
			return err
		}
		return option.Range(tau > 0 && tau <= 1, "WithEarlyExit", tau, "a probability in (0, 1]")
	}
}

// NewPredictor checks that model, policy and aggregator belong together: the error wraps [ErrPolicy] if not. Views that
// the aggregator does not read are not computed.
func NewPredictor[X any](m Model[X], p *Policy[X], a Aggregator, opts ...PredictorOption) (*Predictor[X], error) {
	const call = "NewPredictor"
	var c predictorConfig
	if err := option.Apply("tta: "+call, &c, opts); err != nil {
		return nil, err
	}
	if m == nil || p == nil || a == nil {
		return nil, fmt.Errorf("tta: %s: model, policy or aggregator are nil: %w", call, tensor.ErrEmpty)
	}
	collect := collectConfig{batch: 64, progress: func(int, int) {}}
	if err := option.Apply("tta: "+call, &collect, choices(c.collect, CollectOption.forCollect)); err != nil {
		return nil, err
	}
	if collect.cache != nil {
		return nil, option.Call("tta: "+call,
			option.Conflict("WithCache: the inputs of a predictor have no numbers of their own"))
	}
	outputs := outputsConfig{identity: -1}
	if err := option.Apply("tta: "+call, &outputs, collect.outputs); err != nil {
		return nil, err
	}
	shape := a.Shape()
	if c.path != nil {
		a, shape = c.path.Step(1), c.path.Step(1).Shape()
	}
	if err := p.checkClasses(shape.Classes); err != nil {
		return nil, fmt.Errorf("tta: %s: %w", call, err)
	}
	if shape.Views != p.Len() {
		return nil, fmt.Errorf("tta: %s: an aggregator of %d views for a policy of %d: %w",
			call, shape.Views, p.Len(), ErrPolicy)
	}
	if f, ok := a.(interface{ Policy() string }); ok && f.Policy() != "" && f.Policy() != p.Fingerprint() {
		return nil, fmt.Errorf("tta: %s: an aggregator of policy %s for policy %s: %w",
			call, f.Policy(), p.Fingerprint(), ErrPolicy)
	}
	r := &Predictor[X]{runner: &runner[X]{model: m, policy: p, classes: shape.Classes, config: collect}, aggregator: a,
		active: activeViews(a), path: c.path, tau: c.tau, raw: outputs.probabilities, kind: Logits}
	switch {
	case shape.Classes == 1:
		r.kind = Binary
	case outputs.probabilities || outputs.given.Has("WithLogProbs"):
		r.kind = LogProbs
	}
	if shape.Kind != Any && shape.Kind != r.kind {
		return nil, fmt.Errorf("tta: %s: an aggregator fitted on %v for a model that gives %v: %w",
			call, shape.Kind, r.kind, ErrPolicy)
	}
	return r, nil
}

// Predict writes the aggregated output for each input to a row of dst, and returns how many views were computed in all.
// Random views draw by the position of an input in xs. The error is that of [Collect].
func (p *Predictor[X]) Predict(ctx context.Context, xs []X, dst tensor.Matrix[float32]) (views int, err error) {
	const call = "Predictor.Predict"
	if dst.Rows != len(xs) || dst.Cols != p.runner.classes {
		return 0, fmt.Errorf("tta: %s: dst is %dx%d for %d inputs of %d classes: %w",
			call, dst.Rows, dst.Cols, len(xs), p.runner.classes, tensor.ErrShape)
	}
	n, classes := p.runner.policy.Len(), p.runner.classes
	results := tensor.NewMatrix[float32](len(xs), classes)
	if p.path == nil {
		// The views of as many inputs at once as fill a batch.
		step := max(1, p.runner.config.batch/max(1, len(p.active)))
		for lo := 0; lo < len(xs); lo += step {
			hi := min(lo+step, len(xs))
			all := make([]float32, (hi-lo)*n*classes)
			if err := p.compute(ctx, xs[lo:hi], span(lo, hi), p.active, all); err != nil {
				return 0, fmt.Errorf("tta: %s: %w", call, err)
			}
			for i := lo; i < hi; i++ {
				p.aggregator.Aggregate(results.Row(i), all[(i-lo)*n*classes:(i-lo+1)*n*classes])
			}
		}
		views = len(xs) * len(p.active)
	} else {
		for lo := 0; lo < len(xs); lo += p.runner.config.batch {
			hi := min(lo+p.runner.config.batch, len(xs))
			used, err := p.inOrder(ctx, xs[lo:hi], lo, results)
			if err != nil {
				return 0, fmt.Errorf("tta: %s: %w", call, err)
			}
			views += used
		}
	}
	for i := range xs {
		copy(dst.Row(i), results.Row(i))
	}
	return views, nil
}

// inOrder computes one view after the other, each for the inputs that are not decided yet, which the model gets
// together.
func (p *Predictor[X]) inOrder(ctx context.Context, xs []X, first int, results tensor.Matrix[float32]) (int, error) {
	size := p.runner.policy.Len() * p.runner.classes
	all := make([]float32, len(xs)*size)
	open, used := span(0, len(xs)), 0
	for k, a := range p.path.order {
		inputs, examples := make([]X, len(open)), make([]int, len(open))
		for j, i := range open {
			inputs[j], examples[j] = xs[i], first+i
		}
		rows := make([]float32, len(open)*size)
		if err := p.compute(ctx, inputs, examples, []int{a}, rows); err != nil {
			return 0, err
		}
		used += len(open)
		var left []int
		for j, i := range open {
			one, out := all[i*size:(i+1)*size], results.Row(first+i)
			at := a * p.runner.classes
			copy(one[at:at+p.runner.classes], rows[j*size+at:])
			if p.path.steps[k].Aggregate(out, one); !confident(out, p.tau) {
				left = append(left, i)
			}
		}
		if open = left; len(open) == 0 {
			break
		}
	}
	return used, nil
}

// compute writes the outputs for some views to their places among all, [inputs, all views, classes].
func (p *Predictor[X]) compute(ctx context.Context, xs []X, examples, views []int, all []float32) error {
	classes, n := p.runner.classes, p.runner.policy.Len()
	if len(views) == 0 {
		return ctx.Err()
	}
	raw := make([]float32, len(xs)*len(views)*classes)
	if err := p.runner.views(ctx, xs, examples, views, raw); err != nil {
		return err
	}
	o := &Outputs{views: len(views), classes: classes, kind: p.kind, data: raw, identity: -1}
	if err := o.check("model"); err != nil {
		return err
	}
	if p.raw {
		var err error
		if raw, err = o.logarithms("model"); err != nil {
			return err
		}
	}
	for i := range xs {
		for k, a := range views {
			copy(all[(i*n+a)*classes:(i*n+a+1)*classes], raw[(i*len(views)+k)*classes:])
		}
	}
	return nil
}
