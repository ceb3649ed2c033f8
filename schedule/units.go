package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Unit is what a [Duration] counts.
type Unit uint8

// The units, with their names in text. [ParseDuration] knows more.
const (
	Steps    Unit = iota // optimizer steps, "st"
	Epochs               // passes over the data, "ep"
	Samples              // examples, "sp"
	Tokens               // tokens, "tok"
	Fraction             // the whole run is 1, "dur"
)

var units = enum.Of[Unit]("unit", "st", "ep", "sp", "tok", "dur")

// String is the suffix of the unit.
func (u Unit) String() string { return units.String(u) }

// MarshalText is the suffix of the unit, or an error wrapping [tensor.ErrRange].
func (u Unit) MarshalText() ([]byte, error) { return units.Marshal(u) }

// UnmarshalText reads the suffix of a unit.
func (u *Unit) UnmarshalText(b []byte) error { return units.Unmarshal(u, b) }

// Duration is an amount of training in one of the units.
type Duration struct {
	Value float64
	Unit  Unit
}

// suffixes are the units in text, those first that end as others do.
var suffixes = []struct {
	text  string
	unit  Unit
	power int // of ten, that the number is multiplied by
}{
	{"steps", Steps, 0}, {"step", Steps, 0}, {"st", Steps, 0},
	{"batches", Steps, 0}, {"batch", Steps, 0}, {"ba", Steps, 0},
	{"epochs", Epochs, 0}, {"epoch", Epochs, 0}, {"ep", Epochs, 0},
	{"samples", Samples, 0}, {"sample", Samples, 0}, {"sp", Samples, 0},
	{"tokens", Tokens, 0}, {"token", Tokens, 0}, {"tok", Tokens, 0},
	{"dur", Fraction, 0}, {"%", Fraction, -2},
}

// ParseDuration reads "10ep", "0.06dur", "6%", "2.5e9tok", "1500st" or "100ba", and the units in words, "10 epochs" or
// "1500 steps". The number is finite and not negative; errors wrap [tensor.ErrRange] and quote the text.
func ParseDuration(text string) (Duration, error) {
	for _, u := range suffixes {
		number, ok := strings.CutSuffix(text, u.text)
		if !ok {
			continue
		}
		number = strings.TrimRight(number, " ")
		v, err := parseScaled(number, u.power)
		if errors.Is(err, strconv.ErrRange) {
			return Duration{}, fmt.Errorf("schedule: duration %q: %q is too large: %w", text, number, tensor.ErrRange)
		}
		if err != nil {
			return Duration{}, fmt.Errorf("schedule: duration %q: %q is not a number: %w", text, number, tensor.ErrRange)
		}
		d := Duration{v, u.unit}
		return d, d.Validate()
	}
	return Duration{}, fmt.Errorf("schedule: duration %q: no unit, want st, ba, ep, sp, tok, dur or %%: %w",
		text, tensor.ErrRange)
}

// parseDecimal is strconv.ParseFloat without hexadecimal numbers, underscores, infinities and NaN.
func parseDecimal(text string) (float64, error) {
	if strings.Trim(text, "0123456789.eE+-") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// parseScaled is the float64 nearest to the number of the text times a power of ten; to divide by 100 after reading
// would round twice.
func parseScaled(text string, power int) (float64, error) {
	v, err := parseDecimal(text)
	if err != nil || power == 0 {
		return v, err
	}
	mantissa, exponent, found := strings.Cut(strings.ToLower(text), "e")
	e := 0
	if found {
		if e, err = strconv.Atoi(exponent); err != nil {
			return v, nil // an exponent that large and a number that is finite: 0
		}
	}
	return parseDecimal(mantissa + "e" + strconv.Itoa(e+power))
}

// Validate reports an unknown unit and a value that is negative or not finite.
func (d Duration) Validate() error {
	return check("Duration").atLeast("Value", d.Value, 0).
		that(units.Valid(d.Unit), "Unit", uint8(d.Unit), "one of the named units").err()
}

// String is the duration as [ParseDuration] reads it back, to the last bit.
func (d Duration) String() string {
	return strconv.FormatFloat(d.Value, 'g', -1, 64) + d.Unit.String()
}

// MarshalText is String, or the error of Validate.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), d.Validate() }

// UnmarshalText is [ParseDuration].
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err == nil {
		*d = v
	}
	return err
}
