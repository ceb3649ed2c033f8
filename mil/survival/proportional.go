package survival

import (
	"fmt"
	"slices"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
)

// Proportionality tests whether hazard ratios stay as they are in time (Grambsch and Therneau 1994): by column, and all
// of them.
type Proportionality struct {
	Columns []ColumnTest `json:"columns"`
	Global  ChiSquared   `json:"global"`
}

// ColumnTest is the test of a column.
type ColumnTest struct {
	Name string     `json:"name"`
	Test ChiSquared `json:"test"`
}

// Proportional tests each column against its product with a function of time, by the score test that R's cox.zph makes.
// nil is the transform that R has by default, one less the survival of all just before a time, by which no late event
// weighs more than others. The error wraps [tensor.ErrNotFinite] if the function is not finite at the time of an event,
// and [ErrSingular] if it is the same at all of them.
func (m *Cox) Proportional(transform func(t float64) float64) (Proportionality, error) {
	c := config{call: "survival: Cox.Proportional"}
	if transform == nil {
		transform = m.share()
	}
	p := m.at.p
	g := make([]float64, len(m.at.groups))
	mean := 0.0
	for k, at := range m.at.groups {
		g[k] = transform(at.time)
		if g[k]-g[k] != 0 {
			return Proportionality{}, c.errorf("the transform of time %v is %v: %w", at.time, g[k], tensor.ErrNotFinite)
		}
		mean += g[k] / float64(len(g))
	}
	score := make([]float64, 2*p)
	means := m.at.means()
	for k, at := range m.at.groups {
		g[k] -= mean
		for i := at.lo; i < at.lo+at.events; i++ {
			for j := range p {
				score[p+j] += g[k] * m.at.weightAt(i) * (m.at.x[i*p+j] - means.mean[k*p+j])
			}
		}
	}
	info := m.augmented(g)
	var r Proportionality
	all := make([]int, 0, p)
	for j := range p {
		statistic, err := scoreTest(score, info, 2*p, append(span(p), p+j))
		if err != nil {
			return Proportionality{}, c.errorf("column %s: %w", m.names[j], err)
		}
		r.Columns = append(r.Columns, ColumnTest{m.names[j], chiSquared(statistic, 1)})
		all = append(all, p+j)
	}
	statistic, err := scoreTest(score, info, 2*p, append(span(p), all...))
	if err != nil {
		return Proportionality{}, c.errorf("all columns: %w", err)
	}
	r.Global = chiSquared(statistic, p)
	return r, nil
}

// augmented is the information of the columns and of their products with g, 2p x 2p.
func (m *Cox) augmented(g []float64) []float64 {
	p := m.at.p
	info := make([]float64, 4*p*p)
	emphasis := slices.Clone(g)
	for power, at := range [][]int{{0}, {p, 2 * p * p}, {2*p*p + p}} {
		l := newLikelihood(m.at.sample, m.at.x, p, m.options.ties)
		if power > 0 {
			l.emphasis = emphasis
		}
		l.eval(m.at.beta)
		for _, corner := range at {
			for j := range p {
				copy(info[corner+2*p*j:][:p], l.info[j*p:j*p+p])
			}
		}
		if power == 1 {
			emphasis = slices.Clone(g)
			for k, v := range g {
				emphasis[k] = v * v
			}
		}
	}
	return info
}

// scoreTest is u' I^-1 u of some of the columns.
func scoreTest(score, info []float64, n int, columns []int) (float64, error) {
	p := len(columns)
	part, u := make([]float64, p*p), make([]float64, p)
	for j, row := range columns {
		u[j] = score[row]
		for k, column := range columns {
			part[j*p+k] = info[row*n+column]
		}
	}
	lower, bad := factor(part, p)
	if bad >= 0 {
		return 0, fmt.Errorf("its product with the transform is no new column: %w", ErrSingular)
	}
	solution := slices.Clone(u)
	solve(lower, p, solution)
	return tensor.Dot(u, solution), nil
}

func span(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// share is one less the survival of all just before a time, whatever their strata.
func (m *Cox) share() func(t float64) float64 {
	ends, entries := slices.Clone(m.at.time), slices.Clone(m.at.entry)
	slices.Sort(ends)
	slices.Sort(entries)
	events := map[float64]int{}
	for _, g := range m.at.groups {
		events[g.time] += g.events
	}
	times := make([]float64, 0, len(events))
	for t := range events {
		times = append(times, t)
	}
	slices.Sort(times)
	before := make(map[float64]float64, len(times))
	s := 1.0
	for _, t := range times {
		before[t] = 1 - s
		atRisk := len(ends) - sort.SearchFloat64s(ends, t)
		if entries != nil {
			atRisk -= len(entries) - sort.SearchFloat64s(entries, t)
		}
		s *= 1 - float64(events[t])/float64(atRisk)
	}
	return func(t float64) float64 { return before[t] }
}
