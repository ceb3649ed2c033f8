package survival

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Martingale is, by row, the events that happened less those that the model expected of it: large for rows that had
// their event early. They add up to 0, weighted.
func (m *Cox) Martingale() []float64 {
	residuals := make([]float64, len(m.times))
	for at, i := range m.at.row {
		residuals[i] = m.at.gathered[at] / m.at.weightAt(at)
	}
	return residuals
}

// Deviance is [Cox.Martingale] transformed to be more symmetric about 0 (Therneau, Grambsch and Fleming 1990).
func (m *Cox) Deviance() []float64 {
	residuals := m.Martingale()
	for i, r := range residuals {
		d := -2 * r
		if m.times[i].Event {
			d = -2 * (r + math.Log(1-r))
		}
		residuals[i] = math.Copysign(math.Sqrt(max(d, 0)), r)
	}
	return residuals
}

// Schoenfeld is what a row that had its event has more of each column than those at risk on average, weighted by their
// risks: without a trend in time where hazards are proportional (Schoenfeld 1982). Rows are those of the events, by
// stratum and time, and Residuals has a row for each.
type Schoenfeld struct {
	Rows      []int
	Times     []float64
	Residuals tensor.Matrix[float64]
}

// Schoenfeld is the residuals of the events.
func (m *Cox) Schoenfeld() Schoenfeld {
	means := m.at.means()
	var s Schoenfeld
	var residuals []float64
	for g, at := range m.at.groups {
		for i := at.lo; i < at.lo+at.events; i++ {
			s.Rows = append(s.Rows, int(m.at.row[i]))
			s.Times = append(s.Times, at.time)
			for j, sd := range m.scale {
				residuals = append(residuals, (m.at.x[i*m.at.p+j]-means.mean[g*m.at.p+j])*sd)
			}
		}
	}
	s.Residuals = tensor.Of(len(s.Rows), m.at.p, residuals)
	return s
}

// DFBeta is how much each row moves the coefficients, to first order: row i is about the coefficients less those of a
// fit without row i. The rows are weighted.
func (m *Cox) DFBeta() tensor.Matrix[float64] {
	l, p := m.at, m.at.p
	scores := tensor.NewMatrix[float64](len(l.row), p)
	sums := l.means()
	for at, i := range l.row {
		score := scores.Row(int(i))
		first, end := int(l.from[at])*p, int(l.upto[at])*p
		r, w := l.risk[at], l.weightAt(at)
		for j := range p {
			score[j] = l.gathered[at] * l.x[at*p+j] // (w event - A) x
			score[j] += r * (sums.all[end+j] - sums.all[first+j])
			if l.event[at] {
				score[j] -= w*sums.mean[end-p+j] + r*sums.own[end-p+j]
			}
			score[j] *= m.scale[j]
		}
	}
	influence := tensor.NewMatrix[float64](len(l.row), p)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, scores, tensor.Of(p, p, m.covariance), 0, influence)
	return influence
}

// riskMeans is the means of x of those at risk, by group: averaged over its terms, and summed as the hazards are.
type riskMeans struct {
	mean     []float64 // groups x p
	all, own []float64 // sums of v/den and f v/den times the mean of the term; all is cumulative
}

func (l *likelihood) means() riskMeans {
	own := *l // with sums of its own: a fitted model is looked at by several at once
	own.sums = riskSums{s1: make([]float64, l.p), d1: make([]float64, l.p)}
	p, n := l.p, len(l.groups)
	m := riskMeans{make([]float64, n*p), make([]float64, (n+1)*p), make([]float64, n*p)}
	for _, of := range l.strata {
		own.stratum(of, func(g int, s *riskSums) {
			total := 0.0
			own.terms(g, s, func(_, share, den float64) { total += share * den })
			own.terms(g, s, func(f, share, den float64) {
				for j := range p {
					mean := (s.s1[j] - f*s.d1[j]) / den
					m.mean[g*p+j] += share * den / total * mean
					m.all[(g+1)*p+j] += share * mean
					m.own[g*p+j] += f * share * mean
				}
			})
		})
	}
	for i := range n * p {
		m.all[p+i] += m.all[i]
	}
	return m
}
