package schedule

import "math"

// Triangular climbs from Floor to Peak in Up steps and falls back in Down steps, again and again: the cyclical learning
// rate of Smith 2017. CycleDecay 0.5 is the policy triangular2, StepDecay below 1 exp_range. Floor above Peak is
// legal and is the momentum that goes against the learning rate.
type Triangular struct {
	Floor float64 `json:"floor"`
	Peak  float64 `json:"peak"`
	Up    float64 `json:"up" unit:"time"`   // > 0
	Down  float64 `json:"down" unit:"time"` // > 0

	CycleDecay float64 `json:"cycleDecay,omitempty"` // factor on Peak-Floor per cycle, in [0, 1], 0 means 1
	StepDecay  float64 `json:"stepDecay,omitempty"`  // factor on Peak-Floor per step, in [0, 1], 0 means 1
}

// Value is Floor plus the height of the triangle at t; before 0 it is Floor.
func (r Triangular) Value(t float64) float64 {
	t = moment(t)
	period := r.Up + r.Down
	n, whole := multiple(t, period)
	s := math.Mod(t, period)
	if whole {
		s = 0
	}
	h := s / r.Up
	if s > r.Up {
		h = min(1, (period-s)/r.Down)
	}
	if d := orOne(r.CycleDecay); d != 1 {
		h *= math.Pow(d, math.Floor(n))
	}
	if d := orOne(r.StepDecay); d != 1 {
		h *= math.Pow(d, t)
	}
	return mix(r.Peak, r.Floor, h)
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (r Triangular) Validate() error {
	return check("Triangular").finite("Floor", r.Floor).finite("Peak", r.Peak).positive("Up", r.Up).positive("Down",
		r.Down).
		finite("Up+Down", r.Up+r.Down).
		that(r.CycleDecay >= 0 && r.CycleDecay <= 1, "CycleDecay", r.CycleDecay, "in [0, 1]").
		that(r.StepDecay >= 0 && r.StepDecay <= 1, "StepDecay", r.StepDecay, "in [0, 1]").err()
}

func (r Triangular) breaks(b *breakSet) {
	b.every(0, r.Up+r.Down)
	b.every(r.Up, r.Up+r.Down)
}
