package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// LogRankTest is the result of a log-rank test.
type LogRankTest struct {
	Statistic float64   `json:"statistic"`
	DF        int       `json:"df"` // one less than the groups
	P         float64   `json:"p"`  // probability of a statistic at least as large if there is no difference
	Observed  []float64 `json:"observed"`
	Expected  []float64 `json:"expected"` // weighted events of each group if there is no difference
}

// Weight is how much the events at a time count, given the survival of all groups just before it and how many lifetimes
// are at risk.
type Weight func(survival, atRisk float64) float64

// Gehan weights early times by those at risk (Gehan 1965, Breslow 1970).
func Gehan(_, atRisk float64) float64 { return atRisk }

// FlemingHarrington weights by S^rho (1-S)^gamma: early times for rho above 0, late ones for gamma above 0; 0 and 0 is
// the log-rank test (Fleming and Harrington 1991).
func FlemingHarrington(rho, gamma float64) Weight {
	return func(s, _ float64) float64 { return math.Pow(s, rho) * math.Pow(1-s, gamma) }
}

// LogRank tests whether two or more groups of lifetimes, censored ones among them, have the same distribution (Mantel
// 1966). Times that differ by rounding alone, by 1.5e-8 of the mean time or 1.5e-8 in all, count as one, as in R. The
// error is that of [KaplanMeier], or wraps [ErrDegenerate] if no event happened while two groups were at risk.
func LogRank(groups ...[]Lifetime) (LogRankTest, error) {
	return logRank("LogRank", func(float64, float64) float64 { return 1 }, groups)
}

// WeightedLogRank is [LogRank] with a weight, within strata that are compared each by itself: strata[s][k] is the
// lifetimes of group k in stratum s, of which some may have none.
func WeightedLogRank(weight Weight, strata ...[][]Lifetime) (LogRankTest, error) {
	if weight == nil {
		return LogRankTest{}, fmt.Errorf("stats: WeightedLogRank: no weight: %w", tensor.ErrEmpty)
	}
	return logRank("WeightedLogRank", weight, strata...)
}

func logRank(function string, weight Weight, strata ...[][]Lifetime) (LogRankTest, error) {
	c := config{call: "stats: " + function}
	if len(strata) == 0 || len(strata[0]) < 2 {
		return LogRankTest{}, c.errorf("want two groups or more: %w", tensor.ErrEmpty)
	}
	k := len(strata[0])
	t := LogRankTest{DF: k - 1, Observed: make([]float64, k), Expected: make([]float64, k)}
	variance := mat.NewSymDense(k, nil)
	for s, groups := range strata {
		if len(groups) != k {
			return LogRankTest{}, c.errorf("stratum %d has %d groups and stratum 0 %d: %w", s, len(groups), k, tensor.ErrShape)
		}
		for g, times := range groups {
			name := fmt.Sprintf("groups[%d]", g)
			if len(strata) > 1 {
				name = fmt.Sprintf("strata[%d][%d]", s, g)
				if len(times) == 0 {
					continue
				}
			}
			if err := c.checkTimes(name, times); err != nil {
				return LogRankTest{}, err
			}
		}
		t.add(variance, weight, groups)
	}
	return t.finish(&c, variance)
}

// add adds what a stratum has of observed and expected events and of their variance.
func (t *LogRankTest) add(variance *mat.SymDense, weight Weight, groups [][]Lifetime) {
	k := len(groups)
	counts, at := make([][]counted, k), make([]int, k)
	for g, times := range untie(groups...) {
		counts[g] = count(times)
	}
	s, risk, events := 1.0, make([]float64, k), make([]float64, k)
	for {
		time := math.Inf(1)
		for g := range k {
			if at[g] < len(counts[g]) {
				time = min(time, counts[g][at[g]].time)
			}
		}
		if math.IsInf(time, 1) {
			return
		}
		n, d := 0.0, 0.0
		for g := range k {
			risk[g], events[g] = 0, 0
			if at[g] < len(counts[g]) {
				now := counts[g][at[g]]
				risk[g] = float64(now.risk)
				if now.time == time {
					events[g] = float64(now.events)
					at[g]++
				}
			}
			n += risk[g]
			d += events[g]
		}
		if d == 0 {
			continue
		}
		w := weight(s, n)
		for g := range k {
			t.Observed[g] += float64(w * events[g])
			t.Expected[g] += float64(w * d * risk[g] / n)
			for h := 0; h <= g && n > 1; h++ {
				share := -risk[h] / n
				if h == g {
					share++
				}
				variance.SetSym(g, h, variance.At(g, h)+float64(w*w*d*(risk[g]/n)*share*(n-d)/(n-1)))
			}
		}
		s *= 1 - d/n
	}
}

// finish is the quadratic form of observed minus expected events of all groups that can differ, less one: they add up
// to 0.
func (t LogRankTest) finish(c *config, variance *mat.SymDense) (LogRankTest, error) {
	var free []int
	for g := range t.Observed {
		if variance.At(g, g) > 0 {
			free = append(free, g)
		}
	}
	if len(free) < 2 {
		return LogRankTest{}, c.errorf("no event happened while two groups were at risk: %w", ErrDegenerate)
	}
	free = free[1:]
	t.DF = len(free)
	difference, part := mat.NewVecDense(t.DF, nil), mat.NewSymDense(t.DF, nil)
	for i, g := range free {
		difference.SetVec(i, t.Observed[g]-t.Expected[g])
		for j, h := range free[:i+1] {
			part.SetSym(i, j, variance.At(g, h))
		}
	}
	var root mat.Cholesky
	var solved mat.VecDense
	if !root.Factorize(part) {
		return LogRankTest{}, c.errorf("the groups were never at risk together: %w", ErrDegenerate)
	}
	if err := root.SolveVecTo(&solved, difference); err != nil {
		return LogRankTest{}, c.errorf("%v: %w", err, ErrDegenerate)
	}
	t.Statistic = mat.Dot(difference, &solved)
	t.P = distuv.ChiSquared{K: float64(t.DF)}.Survival(t.Statistic)
	return t, nil
}
