package schedule

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
)

// Product multiplies its schedules at every time.
type Product []Schedule

// Value is the product, kept finite.
func (p Product) Value(t float64) float64 {
	v := 1.0
	for _, s := range p {
		v = bounded(v * s.Value(t))
	}
	return v
}

// Validate reports an empty product and everything wrong with its schedules.
func (p Product) Validate() error { return validateAll("Product", p) }

func (p Product) breaks(b *breakSet) { breaksOfAll(b, p) }

// Sum adds its schedules at every time.
type Sum []Schedule

// Value is the sum, kept finite.
func (a Sum) Value(t float64) float64 {
	v := 0.0
	for _, s := range a {
		v = bounded(v + s.Value(t))
	}
	return v
}

// Validate reports an empty sum and everything wrong with its schedules.
func (a Sum) Validate() error { return validateAll("Sum", a) }

func (a Sum) breaks(b *breakSet) { breaksOfAll(b, a) }

// Min is the smallest of its schedules at every time.
type Min []Schedule

// Value is the minimum.
func (m Min) Value(t float64) float64 {
	v := m[0].Value(t)
	for _, s := range m[1:] {
		v = min(v, s.Value(t))
	}
	return v
}

// Validate reports an empty minimum and everything wrong with its schedules.
func (m Min) Validate() error { return validateAll("Min", m) }

func (m Min) breaks(b *breakSet) { breaksOfAll(b, m) }

// Max is the largest of its schedules at every time.
type Max []Schedule

// Value is the maximum.
func (m Max) Value(t float64) float64 {
	v := m[0].Value(t)
	for _, s := range m[1:] {
		v = max(v, s.Value(t))
	}
	return v
}

// Validate reports an empty maximum and everything wrong with its schedules.
func (m Max) Validate() error { return validateAll("Max", m) }

func (m Max) breaks(b *breakSet) { breaksOfAll(b, m) }

func validateAll(name string, list []Schedule) error {
	c := check(name).that(len(list) > 0, "len", len(list), "at least 1")
	for i, s := range list {
		c.child(fmt.Sprintf("[%d]", i), s)
	}
	return c.err()
}

func breaksOfAll(b *breakSet, list []Schedule) {
	for _, s := range list {
		b.collect(s)
	}
}

// Scale multiplies a schedule by a number.
type Scale struct {
	S  Schedule `json:"s"`
	By float64  `json:"by"`
}

// Value is S*By, kept finite.
func (s Scale) Value(t float64) float64 { return bounded(s.S.Value(t) * s.By) }

// Validate reports a By that is not finite and everything wrong with S.
func (s Scale) Validate() error { return check("Scale").finite("By", s.By).child("S", s.S).err() }

func (s Scale) breaks(b *breakSet) { b.collect(s.S) }

// Offset adds a number to a schedule.
type Offset struct {
	S  Schedule `json:"s"`
	By float64  `json:"by"`
}

// Value is S+By, kept finite.
func (o Offset) Value(t float64) float64 { return bounded(o.S.Value(t) + o.By) }

// Validate reports a By that is not finite and everything wrong with S.
func (o Offset) Validate() error { return check("Offset").finite("By", o.By).child("S", o.S).err() }

func (o Offset) breaks(b *breakSet) { b.collect(o.S) }

// Clamp keeps a schedule between Lo and Hi.
type Clamp struct {
	S  Schedule `json:"s"`
	Lo float64  `json:"lo"`
	Hi float64  `json:"hi"` // >= Lo
}

// Value is min(Hi, max(Lo, S)).
func (c Clamp) Value(t float64) float64 { return min(c.Hi, max(c.Lo, c.S.Value(t))) }

// Validate reports bounds out of order or not finite and everything wrong with S.
func (c Clamp) Validate() error {
	return check("Clamp").finite("Lo", c.Lo).finite("Hi", c.Hi).that(!(c.Hi < c.Lo), "Hi", c.Hi, ">= Lo").child("S",
		c.S).err()
}

func (c Clamp) breaks(b *breakSet) { b.collect(c.S) }

// Rounding says which multiple [Quantize] takes. In JSON it is its name.
type Rounding uint8

// The roundings.
const (
	Nearest Rounding = iota // half away from zero, "nearest"
	Down                    // towards minus infinity, "down"
	Up                      // towards plus infinity, "up"
)

var roundings = enum.Of[Rounding]("rounding", "nearest", "down", "up")

// String is the name of the rounding.
func (r Rounding) String() string { return roundings.String(r) }

// MarshalText is the name of the rounding, or an error wrapping [tensor.ErrRange].
func (r Rounding) MarshalText() ([]byte, error) { return roundings.Marshal(r) }

// UnmarshalText reads the name of a rounding.
func (r *Rounding) UnmarshalText(b []byte) error { return roundings.Unmarshal(r, b) }

// Quantize rounds a schedule to a multiple of a number: image sizes that divide by 4, sequence lengths
// that divide by 8. [Ints] turns the result into an int. What is a multiple but for rounding, to 1e-10 of itself or of
// Multiple, counts as one, so that Down does not take a whole step away from it. The jumps are no [Breakpoints].
type Quantize struct {
	S        Schedule `json:"s"`
	Multiple float64  `json:"multiple"` // > 0
	Mode     Rounding `json:"mode,omitempty"`
}

// Value is the multiple that Mode says, or S itself where the quotient is too large for one.
func (q Quantize) Value(t float64) float64 {
	v := q.S.Value(t)
	n := v / q.Multiple
	whole := math.Round(n)
	switch {
	case q.Mode == Nearest || math.Abs(n-whole) <= 1e-10*max(1, math.Abs(n)):
		n = whole
	case q.Mode == Down:
		n = math.Floor(n)
	case q.Mode == Up:
		n = math.Ceil(n)
	}
	if n-n != 0 {
		return v
	}
	return bounded(n * q.Multiple)
}

// Validate reports fields out of range and everything wrong with S.
func (q Quantize) Validate() error {
	return check("Quantize").positive("Multiple", q.Multiple).
		that(roundings.Valid(q.Mode), "Mode", uint8(q.Mode), "one of the named roundings").child("S", q.S).err()
}

func (q Quantize) breaks(b *breakSet) { b.collect(q.S) }

// Ints is a schedule as whole numbers, rounded to nearest, half away from zero, and cut to ±2^53.
type Ints struct{ S Schedule }

// Value is S rounded.
func (i Ints) Value(t float64) int {
	return int(math.Round(max(-(1 << 53), min(1<<53, i.S.Value(t)))))
}

// Validate is that of S.
func (i Ints) Validate() error { return Validate(i.S) }
