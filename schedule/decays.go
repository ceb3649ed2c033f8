package schedule

import "math"

// ExpInterp goes from From to To geometrically, From*(To/From)^x: equal ratios in equal times, the curve of
// a learning-rate range test. Both ends are positive.
type ExpInterp struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (e ExpInterp) Value(t float64) float64 {
	x := fraction(t, e.Over)
	if x == 1 {
		return e.To
	}
	return bounded(e.From * math.Pow(e.To/e.From, x))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (e ExpInterp) Validate() error {
	return check("ExpInterp").positive("From", e.From).positive("To", e.To).
		positive("To/From", e.To/e.From).positive("Over", e.Over).err()
}

func (e ExpInterp) breaks(b *breakSet) { b.add(0, e.Over) }

// REX goes from From to To as To + (From-To)*(1-x)/(1/2+(1-x)/2): Chen et al. 2022, for budgets that
// are too short.
type REX struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (r REX) Value(t float64) float64 {
	x := fraction(t, r.Over)
	return mix(r.From, r.To, (1-x)/(0.5+0.5*(1-x)))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (r REX) Validate() error {
	return check("REX").finite("From", r.From).finite("To", r.To).positive("Over", r.Over).err()
}

func (r REX) breaks(b *breakSet) { b.add(0, r.Over) }

// OneMinusSqrt goes from From to To as To + (From-To)*(1-sqrt x): the cooldown of Hägele et al. 2024.
type OneMinusSqrt struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (o OneMinusSqrt) Value(t float64) float64 {
	x := fraction(t, o.Over)
	return mix(o.From, o.To, 1-math.Sqrt(x))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (o OneMinusSqrt) Validate() error {
	return check("OneMinusSqrt").finite("From", o.From).finite("To", o.To).positive("Over", o.Over).err()
}

func (o OneMinusSqrt) breaks(b *breakSet) { b.add(0, o.Over) }

// Tanh goes from From to To as To + (From-To)*(1-tanh(Lower*(1-x)+Upper*x))/2, and is To from Over on:
// Hsueh et al. 2019, as in timm, whose bounds are -7 and 3.
type Tanh struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0

	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"` // > Lower
}

// Value is the formula above with x = clamp(t/Over, 0, 1).
func (h Tanh) Value(t float64) float64 {
	x := fraction(t, h.Over)
	if x == 1 {
		return h.To
	}
	return mix(h.From, h.To, (1-math.Tanh(h.Lower*(1-x)+h.Upper*x))/2)
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (h Tanh) Validate() error {
	return check("Tanh").finite("From", h.From).finite("To", h.To).positive("Over", h.Over).
		finite("Lower", h.Lower).finite("Upper", h.Upper).that(h.Upper > h.Lower, "Upper", h.Upper, "> Lower").err()
}

func (h Tanh) breaks(b *breakSet) { b.add(0, h.Over) }
