package schedule

import "math"

// Exponential is From*Rate^(t/Period), the exponent rounded down if Staircase is set, to a multiple of Period as
// [Step] counts them. Give it a floor with [Max] or [Clamp].
type Exponential struct {
	From      float64 `json:"from"`
	Rate      float64 `json:"rate"`               // factor per Period, > 0
	Period    float64 `json:"period" unit:"time"` // > 0
	Staircase bool    `json:"staircase,omitempty"`
}

// Value is the formula above; before 0 it is From.
func (e Exponential) Value(t float64) float64 {
	n := moment(t) / e.Period
	if e.Staircase {
		n, _ = multiple(moment(t), e.Period)
		n = math.Floor(n)
	}
	return bounded(e.From * bounded(math.Pow(e.Rate, n)))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (e Exponential) Validate() error {
	return check("Exponential").finite("From", e.From).positive("Rate", e.Rate).positive("Period", e.Period).err()
}

func (e Exponential) breaks(b *breakSet) {
	b.add(0)
	if e.Staircase {
		b.every(e.Period, e.Period)
	}
}
