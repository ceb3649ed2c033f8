package maddness

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// choose returns the options with the grouping and the passes of refinement that do best on rows held out, and then,
// with these, the ridge, and the error on these rows. Ties go to the variant that is tried first, the simpler one.
func (p problem) choose(o *config) (*config, float64, error) {
	n := p.a.Rows
	held := max(1, int(math.Round(o.validation*float64(n))))
	if n-held < 1 {
		return nil, 0, fmt.Errorf("maddness: WithValidation(%v): %d training rows leave none to fit: %w", o.validation, n,
			tensor.ErrEmpty)
	}
	rows := tensor.Stream(o.seed, streamHoldout).Perm(n)
	test, train := p.selected(rows[:held]), p.selected(rows[held:])
	best, lowest := *o, math.Inf(1)
	for _, variants := range []func(*config) []config{(*config).trees, (*config).ridges} {
		all := variants(&best)
		for i := range all {
			p.meter.expect(&all[i])
		}
		for _, v := range all {
			f, err := train.fit(&v)
			if err != nil {
				return nil, 0, err
			}
			op, err := newOperator(v.bare(), f)
			if err != nil {
				return nil, 0, err
			}
			if heldOut := test.nmse(op); heldOut < lowest {
				best, lowest = v, heldOut
			}
		}
	}
	return &best, lowest, nil
}

func (p problem) selected(rows []int) problem {
	slices.Sort(rows)
	p.a, p.y = selected(p.a, rows), selected(p.y, rows)
	return p
}

// trees are the variants of o in grouping and refinement.
func (o *config) trees() []config {
	groupings, passes := []Grouping{Contribution, Contiguous}, []int{0, 1, 2}
	if o.columns != nil || o.given.Has("WithGrouping") {
		groupings = []Grouping{o.grouping}
	}
	if o.given.Has("WithRefine") {
		passes = []int{o.refine}
	}
	var all []config
	for _, g := range groupings {
		for _, n := range passes {
			v := *o
			v.grouping, v.refine = g, n
			all = append(all, v)
		}
	}
	return all
}

// ridges are the variants of o, which has been tried, in ridge: more of it helps where leaves have few rows.
func (o *config) ridges() []config {
	if o.given.Has("WithRidge") {
		return nil
	}
	more, most := *o, *o
	more.ridge, most.ridge = 3*o.ridge, 10*o.ridge
	return []config{more, most}
}

// bare is o without what is done to outputs after the tables.
func (o *config) bare() *config {
	bare := *o
	bare.bias, bare.relu = nil, false
	return &bare
}
