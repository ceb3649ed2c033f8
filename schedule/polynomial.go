package schedule

import "math"

// Polynomial goes from From to To as To + (From-To)*(1-x)^Power, a power of the time that is left. Power 3 is the
// sparsity schedule of Zhu and Gupta 2017. With Elapsed it goes as From + (To-From)*x^Power, a power of the time that
// has passed: slow at first where the other is slow at last. That is fastai's SchedPoly.
type Polynomial struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0

	Power   float64 `json:"power"` // > 0
	Elapsed bool    `json:"elapsed,omitempty"`
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (p Polynomial) Value(t float64) float64 {
	x := fraction(t, p.Over)
	if p.Elapsed {
		return mix(p.To, p.From, math.Pow(x, p.Power))
	}
	return mix(p.From, p.To, math.Pow(1-x, p.Power))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (p Polynomial) Validate() error {
	return check("Polynomial").finite("From", p.From).finite("To", p.To).positive("Over", p.Over).
		positive("Power", p.Power).err()
}

func (p Polynomial) breaks(b *breakSet) { b.add(0, p.Over) }
