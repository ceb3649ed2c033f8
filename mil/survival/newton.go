package survival

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// maximum is where Newton's method has ended.
type maximum struct {
	iterations  int
	null, value float64   // of the likelihood at 0 and at the maximum
	score       float64   // statistic of the score test
	lower       []float64 // Cholesky factor of the information
}

const (
	mostIterations = 50
	pivot          = 1e-10 // of a column that earlier ones leave this share of, rounding decides
)

// maximise finds the coefficients of the largest likelihood. Those are unique, if they exist: the logarithm is concave.
func (l *likelihood) maximise(names []string) (maximum, error) {
	beta, trial, step := make([]float64, l.p), make([]float64, l.p), make([]float64, l.p)
	l.eval(beta)
	m := maximum{null: l.value, value: l.value}
	lower, bad := factor(l.info, l.p)
	if bad >= 0 {
		return m, l.singular(lower, bad, names)
	}
	if l.ridge == nil {
		if err := l.separated(names); err != nil {
			return m, err
		}
	}
	for m.iterations = 1; m.iterations <= mostIterations; m.iterations++ {
		copy(step, l.gradient)
		solve(lower, l.p, step)
		if m.iterations == 1 {
			for j, s := range step {
				m.score += s * l.gradient[j]
			}
		}
		for halved := 0; ; halved++ {
			for j := range beta {
				trial[j] = beta[j] + math.Ldexp(step[j], -halved)
			}
			l.eval(trial)
			if l.value >= m.value-1e-10*(1+math.Abs(m.value)) {
				break
			}
			if halved == 40 {
				return m, l.diverged(step, names)
			}
		}
		small := largest(step) <= 1e-6*max(1, largest(trial)) // what is left is about the square of it
		copy(beta, trial)
		m.value = l.value
		if lower, bad = factor(l.info, l.p); bad >= 0 {
			return m, l.diverged(step, names)
		}
		if small {
			m.lower = lower
			return m, nil
		}
	}
	return m, l.diverged(step, names)
}

// singular says which column has no coefficient of its own.
func (l *likelihood) singular(lower []float64, bad int, names []string) error {
	p := l.p
	c := slices.Clone(lower[bad*p : bad*p+bad])
	for j := bad - 1; j >= 0; j-- { // c is L' times the combination
		for k := j + 1; k < bad; k++ {
			c[j] -= lower[k*p+j] * c[k]
		}
		c[j] /= lower[j*p+j]
	}
	var with []string
	for j, v := range c {
		if math.Abs(v) > 1e-6 {
			with = append(with, names[j])
		}
	}
	if len(with) == 0 {
		return fmt.Errorf("column %s is constant among those at risk at every event: %w", names[bad], ErrSingular)
	}
	return fmt.Errorf("column %s is a combination of %s: %w", names[bad], strings.Join(with, ", "), ErrSingular)
}

// separated looks for a single column that is the largest, or the smallest, of all at risk at every event. Those who
// enter late take a search of their own, which waits until there is reason to look.
func (l *likelihood) separated(names []string) error {
	if l.byEntry != nil {
		return nil
	}
	for j := range l.p {
		up, down := l.extreme(j)
		to := "+Inf"
		switch {
		case down:
			to = "-Inf"
		case !up:
			continue
		}
		return fmt.Errorf("column %s separates events from all others at risk, its coefficient is %s: %w", names[j], to,
			ErrMonotone)
	}
	return nil
}

// extreme reports whether column j of every event is the largest, or the smallest, of those at risk with it. A few
// events tell that it is neither.
func (l *likelihood) extreme(j int) (largest, smallest bool) {
	largest, smallest = true, true
	for _, of := range l.strata {
		top, bottom, from := math.Inf(-1), math.Inf(1), of.hi
		for g := of.end - 1; g >= of.first; g-- {
			at := l.groups[g]
			for ; from > at.lo; from-- {
				v := l.x[(from-1)*l.p+j]
				top, bottom = max(top, v), min(bottom, v)
			}
			for i := at.lo; i < at.lo+at.events; i++ {
				v := l.x[i*l.p+j]
				largest, smallest = largest && v == top, smallest && v == bottom
			}
			if !largest && !smallest {
				return false, false
			}
		}
	}
	return largest, smallest
}

// monotone reports whether all events have the largest value, to a tolerance, of those at risk with them.
func (l *likelihood) monotone(along []float64, tolerance float64) bool {
	for _, of := range l.strata {
		top, from := math.Inf(-1), of.hi
		for g := of.end - 1; g >= of.first; g-- {
			at := l.groups[g]
			if l.byEntry == nil {
				for ; from > at.lo; from-- {
					top = max(top, along[from-1])
				}
			} else {
				top = math.Inf(-1)
				for i := at.lo; i < of.hi; i++ {
					if l.entry[i] < at.time {
						top = max(top, along[i])
					}
				}
			}
			for i := at.lo; i < at.lo+at.events; i++ {
				if along[i] < top-tolerance {
					return false
				}
			}
		}
	}
	return true
}

// diverged says why there is no maximum, given the last step. Where the likelihood is monotone, Newton's method keeps
// taking steps of one length in the direction in which it grows.
func (l *likelihood) diverged(step []float64, names []string) error {
	size := largest(step)
	along := make([]float64, len(l.row))
	lo, hi := math.Inf(1), math.Inf(-1)
	for at := range along {
		for j, s := range step {
			along[at] += s / size * l.x[at*l.p+j]
		}
		lo, hi = min(lo, along[at]), max(hi, along[at])
	}
	if !l.monotone(along, 1e-3*(hi-lo)) {
		return fmt.Errorf("the likelihood is at %.6g and its last step at %.3g standard deviations: %w",
			l.value, size, ErrNotConverged)
	}
	var with []string
	for j, s := range step {
		if math.Abs(s) > 0.01*size {
			with = append(with, names[j])
		}
	}
	return fmt.Errorf("columns %s together separate events from all others at risk: %w", strings.Join(with, ", "),
		ErrMonotone)
}

// largest is the largest magnitude.
func largest(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

// factor is the Cholesky factor L of a symmetric matrix, L L', and -1; or the first column that is a combination of
// those before it, with the row of L that shows it.
func factor(a []float64, p int) (lower []float64, bad int) {
	lower = make([]float64, p*p)
	for j := range p {
		left := a[j*p+j]
		for k := range j {
			v := a[j*p+k]
			for i := range k {
				v -= lower[j*p+i] * lower[k*p+i]
			}
			v /= lower[k*p+k]
			lower[j*p+k] = v
			left -= v * v
		}
		if !(left > pivot*a[j*p+j]) {
			return lower, j
		}
		lower[j*p+j] = math.Sqrt(left)
	}
	return lower, -1
}

// solve replaces b by the solution of L L' x = b.
func solve(lower []float64, p int, b []float64) {
	for j := range p {
		for k := range j {
			b[j] -= lower[j*p+k] * b[k]
		}
		b[j] /= lower[j*p+j]
	}
	for j := p - 1; j >= 0; j-- {
		for k := j + 1; k < p; k++ {
			b[j] -= lower[k*p+j] * b[k]
		}
		b[j] /= lower[j*p+j]
	}
}

// invert is the inverse of L L'.
func invert(lower []float64, p int) []float64 {
	inverse := make([]float64, p*p)
	for j := range p {
		row := inverse[j*p : j*p+p]
		row[j] = 1
		solve(lower, p, row)
	}
	return inverse
}
