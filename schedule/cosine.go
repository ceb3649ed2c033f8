package schedule

import "math"

// Cosine goes from From to To along half a cosine: To + (From-To)*((1+cos(pi*x^K))/2)^Exponent. Exponent is
// optax's, K the k-decay of Zhang and Li 2020 as in timm; left at 0 both count as 1. Unlike torch's
// CosineAnnealingLR it does not climb again after Over.
type Cosine struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0

	Exponent float64 `json:"exponent,omitempty"` // >= 0, 0 means 1
	K        float64 `json:"k,omitempty"`        // >= 0, 0 means 1
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (c Cosine) Value(t float64) float64 {
	x := fraction(t, c.Over)
	if k := orOne(c.K); k != 1 {
		x = math.Pow(x, k)
	}
	w := cosine(x)
	if e := orOne(c.Exponent); e != 1 {
		w = math.Pow(w, e)
	}
	return mix(c.From, c.To, w)
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (c Cosine) Validate() error {
	return check("Cosine").finite("From", c.From).finite("To", c.To).positive("Over", c.Over).
		atLeast("Exponent", c.Exponent, 0).atLeast("K", c.K, 0).err()
}

func (c Cosine) breaks(b *breakSet) { b.add(0, c.Over) }
