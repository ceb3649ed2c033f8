package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// Survival is the Kaplan-Meier estimate of S(t), the probability that a run has not reached its target at cost t.
// Censored runs count as long as they were running; nothing is dropped. It is immutable.
type Survival struct {
	steps []SurvivalStep
	runs  int
	last  float64 // the largest cost, reached or not
}

// SurvivalStep is a cost at which runs reached the target.
type SurvivalStep struct {
	Cost    float64 // S changes here
	S       float64 // the estimate from here on
	SE      float64 // Greenwood's standard error of S
	AtRisk  int     // runs that had not ended or reached the target before
	Reached int     // runs that reached it here
}

// KaplanMeier estimates the survival of times (Kaplan and Meier 1958). The error wraps [tensor.ErrEmpty] if there are
// none and [tensor.ErrNotFinite] or [tensor.ErrRange] for a cost that is not finite or negative.
func KaplanMeier(times []Time) (Survival, error) {
	if err := checkTimes("times", times); err != nil {
		return Survival{}, err
	}
	sorted := slices.Clone(times)
	slices.SortFunc(sorted, func(a, b Time) int {
		if a.Cost == b.Cost {
			return 0
		}
		return order(a.Cost, b.Cost)
	})
	k := Survival{runs: len(times), last: sorted[len(sorted)-1].Cost}
	s, variance := 1.0, 0.0
	for i := 0; i < len(sorted); {
		j, reached := i, 0
		for ; j < len(sorted) && sorted[j].Cost == sorted[i].Cost; j++ {
			if sorted[j].Reached {
				reached++
			}
		}
		if n := len(sorted) - i; reached > 0 {
			s *= 1 - float64(reached)/float64(n)
			variance += float64(reached) / (float64(n) * float64(n-reached))
			se := s * math.Sqrt(variance)
			if s == 0 {
				se = math.NaN() // Greenwood's formula has none at the end
			}
			k.steps = append(k.steps, SurvivalStep{sorted[i].Cost, s, se, n, reached})
		}
		i = j
	}
	return k, nil
}

func checkTimes(name string, times []Time) error {
	if len(times) == 0 {
		return fmt.Errorf("tradeoff: %s: no runs: %w", name, tensor.ErrEmpty)
	}
	for i, t := range times {
		switch {
		case math.IsNaN(t.Cost) || math.IsInf(t.Cost, 0):
			return fmt.Errorf("tradeoff: %s[%d].Cost = %v; a run that did not reach the target is censored at its last cost: %w", name, i, t.Cost, tensor.ErrNotFinite)
		case t.Cost < 0:
			return fmt.Errorf("tradeoff: %s[%d].Cost = %v: %w", name, i, t.Cost, tensor.ErrRange)
		}
	}
	return nil
}

// Steps are the costs at which S changes.
func (s Survival) Steps() []SurvivalStep { return slices.Clone(s.steps) }

// Last is the largest cost of all runs; S is not known beyond.
func (s Survival) Last() float64 { return s.last }

// At is S(t), 1 before the first step.
func (s Survival) At(t float64) float64 {
	value := 1.0
	for _, step := range s.steps {
		if step.Cost > t {
			break
		}
		value = step.S
	}
	return value
}

// Quantile is the cost by which a share p of runs has reached the target: the first at which S <= 1-p, and +Inf if
// too few did.
func (s Survival) Quantile(p float64) float64 {
	const rounding = 1e-12 // S is a product of fractions
	for _, step := range s.steps {
		if step.S <= 1-p+rounding {
			return step.Cost
		}
	}
	return math.Inf(1)
}

// MedianInterval is a confidence interval for the median cost: the costs at which a test with the complementary
// log-log transform of S does not refuse 1/2 (Brookmeyer and Crowley 1982). An end that the data do not bound is
// infinite. The error wraps [ErrDegenerate] if the test refuses it everywhere, as it does where hardly any run
// reached the target.
func (s Survival) MedianInterval(level float64) (lo, hi float64, err error) {
	if !(level > 0 && level < 1) {
		return 0, 0, fmt.Errorf("tradeoff: MedianInterval: level is %v, want a value in (0, 1): %w", level, tensor.ErrRange)
	}
	z := distuv.UnitNormal.Quantile((1 + level) / 2)
	g := func(p float64) float64 { return math.Log(-math.Log(p)) }
	lo, hi = math.NaN(), math.NaN()
	for i, step := range s.steps {
		se := step.SE / math.Abs(step.S*math.Log(step.S))
		if !(math.Abs(g(step.S)-g(0.5)) <= z*se) {
			continue
		}
		if lo != lo {
			lo = step.Cost
		}
		hi = math.Inf(1) // S is the same until the next step
		if i+1 < len(s.steps) {
			hi = s.steps[i+1].Cost
		}
	}
	if lo != lo {
		return lo, hi, fmt.Errorf("tradeoff: MedianInterval: no step of %d runs is compatible with 1/2: %w", s.runs, ErrDegenerate)
	}
	return lo, hi, nil
}

// RMST is the restricted mean time: the integral of S from 0 to tau, the mean cost of a run that stops at tau. The
// error wraps [ErrNoOverlap] if tau lies beyond the last run, where S is not known unless all runs reached the
// target.
func (s Survival) RMST(tau float64) (float64, error) {
	if !(tau > 0) || math.IsInf(tau, 1) {
		return 0, fmt.Errorf("tradeoff: RMST: tau is %v, want a finite cost above 0: %w", tau, tensor.ErrRange)
	}
	if tau > s.last && (len(s.steps) == 0 || s.steps[len(s.steps)-1].S > 0) {
		return 0, fmt.Errorf("tradeoff: RMST: tau is %v and the last run ended at %v: %w", tau, s.last, ErrNoOverlap)
	}
	area, at, value := 0.0, 0.0, 1.0
	for _, step := range s.steps {
		if step.Cost >= tau {
			break
		}
		area += float64(value * (step.Cost - at))
		at, value = step.Cost, step.S
	}
	return area + float64(value*(tau-at)), nil
}

// ExpectedRunTime is the cost spent by all runs per run that reached the target (ERT of Hansen et al. 2009), what
// reaching it costs if failed runs are started anew. It is +Inf if none did.
func ExpectedRunTime(times []Time) float64 {
	total, reached := 0.0, 0
	for _, t := range times {
		total += t.Cost
		if t.Reached {
			reached++
		}
	}
	return total / float64(reached)
}

// PAR10 is the mean cost with ten times the cap for each run that did not reach the target: the penalised average of
// algorithm selection. It is NaN without runs.
func PAR10(times []Time, limit float64) float64 {
	total := 0.0
	for _, t := range times {
		if t.Reached {
			total += t.Cost
		} else {
			total += 10 * limit
		}
	}
	return total / float64(len(times))
}

// MedianTime is the median with +Inf for runs that did not reach the target, as AlgoPerf takes it over studies: of an
// even number the mean of the middle two. It is NaN without runs.
func MedianTime(times []Time) float64 {
	x := make([]float64, len(times))
	for i, t := range times {
		x[i] = t.Cost
		if !t.Reached {
			x[i] = math.Inf(1)
		}
	}
	return median(x)
}

// median sorts x and returns its median.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	half := len(x) / 2
	if len(x)%2 == 1 || x[half-1] == x[half] {
		return x[half]
	}
	return (x[half-1] + x[half]) / 2
}
