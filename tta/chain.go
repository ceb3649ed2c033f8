package tta

import (
	"context"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Centre is what weights are shrunk to.
type Centre uint8

// The centres.
const (
	CentreOriginal Centre = iota // the untransformed view, calibrated
	CentreMean                   // the mean of all views, calibrated
	CentreBoth                   // the result is the mean of two fits, one shrunk to each
)

var centres = enum.Of[Centre]("centre", "original", "mean", "both")

// String is the centre's name.
func (c Centre) String() string { return centres.String(c) }

// MarshalText writes the name.
func (c Centre) MarshalText() ([]byte, error) { return centres.Marshal(c) }

// UnmarshalText reads a name.
func (c *Centre) UnmarshalText(text []byte) error { return centres.Unmarshal(c, text) }

// chain is the models that are shrunk to one centre, each contained in the next.
type chain struct {
	centre  Centre
	start   []float64   // the centre itself, for all examples
	starts  [][]float64 // by fold
	l1, l2  float64
	weights [][]float64 // by fold, of what was chosen
	losses  []float64   // by example, likewise
}

// free reports whether anything but a temperature is fitted.
func (c *chain) free() bool { return !math.IsInf(c.l1, 1) || !math.IsInf(c.l2, 1) }

// start is the calibrated weights at the centre, for the given examples.
func (s *selection) start(c *chain, rows []int) []float64 {
	w := make([]float64, s.outputs.views)
	if c.centre == CentreOriginal {
		w[s.view], _ = viewTempering(s.outputs, rows, s.view).carefully()
		return w
	}
	inverse, _ := meanTempering(s.outputs, rows).carefully()
	for a := range w {
		w[a] = inverse / float64(len(w))
	}
	return w
}

// chooseViews tries the strengths for views, from the strongest on, each starting where the one before ended.
func (s *selection) chooseViews(ctx context.Context, c *chain) error {
	losses := s.table(len(viewStrengths))
	tried := make([][][]float64, len(s.folds)) // weights by fold and strength
	err := s.each(ctx, func(f *fold) (own [][]float64) {
		w := c.starts[f.at]
		for _, l := range viewStrengths {
			if ctx.Err() != nil {
				return own
			}
			if !math.IsInf(l, 1) {
				w = shrunk{f.fit, c.starts[f.at], l}.minimize(w, foldTolerance, foldIterations).x
			}
			tried[f.at] = append(tried[f.at], w)
			own = append(own, f.own.losses(w))
		}
		return own
	}, losses)
	if err != nil {
		return err
	}
	none, name := "original, calibrated", "views, shrinkage"
	if c.centre == CentreMean {
		none, name = "mean, calibrated", "views to the mean, shrinkage"
	}
	at := s.choose(name, none, viewStrengths, losses)
	c.l1, c.l2 = viewStrengths[at], infinite
	c.take(at, tried, losses)
	return nil
}

// chooseClasses tries the strengths for classes likewise.
func (s *selection) chooseClasses(ctx context.Context, c *chain) error {
	if s.outputs.classes == 1 {
		return nil
	}
	losses := s.table(len(classStrengths))
	tried := make([][][]float64, len(s.folds))
	err := s.each(ctx, func(f *fold) (own [][]float64) {
		w := c.weights[f.at]
		var start []float64
		for _, l := range classStrengths {
			if ctx.Err() != nil {
				return own
			}
			if math.IsInf(l, 1) {
				tried[f.at] = append(tried[f.at], w)
				own = append(own, f.own.losses(w))
				continue
			}
			start = classStage(f.fit, w, l, start, foldTolerance, foldIterations).x
			tried[f.at] = append(tried[f.at], start)
			own = append(own, f.own.losses(start))
		}
		return own
	}, losses)
	if err != nil {
		return err
	}
	at := s.choose("classes, shrinkage", "classes share the weights", classStrengths, losses)
	c.l2 = classStrengths[at]
	c.take(at, tried, losses)
	return nil
}

// take keeps one of the candidates: its weights by fold and its losses by example.
func (c *chain) take(at int, tried [][][]float64, losses [][]float64) {
	c.losses = losses[at]
	for k := range tried {
		c.weights[k] = tried[k][at]
	}
}

// chooseCentre compares the chains that were chosen, and their mean. The one shrunk to the original stays unless it is
// beaten, by the other one by more than chance explains.
func (s *selection) chooseCentre() {
	first := s.chains[0]
	s.chosen, s.losses = s.chains[:1], first.losses
	if len(s.chains) == 1 {
		return
	}
	second := s.chains[1]
	mean := compared("shrunk to the mean", second.losses, first.losses)
	mean.Chosen = mean.Excess < -s.config.caution*mean.SE
	if mean.Chosen {
		s.chosen, s.losses, s.report.Centre = s.chains[1:], second.losses, CentreMean
	}
	if !first.free() {
		s.report.Candidates = append(s.report.Candidates, mean)
		return
	}
	losses := make([]float64, s.outputs.Len())
	for k := range s.folds {
		f := &s.folds[k]
		for i, v := range f.own.losses(f.own.middle(first.weights[k], second.weights[k])) {
			losses[f.out[i]] = v
		}
	}
	both := compared("the mean of both", losses, first.losses)
	both.Chosen = both.Loss < average(s.losses)
	if both.Chosen {
		mean.Chosen = false
		s.chosen, s.losses, s.report.Centre = s.chains, losses, CentreBoth
	}
	s.report.Candidates = append(s.report.Candidates, mean, both)
}

// middle is the mean of two sets of weights, for classes too if one of them is.
func (p *problem) middle(a, b []float64) []float64 {
	size := max(len(a), len(b))
	m := make([]float64, size)
	for i := range m {
		m[i] = (a[i%len(a)] + b[i%len(b)]) / 2
	}
	return m
}

// fit fits what was chosen to all examples.
func (s *selection) fit() (*Fitted, FitReport, error) {
	o, r := s.outputs, &s.report
	c := s.chosen[0]
	r.Shrinkage, r.ClassShrinkage = c.l1, c.l2
	if o.classes == 1 {
		r.ClassShrinkage = math.NaN()
	}
	if r.Centre != CentreOriginal {
		r.Temperature = 1 / tensor.Sum(s.chosen[len(s.chosen)-1].start)
	}
	p := newProblem(o, nil, s.config.workers)
	w := s.solve(p, c)
	if len(s.chosen) == 2 {
		first := *r
		w = p.middle(w, s.solve(p, s.chosen[1]))
		r.Loss = p.eval(w, nil, nil)
		r.Objective, r.Gradient = r.Loss, max(r.Gradient, first.Gradient)
		r.Iterations, r.Converged = r.Iterations+first.Iterations, r.Converged && first.Converged
	}
	switch {
	case len(w) > o.views:
		r.Method = ClassTTA
		return r.finish(newFitted(ClassTTA, o, byView(w, o.views), false))
	case c.free() || r.Centre != CentreOriginal:
		r.Method = AugTTA
	default:
		r.Method = Original
	}
	return r.finish(newFitted(r.Method, o, floats32(w), false))
}

// solve fits one chain and notes in the report how that ended.
func (s *selection) solve(p *problem, c *chain) []float64 {
	r := &s.report
	w := c.start
	r.Loss, r.Converged, r.Gradient = p.eval(w, nil, nil), true, 0
	r.Objective = r.Loss
	if !math.IsInf(c.l1, 1) {
		views := shrunk{p, slices.Clone(w), c.l1}.minimize(w, solverTolerance, solverIterations)
		w = views.x
		r.solved(views)
	}
	if !math.IsInf(c.l2, 1) {
		classes := classStage(p, w, c.l2, nil, solverTolerance, solverIterations)
		w = classes.x
		r.solved(classes)
	}
	return w
}
