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

// fewCodebooks is how many are no longer few. A fit of few is so cheap, and so far from what a [forecast] says of it,
// that groupings are judged by trees refined once.
const fewCodebooks = 8

// byContribution tries three groupings and what a [forecast] makes of each, and returns the one that does best on
// training rows.
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

// judged is a grouping and the squared error of its trees.
type judged struct {
	groups [][]int
	loss   float64
}

// improved is the best of the forecast's groups as they are, with trees predicted apart, and then together.
func (l *learner) improved(f *forecast) (judged, error) {
	moves := []func(){func() {}, func() { f.apart(apartPasses) }, func() { f.together(togetherPasses) }}
	if l.codebooks > togetherCodebooks || l.x.Rows > togetherColumns {
		moves = moves[:2]
	}
	best := judged{loss: math.Inf(1)}
	for _, move := range moves {
		move()
		g, err := l.judged(f)
		if err != nil {
			return g, err
		}
		if best.groups == nil || g.loss < best.loss {
			best = g
		}
	}
	return best, nil
}

// judged grows the first trees over the forecast's groups, and refines them once if they are few. It leaves l as it is.
func (l *learner) judged(f *forecast) (judged, error) {
	own := *l
	own.meter = &meter{ctx: l.meter.ctx}
	own.trees = Trees{make([][4]int, l.codebooks), make([][16]float32, l.codebooks)}
	own.codes = make([][]uint8, l.codebooks)
	own.groups = make([][]int, l.codebooks)
	for c, group := range f.groups {
		own.groups[c] = slices.Sorted(slices.Values(group))
		if err := own.fit(c, own.contribution(own.groups[c]), f.likely(c, likely)); err != nil {
			return judged{}, err
		}
		if err := own.meter.step(); err != nil {
			return judged{}, err
		}
	}
	if l.codebooks < fewCodebooks && l.refine > 0 {
		if err := own.pass(0); err != nil {
			return judged{}, err
		}
	}
	leaves, err := own.solve(own.y)
	if err != nil {
		return judged{}, err
	}
	return judged{own.groups, squares(l.workers, residual(&own, leaves))}, nil
}
