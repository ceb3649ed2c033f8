package pipeline

import (
	"fmt"
	"math"
)

// Stall is steps in which a phase takes much longer than in most.
type Stall struct {
	Phase  string  `json:"phase"`
	Count  int     `json:"count"`  // steps
	Share  float64 `json:"share"`  // of all time, beyond what the phase takes in a median step
	Longer float64 `json:"longer"` // mean of them, in seconds, beyond the median
	// Period is the number of steps from one to the next, 0 if they are not regular.
	Period int `json:"period,omitempty"`
}

// String reads "wait: every 4 steps, 1.2 s longer, 37.5 % of all time".
func (s Stall) String() string {
	when := fmt.Sprintf("in %d steps", s.Count)
	if s.Period > 0 {
		when = fmt.Sprintf("every %d steps", s.Period)
	}
	return fmt.Sprintf("%s: %s, %.4g s longer, %.3g %% of all time", s.Phase, when, s.Longer, 100*s.Share)
}

// stalls looks for phases whose time is in few steps. A stall takes longer than the median of its phase by more than
// half of a median step.
func (r *Report) stalls(steps []Step) {
	for _, p := range append(r.Phases, r.Residual) {
		if p.Name == Evaluate.String() || p.Name == Checkpoint.String() {
			continue // meant to be rare
		}
		var at []int
		extra := 0.0
		for i := range steps {
			if t := r.timeOf(&steps[i], p.Name) - p.Times.Median; t > r.Times.Median/2 && t > 0 {
				at = append(at, i)
				extra += t
			}
		}
		share := extra / r.Seconds
		if len(at) == 0 || 2*len(at) > len(steps) || !(share >= 0.05) {
			continue
		}
		r.Stalls = append(r.Stalls, Stall{p.Name, len(at), share, extra / float64(len(at)), period(at)})
	}
}

func (r *Report) timeOf(s *Step, name string) float64 {
	if name == r.Residual.Name {
		return s.residual()
	}
	for p := range phaseCount {
		if p.String() == name {
			return s.Phases[p]
		}
	}
	return math.NaN()
}

// period is the distance of neighbours if at least three of them are equally far apart, to one step; else 0.
func period(at []int) int {
	if len(at) < 3 {
		return 0
	}
	lo, hi := math.MaxInt, 0
	for i := range len(at) - 1 {
		lo, hi = min(lo, at[i+1]-at[i]), max(hi, at[i+1]-at[i])
	}
	if hi-lo > 1 {
		return 0
	}
	return int(math.Round(float64(at[len(at)-1]-at[0]) / float64(len(at)-1)))
}
