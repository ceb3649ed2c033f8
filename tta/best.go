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
// the cross-entropy, infinity among them. Where the data do not show that a model with more freedom is better, the one
// with less is taken: hence it does no harm. The paper's own rule takes ClassTTA or AugTTA, as far as its training
// gets, by accuracy on a fifth of the labels.
//
// Two rivals compete with what that comes to. The same models shrunk to the calibrated mean of all views are taken
// where they are better, or, where the labels support weights at all, as one half of the mean of both: the loss of a
// mean of weights is never above the mean of their losses. And a mixture of probabilities ([FitMixture]) is taken where
// it is better still.
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
	for _, c := range s.chains {
		if err := s.chooseViews(ctx, c); err != nil {
			return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
		}
		if err := s.chooseClasses(ctx, c); err != nil {
			return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
		}
	}
	s.chooseCentre()
	if err := s.chooseMixture(ctx); err != nil {
		return nil, FitReport{}, fmt.Errorf("tta: %s: %w", call, err)
	}
	if s.mixed {
		return s.mix()
	}
	return s.fit()
}

// selection is a cross-validation under way.
type selection struct {
	outputs *Outputs
	config  bestConfig
	view    int
	report  FitReport
	folds   []fold
	chains  []*chain // to the original view, to the mean

	chosen []*chain  // whose mean is taken
	losses []float64 // of it, by example

	likelihood tensor.Matrix[float64] // of the mixture, at the temperature of the original view
	inverse    float64
	mixed      bool

	mu          sync.Mutex
	done, steps int
}

// fold is the examples that are left out, and problems of the others and of them.
type fold struct {
	at       int
	out, in  []int
	fit, own *problem
}

// split deals the examples of each class out to the folds, starting where the class before ended.
func (s *selection) split(ctx context.Context) error {
	s.folds = make([]fold, s.config.folds)
	for k := range s.folds {
		s.folds[k].at = k
	}
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
	s.inverse, atBound = viewTempering(s.outputs, nil, s.view).carefully()
	s.report.Temperature = 1 / s.inverse
	if atBound {
		s.report.warn("the temperature of the original view has no optimum within [%g, %g]: with a prior it is %.4g",
			1/inverseBounds[1], 1/inverseBounds[0], s.report.Temperature)
	}
	s.likelihood = logLikelihoods(s.outputs, s.inverse, s.config.workers)
	s.chains = []*chain{{centre: CentreOriginal}}
	if s.outputs.views > 1 {
		s.chains = append(s.chains, &chain{centre: CentreMean})
	}
	stages := len(s.chains)
	if s.outputs.classes > 1 {
		stages *= 2
	}
	s.steps = (stages + 1) * len(s.folds) // and the mixture
	for _, c := range s.chains {
		c.start = s.start(c, nil)
		c.starts, c.weights = make([][]float64, len(s.folds)), make([][]float64, len(s.folds))
	}
	return s.each(ctx, func(f *fold) []([]float64) {
		slices.Sort(f.out)
		for n, k := 0, 0; n < s.outputs.Len(); n++ {
			if k < len(f.out) && f.out[k] == n {
				k++
			} else {
				f.in = append(f.in, n)
			}
		}
		f.fit, f.own = newProblem(s.outputs, f.in, 1), newProblem(s.outputs, f.out, 1)
		for _, c := range s.chains {
			c.starts[f.at] = s.start(c, f.in)
		}
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
				s.config.progress(s.done, s.steps)
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

// chooseMixture tells whether a mixture is better than what the others came to.
func (s *selection) chooseMixture(ctx context.Context) error {
	losses := s.table(1)
	err := s.each(ctx, func(f *fold) [][]float64 {
		m := mixture{likelihood: s.likelihood}
		return [][]float64{m.losses(m.fit(f.in, foldTolerance), f.out)}
	}, losses)
	if err != nil {
		return err
	}
	c := compared("mixture", losses[0], s.losses)
	s.mixed = c.Excess < -s.config.caution*c.SE
	c.Chosen = s.mixed
	s.report.Candidates = append(s.report.Candidates, c)
	return nil
}

// mix fits the mixture to all examples.
func (s *selection) mix() (*Fitted, FitReport, error) {
	r := &s.report
	r.Method = Mixing
	m := mixture{likelihood: s.likelihood}
	v := m.fit(nil, 1e-6)
	f := newFitted(Mixing, s.outputs, floats32(v), true)
	f.inner = float32(s.inverse)
	r.Loss, r.Iterations, r.Converged = m.loss(v, nil), m.iterations, m.converged
	r.Objective = r.Loss
	return r.finish(f)
}

// choose is the candidate to take of those in order of their freedom, by how many standard errors they are behind.
func (s *selection) choose(name, none string, strengths []float64, losses [][]float64) int {
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
		full := none
		if !math.IsInf(strengths[j], 1) {
			full = fmt.Sprintf("%s %g", name, strengths[j])
		}
		s.report.Candidates = append(s.report.Candidates, compared(full, l, losses[best]))
	}
	s.report.Candidates[from+chosen].Chosen = true
	return chosen
}

// compared is a candidate by its losses and those that it is compared with.
func compared(name string, losses, others []float64) Candidate {
	excess, se := paired(losses, others)
	return Candidate{Name: name, Loss: average(losses), Excess: excess, SE: se}
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
