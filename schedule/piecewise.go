package schedule

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
)

// Interp is how [Piecewise] goes from one knot to the next. In JSON it is its name.
type Interp uint8

// The interpolations.
const (
	Hold         Interp = iota // the value of the last knot passed, "hold"
	LinearInterp               // straight lines, "linear"
	CosineInterp               // half cosines, flat at the knots, "cosine"
)

var interps = enum.Of[Interp]("interpolation", "hold", "linear", "cosine")

// String is the name of the interpolation.
func (i Interp) String() string { return interps.String(i) }

// MarshalText is the name of the interpolation, or an error wrapping [tensor.ErrRange].
func (i Interp) MarshalText() ([]byte, error) { return interps.Marshal(i) }

// UnmarshalText reads the name of an interpolation.
func (i *Interp) UnmarshalText(b []byte) error { return interps.Unmarshal(i, b) }

// Knot is a value at a time.
type Knot struct {
	T float64 `json:"t" unit:"time"`
	V float64 `json:"v"`
}

// Piecewise goes through its knots, which are in strictly increasing order of time. Before the first it has the
// value of the first, after the last that of the last.
type Piecewise struct {
	Knots  []Knot `json:"knots"` // at least one
	Interp Interp `json:"interp,omitempty"`
}

// Value interpolates between the knots around t. A knot's own value holds at its time.
func (p Piecewise) Value(t float64) float64 {
	lo, hi := 0, len(p.Knots) // knots before lo are not later than t, knots from hi on are
	for lo < hi {
		if m := int(uint(lo+hi) / 2); p.Knots[m].T <= t {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == 0 {
		return p.Knots[0].V
	}
	a := p.Knots[lo-1]
	if lo == len(p.Knots) || p.Interp == Hold {
		return a.V
	}
	b := p.Knots[lo]
	x := fraction(t-a.T, b.T-a.T)
	if p.Interp == CosineInterp {
		return mix(a.V, b.V, cosine(x))
	}
	return mix(a.V, b.V, 1-x)
}

// Validate reports knots that are missing, out of order or not finite, wrapping [tensor.ErrRange] or
// [tensor.ErrNotFinite].
func (p Piecewise) Validate() error {
	c := check("Piecewise").that(len(p.Knots) > 0, "Knots", p.Knots, "not empty").
		that(interps.Valid(p.Interp), "Interp", uint8(p.Interp), "one of the named interpolations")
	for i, k := range p.Knots {
		name := fmt.Sprintf("Knots[%d].T", i)
		c.finite(name, k.T).finite(fmt.Sprintf("Knots[%d].V", i), k.V)
		if i > 0 {
			c.that(!(k.T <= p.Knots[i-1].T), name, k.T, "later than the knot before").
				finite(name+" minus the knot before", k.T-p.Knots[i-1].T)
		}
	}
	return c.err()
}

func (p Piecewise) breaks(b *breakSet) {
	for _, k := range p.Knots {
		b.add(k.T)
	}
}
