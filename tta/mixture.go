package tta

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// FitMixture learns the weights of a mean of probabilities, p = sum_a v_a softmax(x_a) with weights that sum to one, by
// expectation maximisation, to a likelihood that is known to be within a millionth of the best. It cannot overfit by
// more than the number of views allows, which makes it the choice for very few labels.
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
	v := m.fit(nil, 1e-6)
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

// fit is expectation maximisation on the given rows, all of them for nil. Each pass multiplies the weights by factors
// whose logarithm bounds how much the mean likelihood can still rise, which tells when it is done. Weights too small to
// count become 0 on the way: their products would be denormal numbers, which take the processor a hundred times as
// long.
func (m *mixture) fit(rows []int, tolerance float64) []float64 {
	const least = 1e-30
	p := m.relative(rows)
	v, factor := make([]float64, p.Cols), make([]float64, p.Cols)
	for i := range v {
		v[i] = 1 / float64(p.Cols)
	}
	m.converged = false
	for m.iterations = 0; m.iterations < 20_000 && !m.converged; m.iterations++ {
		clear(factor)
		for k := range p.Rows {
			row := p.Row(k)
			tensor.Axpy(factor, 1/(tensor.Dot(row, v)*float64(p.Rows)), row)
		}
		m.converged = tensor.Max(factor) <= 1+tolerance
		for i, f := range factor {
			if v[i] *= f; v[i] < least {
				v[i] = 0
			}
		}
	}
	for i, x := range v {
		if x < 1e-9 {
			v[i] = 0
		}
	}
	tensor.Scale(v, 1/tensor.Sum(v), v)
	return v
}

// relative is the likelihoods of rows, which matter up to a factor for each row. None is 0, or a pass could divide by
// it.
func (m *mixture) relative(rows []int) tensor.Matrix[float64] {
	if rows == nil {
		rows = span(0, m.likelihood.Rows)
	}
	p := tensor.NewMatrix[float64](len(rows), m.likelihood.Cols)
	for k, n := range rows {
		own := m.likelihood.Row(n)
		top := tensor.Max(own)
		for i, l := range own {
			p.Set(k, i, max(math.Exp(l-top), 1e-200))
		}
	}
	return p
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
