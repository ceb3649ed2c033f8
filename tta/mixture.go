package tta

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// FitMixture learns the weights of a mean of probabilities, p = sum_a v_a softmax(x_a) with weights that sum to one, by
// expectation maximisation. It cannot overfit by more than the number of views allows, which makes it the choice for
// very few labels.
//
// Options are [WithWorkers]; errors are those of [FitAugTTA].
func FitMixture(o *Outputs, opts ...FitOption) (*Fitted, FitReport, error) {
	const call = "FitMixture"
	c, err := configure(call, opts)
	if err == nil {
		err = checkFit(call, o)
	}
	if err != nil {
		return nil, FitReport{}, err
	}
	r := newReport(Mixing, o)
	m := mixture{likelihood: logLikelihoods(o, 1, c.workers)}
	v := m.fit(nil)
	r.Loss, r.Iterations, r.Converged = m.loss(v, nil), m.iterations, m.converged
	r.Objective = r.Loss
	if !r.Converged {
		r.warn("the weights still moved after %d iterations", r.Iterations)
	}
	return r.finish(newFitted(Mixing, o, floats32(v), true))
}

// logLikelihoods is the log-probability of each example's label in each view, [N, A], outputs being multiplied by
// scale first.
func logLikelihoods(o *Outputs, scale float64, workers int) tensor.Matrix[float64] {
	m := tensor.NewMatrix[float64](o.Len(), o.views)
	tensor.ParallelWorkers(workers, o.Len(), 64, func(lo, hi int) {
		row := make([]float32, o.classes)
		for n := lo; n < hi; n++ {
			for a := range o.views {
				tensor.Scale(row, float32(scale), o.View(n, a))
				m.Set(n, a, -crossEntropy(row, o.labels[n]))
			}
		}
	})
	return m
}

// mixture is the likelihood of labels as a function of the weights of views.
type mixture struct {
	likelihood tensor.Matrix[float64]
	iterations int
	converged  bool
}

// fit is expectation maximisation on the given rows, all of them for nil, until the weights stay. Weights below 1e-12
// are zero in the end.
func (m *mixture) fit(rows []int) []float64 {
	if rows == nil {
		rows = span(0, m.likelihood.Rows)
	}
	a := m.likelihood.Cols
	p := tensor.NewMatrix[float64](len(rows), a)
	for k, n := range rows { // only ratios within a row matter
		row, own := p.Row(k), m.likelihood.Row(n)
		tensor.Scale(row, 1, own)
		top := tensor.Max(own)
		for i := range row {
			row[i] = math.Exp(row[i] - top)
		}
	}
	v, next := make([]float64, a), make([]float64, a)
	for i := range v {
		v[i] = 1 / float64(a)
	}
	m.converged = false
	for m.iterations = 0; m.iterations < 20_000 && !m.converged; m.iterations++ {
		clear(next)
		for k := range rows {
			row := p.Row(k)
			tensor.Axpy(next, 1/tensor.Dot(row, v), row)
		}
		moved := 0.0
		for i := range next {
			next[i] *= v[i] / float64(len(rows))
			moved = max(moved, math.Abs(next[i]-v[i]))
		}
		v, next = next, v
		m.converged = moved < 1e-8
	}
	sum := 0.0
	for i, x := range v {
		if x < 1e-12 {
			v[i] = 0
		}
		sum += v[i]
	}
	tensor.Scale(v, 1/sum, v)
	return v
}

// losses is the cross-entropy of each of the given rows, all of them for nil.
func (m *mixture) losses(v []float64, rows []int) []float64 {
	if rows == nil {
		rows = span(0, m.likelihood.Rows)
	}
	out := make([]float64, len(rows))
	terms := make([]float64, 0, len(v))
	for k, n := range rows {
		terms = terms[:0]
		for a, w := range v {
			if w > 0 {
				terms = append(terms, math.Log(w)+m.likelihood.At(n, a))
			}
		}
		out[k] = -tensor.LogSumExp(terms)
	}
	return out
}

func (m *mixture) loss(v []float64, rows []int) float64 {
	l := m.losses(v, rows)
	return tensor.Sum(l) / float64(len(l))
}
