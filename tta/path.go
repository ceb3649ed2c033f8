package tta

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Path is nested sets of views, each with weights of its own: what to compute first, and what to make of it if that is
// all. It is immutable.
type Path struct {
	order []int
	steps []*Fitted
	costs []float64
	loss  []float64
}

// PathOption is a choice of [SelectViews].
type PathOption interface{ forPath(*pathConfig) error }

type pathChoice func(*pathConfig) error

func (f pathChoice) forPath(c *pathConfig) error { return f(c) }

type pathConfig struct {
	costs   []float64
	budget  float64
	most    int
	lambda  float64
	workers int
}

// WithCosts sets what a view costs, 0 or more each, such as [Policy.Costs]; default 1.
func WithCosts(costs []float64) PathOption {
	return pathChoice(func(c *pathConfig) error {
		c.costs = costs
		for a, v := range costs {
			if err := option.Range(v > 0 && v < 1e9, fmt.Sprintf("WithCosts: view %d", a), v, "a cost above 0"); err != nil {
				return err
			}
		}
		return option.Nil(len(costs) > 0, "WithCosts")
	})
}

// WithBudget sets what the views may cost together; default no limit.
func WithBudget(budget float64) PathOption {
	return pathChoice(func(c *pathConfig) error {
		c.budget = budget
		return option.Range(budget > 0, "WithBudget", budget, "more than 0")
	})
}

// WithMost sets the largest number of views, 1 or more; default all.
func WithMost(n int) PathOption {
	return pathChoice(func(c *pathConfig) error {
		c.most = n
		return option.Range(n >= 1, "WithMost", n, "1 or more")
	})
}

// SelectViews adds view after view to the original, each time the one that lowers the loss most for what it costs, and
// fits the weights of the set anew. It stops when no view that the budget allows lowers the loss. The error wraps
// [ErrIdentity], [ErrLabel], [tensor.ErrShape] for costs of other views, [tensor.ErrRange] for a budget that the
// original exceeds, or that of ctx.
func SelectViews(ctx context.Context, o *Outputs, opts ...PathOption) (*Path, error) {
	const call = "SelectViews"
	c := pathConfig{budget: infinite, lambda: 0.01}
	err := option.Apply("tta: "+call, &c, choices(opts, PathOption.forPath))
	if err == nil {
		err = checkFit(call, o)
	}
	if err != nil {
		return nil, err
	}
	view, err := o.original(call)
	if err != nil {
		return nil, err
	}
	if c.costs == nil {
		c.costs = slices.Repeat([]float64{1}, o.views)
	}
	if c.most == 0 {
		c.most = o.views
	}
	if len(c.costs) != o.views {
		return nil, fmt.Errorf("tta: %s: %d costs for %d views: %w", call, len(c.costs), o.views, tensor.ErrShape)
	}
	if c.costs[view] > c.budget {
		return nil, fmt.Errorf("tta: %s: the original costs %v of a budget of %v: %w",
			call, c.costs[view], c.budget, tensor.ErrRange)
	}
	centre := make([]float64, o.views)
	centre[view] = calibratedView(o, nil, view)
	p := shrunk{newProblem(o, nil, c.workers), centre, c.lambda}
	path := &Path{costs: c.costs}
	s := p.restricted(centre, []int{view})
	path.add(o, view, s)
	spent := c.costs[view]
	for len(path.order) < c.most {
		best, at := s, -1
		gain := 0.0
		for a := range o.views {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("tta: %s: %w", call, err)
			}
			if slices.Contains(path.order, a) || spent+c.costs[a] > c.budget {
				continue
			}
			with := p.restricted(s.x, append(slices.Clone(path.order), a))
			if g := (s.objective - with.objective) / c.costs[a]; g > gain+1e-9 {
				best, at, gain = with, a, g
			}
		}
		if at < 0 {
			return path, nil
		}
		s = best
		spent += c.costs[at]
		path.add(o, at, s)
	}
	return path, nil
}

// restricted minimises over the weights of some views, all others being 0.
func (p shrunk) restricted(start []float64, views []int) solution {
	some := shrunk{p.choose(views), make([]float64, len(views)), p.lambda}
	x := make([]float64, len(views))
	for k, a := range views {
		some.centre[k], x[k] = p.centre[a], start[a]
	}
	s := some.minimize(x, 1e-5, solverIterations)
	full := make([]float64, p.views)
	for k, a := range views {
		full[a] = s.x[k]
	}
	s.x = full
	return s
}

// choose is the problem of some of the views.
func (p *problem) choose(views []int) *problem {
	q := *p
	q.views = len(views)
	q.scratch = newProblemScratch(q.views, q.classes)
	q.data = make([]float32, 0, len(p.data)/p.views*len(views))
	for b := range len(p.labels) / block {
		for c := range p.classes {
			x := p.class(b, c)
			for _, a := range views {
				q.data = append(q.data, x.Row(a)...)
			}
		}
	}
	return &q
}

func (p *Path) add(o *Outputs, view int, s solution) {
	p.order = append(p.order, view)
	p.steps = append(p.steps, newFitted(AugTTA, o, floats32(s.x), false))
	p.loss = append(p.loss, s.loss)
}

// Len is the number of sets.
func (p *Path) Len() int { return len(p.order) }

// Order is the views in the order in which they are added, the original first.
func (p *Path) Order() []int { return slices.Clone(p.order) }

// Step is the aggregator of the first n views, 1 to Len. It panics for another n.
func (p *Path) Step(n int) *Fitted { return p.steps[n-1] }

// Loss is the mean cross-entropy of each set on the examples it was fitted on.
func (p *Path) Loss() []float64 { return slices.Clone(p.loss) }

// exit is where early exit stops on an example: after as many views as it takes for the probability of the predicted
// class to reach tau, or after all. It returns how many that is, and writes the output to dst.
func (p *Path) exit(dst, views []float32, tau float64) int {
	for n := range p.steps {
		p.steps[n].Aggregate(dst, views)
		if n == len(p.steps)-1 || confident(dst, tau) {
			return n + 1
		}
	}
	return 0
}

// confident reports whether the largest probability is tau or more.
func confident(x []float32, tau float64) bool {
	y := predicted(x)
	return crossEntropy(x, y) <= -math.Log(tau)
}

// Threshold is the smallest confidence at which stopping early changes at most the given share of the predictions of
// the whole path, with the mean cost that it has, on these outputs; labels are not needed. The error is that of
// [Aggregate], or wraps [tensor.ErrRange] unless disagreement is in [0, 1].
func (p *Path) Threshold(o *Outputs, disagreement float64) (tau, cost float64, err error) {
	const call = "Path.Threshold"
	if err := matches(call, o, p.steps[0]); err != nil {
		return 0, 0, err
	}
	if !(disagreement >= 0 && disagreement <= 1) {
		return 0, 0, fmt.Errorf("tta: %s: disagreement %v, want a share: %w", call, disagreement, tensor.ErrRange)
	}
	dst := make([]float32, o.classes)
	full := make([]int, o.Len())
	for n := range full {
		p.steps[len(p.steps)-1].Aggregate(dst, o.Example(n))
		full[n] = predicted(dst)
	}
	for step := 50; step <= 1000; step++ { // in steps of a thousandth, from 0.05
		tau = float64(step) / 1000
		differ := 0
		cost = 0
		for n := range full {
			used := p.exit(dst, o.Example(n), tau)
			if predicted(dst) != full[n] {
				differ++
			}
			for _, a := range p.order[:used] {
				cost += p.costs[a] / float64(o.Len())
			}
		}
		if float64(differ) <= disagreement*float64(o.Len()) {
			break
		}
	}
	return tau, cost, nil
}
