package maddness

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

const (
	judgedRows  = 4096 // rows that groupings are judged by, at most
	judgedBins  = 64   // of a column, likewise
	likely      = 16   // columns of a group that its tree may look at while groupings are judged
	apartPasses = 6    // over the columns, where each group's tree is predicted by itself

	// Where all trees are predicted together: more trees or columns cost too much and gain nothing.
	togetherPasses    = 3
	togetherCodebooks = 16
	togetherColumns   = 128
)

// byContribution tries three groupings and what a [forecast] makes of each, and returns the one whose first trees do
// best on training rows.
func (l *learner) byContribution() ([][]int, error) {
	j := l.judge()
	f := newForecast(j)
	starts := [][][]int{f.balanced(l.codebooks, 0.5), contiguous(l.x.Rows, l.codebooks), f.balanced(l.codebooks, 0)}
	found, errs := make([]judged, len(starts)), make([]error, len(starts))
	tensor.ParallelWorkers(l.workers, len(starts), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			found[i], errs[i] = j.improved(f.from(starts[i]))
		}
	})
	best := judged{loss: math.Inf(1)}
	for i, g := range found {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if best.groups == nil || g.loss < best.loss {
			best = g
		}
	}
	return best.groups, nil
}

// judge is a learner of first trees on some of the training rows, none of them added.
func (l *learner) judge() *learner {
	n := l.rows
	rows := tensor.Stream(l.seed, streamJudged).Perm(n)[:min(n, judgedRows)]
	slices.Sort(rows)
	o := *l.config
	o.splitter, o.candidates = Binned{judgedBins}, 0
	j := newLearner(&o, problem{a: selected(l.a, rows), meter: l.meter})
	j.b = l.b
	j.setTargets(selected(l.y, rows))
	return j
}

// judged is a grouping and the squared error of its first trees.
type judged struct {
	groups [][]int
	loss   float64
}

// improved is the better of what the forecast finds with trees apart and then together.
func (l *learner) improved(f *forecast) (judged, error) {
	f.apart(apartPasses)
	best, err := l.judged(f)
	if err != nil || l.codebooks > togetherCodebooks || l.x.Rows > togetherColumns {
		return best, err
	}
	f.together(togetherPasses)
	if g, err := l.judged(f); err != nil || g.loss < best.loss {
		return g, err
	}
	return best, nil
}

// judged grows the first trees over the forecast's groups. It leaves l as it is.
func (l *learner) judged(f *forecast) (judged, error) {
	own := *l
	own.trees = Trees{make([][4]int, l.codebooks), make([][16]float32, l.codebooks)}
	own.codes = make([][]uint8, l.codebooks)
	g := judged{groups: make([][]int, l.codebooks)}
	for c, group := range f.groups {
		if err := l.meter.ctx.Err(); err != nil {
			return g, err
		}
		g.groups[c] = slices.Sorted(slices.Values(group))
		if err := own.fit(c, own.contribution(g.groups[c]), f.likely(c, likely)); err != nil {
			return g, err
		}
	}
	leaves, err := own.solve(own.y)
	if err != nil {
		return g, err
	}
	g.loss = squares(l.workers, residual(&own, leaves))
	return g, nil
}
