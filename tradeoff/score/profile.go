package score

import (
	"math"
	"slices"
)

// Profile is the performance profiles of submissions (Dolan and Moré 2002): rho(tau), the share of the workloads on
// which a submission takes at most tau times as long as the fastest. It is immutable.
type Profile struct {
	submissions []string
	ratios      [][]float64 // [submission][base workload]
	maxRatio    float64
	trapezoid   bool
}

// Profile makes the profiles of the base workloads. Variants take part as AlgoPerf's do: a base workload of which a
// variant is not reached within the largest ratio of the fastest is not reached. It takes WithMaxRatio and AlgoPerf.
func (t TimeTable) Profile(opts ...ProfileOption) (Profile, error) {
	c, err := configure("Profile", opts)
	if err == nil {
		err = t.check(c.call)
	}
	if err != nil {
		return Profile{}, err
	}
	p := Profile{submissions: t.submissions, maxRatio: c.maxRatio, trapezoid: c.algoPerf}
	times := t.Times()
	t.filter(times, c.maxRatio)
	p.ratios = make([][]float64, len(times))
	for s := range times {
		p.ratios[s] = t.ratios(nil, times, s)
	}
	return p, nil
}

// filter makes infinite, in this order: variants whose base is not reached, what takes more than most times as long as
// the fastest, bases of which a variant is not reached; and it divides the rest of the bases by the fastest.
func (t TimeTable) filter(times [][]float64, most float64) {
	inf := math.Inf(1)
	unreached := func(v float64) bool { return v != v || math.IsInf(v, 1) }
	for _, row := range times {
		for w, base := range t.variantOf {
			if base >= 0 && unreached(row[base]) {
				row[w] = inf
			}
		}
	}
	for w := range t.workloads {
		least := fastest(times, w)
		for _, row := range times {
			if row[w] > most*least {
				row[w] = inf
			}
		}
	}
	for _, row := range times {
		for w, base := range t.variantOf {
			if base >= 0 && unreached(row[w]) {
				row[base] = inf
			}
		}
	}
	for w, base := range t.variantOf {
		if base >= 0 {
			continue
		}
		least := fastest(times, w)
		for _, row := range times {
			if unreached(row[w]) {
				row[w] = inf
			} else {
				row[w] /= least
			}
		}
	}
}

// fastest is the least time of a workload; NaN is no time.
func fastest(times [][]float64, w int) float64 {
	least := math.Inf(1)
	for _, row := range times {
		if row[w] < least {
			least = row[w]
		}
	}
	return least
}

// ratios appends a submission's times on base workloads.
func (t TimeTable) ratios(dst []float64, times [][]float64, s int) []float64 {
	for w, base := range t.variantOf {
		if base < 0 {
			dst = append(dst, times[s][w])
		}
	}
	return dst
}

// Submissions returns the names of the submissions.
func (p Profile) Submissions() []string { return slices.Clone(p.submissions) }

// Ratios returns a submission's ratios to the fastest on each base workload, +Inf where it did not reach the target.
func (p Profile) Ratios(submission int) []float64 { return slices.Clone(p.ratios[submission]) }

// MaxRatio is the ratio up to which scores integrate.
func (p Profile) MaxRatio() float64 { return p.maxRatio }

// Rho is the profile of a submission at tau.
func (p Profile) Rho(submission int, tau float64) float64 { return rho(p.ratios[submission], tau) }

func rho(ratios []float64, tau float64) float64 {
	n := 0
	for _, r := range ratios {
		if r <= tau {
			n++
		}
	}
	return float64(n) / float64(len(ratios))
}

// BenchmarkScores is, for each submission, the mean height of its profile from 1 to the largest ratio: 1 for one that
// is the fastest on all workloads.
func (p Profile) BenchmarkScores() []float64 {
	scores := make([]float64, len(p.submissions))
	for s, ratios := range p.ratios {
		scores[s] = score(ratios, p.maxRatio, p.trapezoid)
	}
	return scores
}

func score(ratios []float64, most float64, trapezoid bool) float64 {
	if !trapezoid {
		total := 0.0
		for _, r := range ratios {
			total += most - min(r, most)
		}
		return total / ((most - 1) * float64(len(ratios)))
	}
	// A workload counts 0 before the first of the points it is within, one half of a step there and all of the rest.
	const points = 100
	step := (most - 1) / (points - 1)
	total := 0.0
	for _, r := range ratios {
		i := max(0, int(math.Ceil((min(r, 2*most)-1)/step))-1)
		for i < points && tau(i, step, most, points) < r {
			i++
		}
		switch {
		case i == 0:
			total += points - 1
		case i < points:
			total += points - 1 - float64(i) + 0.5
		}
	}
	return total / float64((points-1)*len(ratios))
}

// tau is the i-th of equally spaced points, the last of them exactly most.
func tau(i int, step, most float64, points int) float64 {
	if i == points-1 {
		return most
	}
	return 1 + float64(float64(i)*step)
}
