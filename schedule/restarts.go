package schedule

import "math"

// CosineRestarts is a linear warmup from 0 to Peak and then, until Total, so many equal cycles that each decay from
// Peak to Floor along half a cosine; Floor from Total on. The cycles share what the warmup leaves, and their length
// need not be a whole number: 3 cycles between 7 and 83 are of 25 1/3 steps. That is cosine_with_restarts of Hugging
// Face. [Cyclic] has cycles of whole steps, which may grow.
type CosineRestarts struct {
	Peak   float64 `json:"peak"`
	Floor  float64 `json:"floor,omitempty"`
	Warmup float64 `json:"warmup,omitempty" unit:"time"` // >= 0
	Total  float64 `json:"total" unit:"time"`            // later than Warmup, which it includes
	Cycles int     `json:"cycles"`                       // >= 1
}

// Value is that of the warmup or the cycle t lies in. The first moment of a cycle is Peak, found as [Step] finds
// multiples.
func (c CosineRestarts) Value(t float64) float64 {
	t = moment(t)
	switch {
	case t < c.Warmup:
		return c.Peak * (t / c.Warmup)
	case t >= c.Total:
		return c.Floor
	}
	n, _ := multiple((t-c.Warmup)*float64(c.Cycles), c.Total-c.Warmup)
	return mix(c.Peak, c.Floor, cosine(n-math.Floor(n)))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (c CosineRestarts) Validate() error {
	return check("CosineRestarts").finite("Peak", c.Peak).finite("Floor", c.Floor).atLeast("Warmup", c.Warmup, 0).
		finite("Total", c.Total).that(!(c.Total <= c.Warmup), "Total", c.Total, "later than Warmup").
		that(!(c.Total > 1<<53), "Total", c.Total, "<= 2^53").that(c.Cycles >= 1, "Cycles", c.Cycles, ">= 1").err()
}

func (c CosineRestarts) breaks(b *breakSet) {
	b.add(0, c.Warmup, c.Total)
	length := (c.Total - c.Warmup) / float64(c.Cycles)
	k := max(1, math.Floor((b.lo-c.Warmup)/length))
	for ; k < float64(c.Cycles) && !b.full; k++ {
		t := c.Warmup + (c.Total-c.Warmup)*k/float64(c.Cycles)
		if t > b.hi {
			return
		}
		b.add(t)
	}
}
