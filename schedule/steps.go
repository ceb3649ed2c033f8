package schedule

import "math"

// Step is From*Gamma^floor(t/Every). A time that is a multiple of Every but for rounding, to 1e-11 of Every or its own
// last bits, counts as one: with Every 0.1 that is so for 0.3, though 0.3/0.1 is less than 3 in float64.
type Step struct {
	From  float64 `json:"from"`
	Gamma float64 `json:"gamma"`             // > 0
	Every float64 `json:"every" unit:"time"` // > 0
}

// Value is the formula above; before 0 it is From.
func (s Step) Value(t float64) float64 {
	n, _ := multiple(moment(t), s.Every)
	return bounded(s.From * bounded(math.Pow(s.Gamma, math.Floor(n))))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (s Step) Validate() error {
	return check("Step").finite("From", s.From).positive("Gamma", s.Gamma).positive("Every", s.Every).err()
}

func (s Step) breaks(b *breakSet) { b.every(s.Every, s.Every) }

// MultiStep is From*Gamma^(number of milestones <= t).
type MultiStep struct {
	From  float64   `json:"from"`
	Gamma float64   `json:"gamma"`          // > 0
	At    []float64 `json:"at" unit:"time"` // milestones, not decreasing; may be empty
}

// Value is the formula above; NaN counts as the start.
func (m MultiStep) Value(t float64) float64 {
	n := 0
	for n < len(m.At) && m.At[n] <= t {
		n++
	}
	return bounded(m.From * bounded(math.Pow(m.Gamma, float64(n))))
}

// Validate reports fields out of range and milestones out of order, wrapping [tensor.ErrRange] or
// [tensor.ErrNotFinite].
func (m MultiStep) Validate() error {
	return check("MultiStep").finite("From", m.From).positive("Gamma", m.Gamma).ascending("At", m.At, false).err()
}

func (m MultiStep) breaks(b *breakSet) { b.add(m.At...) }
