package tta

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// BestOption is a choice of [FitBest].
type BestOption interface{ forBest(*bestConfig) error }

type bestChoice func(*bestConfig) error

func (f bestChoice) forBest(c *bestConfig) error { return f(c) }

type bestConfig struct {
	folds    int
	seed     uint64
	caution  float64 // below 0: the default
	workers  int
	progress func(done, total int)
}

// WithFolds sets the folds of the cross-validation, 2 or more; default 5.
func WithFolds(n int) BestOption {
	return bestChoice(func(c *bestConfig) error {
		c.folds = n
		return option.Range(n >= 2, "WithFolds", n, "2 or more")
	})
}

// WithCaution sets how many standard errors, 0 or more, a model with less freedom may be behind and still be taken; 0
// takes the lowest mean loss over the folds. The default is 1, but 2 for up to 200 examples and 400/N between those and
// 400: the standard error of few is itself not well known. It gives up a little where there is much to gain,
// and loses less where there is nothing.
func WithCaution(se float64) BestOption {
	return bestChoice(func(c *bestConfig) error {
		c.caution = se
		return option.Range(se >= 0 && se <= 100, "WithCaution", se, "a value in [0, 100]")
	})
}

// The strengths of shrinkage that are tried, the strongest first. An infinite one leaves no freedom.
var (
	viewStrengths  = []float64{infinite, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001}
	classStrengths = []float64{infinite, 10, 3, 1, 0.3, 0.1, 0.03, 0.01}
)

// The precision of fits within folds: strengths differ by more.
const (
	foldTolerance  = 1e-4
	foldIterations = 25
)

// FitBest finds out how much freedom the labels support, and fits that. Three models contain each other: the calibrated
// original view; weights of views, shrunk to it with a strength l1, which is [FitAugTTA]; and weights of views and
// classes, shrunk to those with a strength l2, which is [FitClassTTA]. l1 and then l2 are chosen by cross-validation of
// the cross-entropy, infinity among them, and a mixture of probabilities ([FitMixture]) competes as a fourth. Where the
// data do not show that a model with more freedom is better, the one with less is taken: hence it does no harm. The
// paper's own rule takes ClassTTA or AugTTA, as far as its training gets, by accuracy on a fifth of the labels.
//
// The error wraps [ErrIdentity] if the original view is not known, [ErrLabel], [tensor.ErrRange] for fewer examples
// than folds, or that of ctx.
func FitBest(ctx context.Context, o *Outputs, opts ...BestOption) (*Fitted, FitReport, error) {
	const call = "FitBest"
	c := bestConfig{folds: 5, caution: -1, progress: func(int, int) {}}
	err := option.Apply("tta: "+call, &c, choices(opts, BestOption.forBest))
	if err == nil {
		err = checkFit(call, o)
	}
	if err != nil {
		return nil, FitReport{}, err
	}
	if o.Len() < c.folds {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %d examples in %d folds: %w", call, o.Len(), c.folds, tensor.ErrRange)
	}
	if c.caution < 0 {
		c.caution = min(max(400/float64(o.Len()), 1), 2)
	}
	s := &selection{outputs: o, config: c, report: newReport(AugTTA, o)}
	if s.view, err = o.original(call); err != nil {
		return nil, FitReport{}, err
	}
	s.report.absent(o)
	if err := s.split(ctx); err != nil {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
	}
	if err := s.chooseViews(ctx); err != nil {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
	}
	if err := s.chooseClasses(ctx); err != nil {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
	}
	return s.fit(call)
}

// selection is a cross-validation under way.
type selection struct {
	outputs *Outputs
	config  bestConfig
	view    int
	report  FitReport
	folds   []fold

	likelihood tensor.Matrix[float64] // of the mixture, at the temperature of the original view
	inverse    float64
	l1, l2     float64
	mixed      bool
	linear     []float64 // losses by example of the weights of views that were chosen
	mixing     []float64
	mu         sync.Mutex
	done       int
}

// fold is the examples that are left out, and problems of the others and of them.
type fold struct {
	out      []int
	fit, own *problem
	inverse  float64
	weights  [][]float64 // by strength for views
}

// split deals the examples of each class out to the folds, starting where the class before ended.
func (s *selection) split(ctx context.Context) error {
	s.folds = make([]fold, s.config.folds)
	next := 0
	for y, rows := range s.outputs.byClass() {
		rows = slices.Clone(rows)
		rng := tensor.Stream(s.config.seed, uint64(y))
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, n := range rows {
			f := &s.folds[next%len(s.folds)]
			f.out = append(f.out, n)
			next++
		}
	}
	var atBound bool
	s.inverse, atBound = carefullyCalibrated(s.outputs, nil, s.view)
	s.report.Temperature = 1 / s.inverse
	if atBound {
		s.report.warn("the temperature of the original view has no optimum within [%g, %g]: with a prior it is %.4g",
			1/inverseBounds[1], 1/inverseBounds[0], s.report.Temperature)
	}
	s.likelihood = logLikelihoods(s.outputs, s.inverse, s.config.workers)
	return s.each(ctx, func(f *fold) []([]float64) {
		slices.Sort(f.out)
		var in []int
		for n, k := 0, 0; n < s.outputs.Len(); n++ {
			if k < len(f.out) && f.out[k] == n {
				k++
			} else {
				in = append(in, n)
			}
		}
		f.fit, f.own = newProblem(s.outputs, in, 1), newProblem(s.outputs, f.out, 1)
		f.inverse, _ = carefullyCalibrated(s.outputs, in, s.view)
		return nil
	}, nil)
}

// each works on the folds side by side and files the losses of their own examples by candidate.
func (s *selection) each(ctx context.Context, work func(f *fold) [][]float64, losses [][]float64) error {
	tensor.ParallelWorkers(s.config.workers, len(s.folds), 1, func(lo, hi int) {
		for k := lo; k < hi && ctx.Err() == nil; k++ {
			f := &s.folds[k]
			for j, own := range work(f) {
				for i, n := range f.out {
					losses[j][n] = own[i]
				}
			}
			if losses != nil {
				s.mu.Lock()
				s.done++
				s.config.progress(s.done, 2*len(s.folds))
				s.mu.Unlock()
			}
		}
	})
	return ctx.Err()
}

func (s *selection) table(candidates int) [][]float64 {
	losses := make([][]float64, candidates)
	for j := range losses {
		losses[j] = make([]float64, s.outputs.Len())
	}
	return losses
}

// chooseViews tries the strengths for views, from the strongest on, each starting where the one before ended, and a
// mixture.
func (s *selection) chooseViews(ctx context.Context) error {
	losses := s.table(len(viewStrengths) + 1)
	err := s.each(ctx, func(f *fold) (own [][]float64) {
		centre := make([]float64, s.outputs.views)
		centre[s.view] = f.inverse
		w := centre
		for _, l := range viewStrengths {
			if ctx.Err() != nil {
				return own
			}
			if !math.IsInf(l, 1) {
				w = shrunk{f.fit, centre, l}.minimize(w, foldTolerance, foldIterations).x
			}
			f.weights = append(f.weights, w)
			own = append(own, f.own.losses(w))
		}
		m := mixture{likelihood: s.likelihood}
		return append(own, m.losses(m.fit(s.others(f), foldTolerance), f.out))
	}, losses)
	if err != nil {
		return err
	}
	names := make([]string, len(viewStrengths))
	for j, l := range viewStrengths {
		names[j] = fmt.Sprintf("views, shrinkage %g", l)
	}
	names[0] = "original, calibrated"
	at := s.choose(names, losses[:len(viewStrengths)])
	s.l1, s.linear, s.mixing = viewStrengths[at], losses[at], losses[len(viewStrengths)]
	for k := range s.folds {
		s.folds[k].weights = s.folds[k].weights[at : at+1]
	}
	return nil
}

// others are the examples that a fold does not leave out.
func (s *selection) others(f *fold) []int {
	var in []int
	for k := range s.folds {
		if &s.folds[k] != f {
			in = append(in, s.folds[k].out...)
		}
	}
	return in
}

// chooseClasses tries the strengths for classes, and then whether the mixture is better than what they came to.
func (s *selection) chooseClasses(ctx context.Context) error {
	s.l2 = infinite
	linear := s.linear
	if s.outputs.classes > 1 {
		losses := s.table(len(classStrengths))
		err := s.each(ctx, func(f *fold) (own [][]float64) {
			w := f.weights[0]
			var start []float64
			for _, l := range classStrengths {
				if ctx.Err() != nil {
					return own
				}
				if math.IsInf(l, 1) {
					own = append(own, f.own.losses(w))
					continue
				}
				start = classStage(f.fit, w, l, start, foldTolerance, foldIterations).x
				own = append(own, f.own.losses(start))
			}
			return own
		}, losses)
		if err != nil {
			return err
		}
		names := make([]string, len(classStrengths))
		for j, l := range classStrengths {
			names[j] = fmt.Sprintf("classes, shrinkage %g", l)
		}
		names[0] = "classes share the weights"
		at := s.choose(names, losses)
		s.l2, linear = classStrengths[at], losses[at]
	}
	excess, se := paired(s.mixing, linear)
	s.mixed = excess < -s.config.caution*se
	s.report.Candidates = append(s.report.Candidates, Candidate{Name: "mixture", Loss: average(s.mixing),
		Excess: excess, SE: se, Chosen: s.mixed})
	return nil
}

// choose is the candidate to take of those in order of their freedom, by how many standard errors they are behind.
func (s *selection) choose(names []string, losses [][]float64) int {
	best := 0
	for j := range losses {
		if average(losses[j]) < average(losses[best]) {
			best = j
		}
	}
	chosen := best
	from := len(s.report.Candidates)
	for j := len(losses) - 1; j >= 0; j-- {
		if excess, se := paired(losses[j], losses[best]); j < best && excess <= s.config.caution*se {
			chosen = j
		}
	}
	for j, l := range losses {
		excess, se := paired(l, losses[best])
		s.report.Candidates = append(s.report.Candidates, Candidate{Name: names[j], Loss: average(l), Excess: excess, SE: se})
	}
	s.report.Candidates[from+chosen].Chosen = true
	return chosen
}

func average(x []float64) float64 { return tensor.Sum(x) / float64(len(x)) }

// paired is the mean difference of x and y and its standard error.
func paired(x, y []float64) (excess, se float64) {
	n := float64(len(x))
	for i := range x {
		excess += (x[i] - y[i]) / n
	}
	for i := range x {
		d := x[i] - y[i] - excess
		se += d * d
	}
	return excess, math.Sqrt(se / max(n-1, 1) / n)
}

// fit fits what was chosen to all examples.
func (s *selection) fit(call string) (*Fitted, FitReport, error) {
	o, r := s.outputs, &s.report
	r.Shrinkage, r.ClassShrinkage = s.l1, s.l2
	if o.classes == 1 {
		r.ClassShrinkage = math.NaN()
	}
	if s.mixed {
		r.Method, r.Shrinkage, r.ClassShrinkage = Mixing, math.NaN(), math.NaN()
		m := mixture{likelihood: s.likelihood}
		v := m.fit(nil, 1e-6)
		f := newFitted(Mixing, o, floats32(v), true)
		f.inner = float32(s.inverse)
		r.Loss, r.Iterations, r.Converged = m.loss(v, nil), m.iterations, m.converged
		r.Objective = r.Loss
		return r.finish(f)
	}
	p := newProblem(o, nil, s.config.workers)
	w := make([]float64, o.views)
	w[s.view] = s.inverse
	r.Method, r.Loss, r.Converged, r.Gradient = Original, p.eval(w, nil, nil), true, 0
	r.Objective = r.Loss
	if !math.IsInf(s.l1, 1) {
		views := shrunk{p, slices.Clone(w), s.l1}.minimize(w, solverTolerance, solverIterations)
		w = views.x
		r.Method = AugTTA
		r.solved(views)
	}
	if math.IsInf(s.l2, 1) {
		return r.finish(newFitted(r.Method, o, floats32(w), false))
	}
	classes := classStage(p, w, s.l2, nil, solverTolerance, solverIterations)
	r.Method = ClassTTA
	r.solved(classes)
	return r.finish(newFitted(ClassTTA, o, byView(classes.x, o.views), false))
}
