package tta

import "fmt"

// defaultClassShrinkage is that of FitClassTTA.
const defaultClassShrinkage = 0.1

// FitClassTTA learns a weight, 0 or more, for each view and class: z_c = sum_a W_ac x_ac (Shanmugam et al. 2021,
// "full"). The mean cross-entropy plus lambda |W - w|² is minimised, w being the weights of [FitAugTTA] for every
// class. For one logit it is AugTTA shrunk to the calibrated original.
//
// With few labels it overfits badly unless shrunk, and even then: the paper's training loses 5 points of accuracy with
// 100 labels of MNIST. [FitBest] finds out how much freedom the data support.
//
// Options and errors are those of [FitAugTTA].
func FitClassTTA(o *Outputs, opts ...Option) (*Fitted, FitReport, error) {
	return fitClassTTA("FitClassTTA", o, opts)
}

func fitClassTTA(call string, o *Outputs, opts []Option) (*Fitted, FitReport, error) {
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
	r := newReport(ClassTTA, o)
	r.absent(o)
	if c.paper && o.classes > 1 {
		w, epochs := paper(o, true, c.workers)
		r.trained(epochs, newProblem(o, nil, c.workers), w)
		return r.finish(newFitted(ClassTTA, o, byView(w, o.views), false))
	}
	if c.lambda < 0 {
		c.lambda = defaultClassShrinkage
	}
	if o.classes == 1 {
		return fitAugTTA(call, o, append(opts, WithShrinkage(c.lambda)))
	}
	p := newProblem(o, nil, c.workers)
	base := shrunk{problem: p, centre: make([]float64, o.views)}
	start := make([]float64, o.views)
	for i := range start {
		start[i] = 1 / float64(o.views)
	}
	w := base.minimize(start, c.tolerance, c.iterations)
	s := classStage(p, w.x, c.lambda, nil, c.tolerance, c.iterations)
	r.ClassShrinkage, r.Shrinkage = c.lambda, 0
	r.solved(s)
	return r.finish(newFitted(ClassTTA, o, byView(s.x, o.views), false))
}

// classStage fits weights of classes that are shrunk to one weight a view, from where they are if start is given.
func classStage(p *problem, w []float64, lambda float64, start []float64, tolerance float64, iterations int) solution {
	centre := make([]float64, 0, p.views*p.classes)
	for range p.classes {
		centre = append(centre, w...)
	}
	if start == nil {
		start = centre
	}
	return shrunk{problem: p, centre: centre, lambda: lambda}.minimize(start, tolerance, iterations)
}

// byView turns weights class by class into weights view by view.
func byView(w []float64, views int) []float32 {
	classes := len(w) / views
	out := make([]float32, len(w))
	for c := range classes {
		for a := range views {
			out[a*classes+c] = float32(w[c*views+a])
		}
	}
	return out
}
