package tradeoff

import (
	"errors"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// ChiSquared is the result of a test with one degree of freedom.
type ChiSquared struct {
	Statistic float64
	P         float64 // probability of a statistic at least as large if there is no difference
}

// LogRank tests whether two samples of times, censored ones among them, have the same distribution (Mantel 1966). The
// error is that of [KaplanMeier], or wraps [ErrDegenerate] if no run reached the target while runs of both samples
// were at risk.
func LogRank(a, b []Time) (ChiSquared, error) {
	return compareSurvival("LogRank", a, b, func(atRisk float64) float64 { return 1 })
}

// Gehan is LogRank with early costs weighted by the runs at risk (Gehan 1965, Breslow 1970).
func Gehan(a, b []Time) (ChiSquared, error) {
	return compareSurvival("Gehan", a, b, func(atRisk float64) float64 { return atRisk })
}

func compareSurvival(function string, a, b []Time, weight func(atRisk float64) float64) (ChiSquared, error) {
	c := config{function: function}
	if err := errors.Join(checkTimes("a", a), checkTimes("b", b)); err != nil {
		return ChiSquared{}, err
	}
	var costs []float64
	for _, t := range slices.Concat(a, b) {
		if t.Reached {
			costs = append(costs, t.Cost)
		}
	}
	slices.Sort(costs)
	difference, variance := 0.0, 0.0
	for _, cost := range slices.Compact(costs) {
		riskA, reachedA := atRisk(a, cost)
		riskB, reachedB := atRisk(b, cost)
		n, d := riskA+riskB, reachedA+reachedB
		w := weight(n)
		difference += float64(w * (reachedA - d*riskA/n))
		if n > 1 {
			variance += float64(w * w * d * (riskA / n) * (1 - riskA/n) * (n - d) / (n - 1))
		}
	}
	if variance == 0 {
		return ChiSquared{}, c.errorf("no run reached the target while runs of both samples were left: %w", ErrDegenerate)
	}
	chi2 := difference * difference / variance
	return ChiSquared{chi2, distuv.ChiSquared{K: 1}.Survival(chi2)}, nil
}

// atRisk counts the runs that reach or exceed a cost and those of them that reach the target there.
func atRisk(times []Time, cost float64) (risk, reached float64) {
	for _, t := range times {
		if t.Cost >= cost {
			risk++
			if t.Cost == cost && t.Reached {
				reached++
			}
		}
	}
	return risk, reached
}
