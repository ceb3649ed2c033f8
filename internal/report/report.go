// Package report is how the numbers of reports stand in JSON, the same way in every package of the module. JSON has no
// word for numbers that are not finite, so they are null, and each type says what null means when it is read back.
package report

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
)

// Number is a number that is NaN where it is not known.
type Number float64

// Lower is a number that is -Inf where nothing bounds it.
type Lower float64

// Upper is a number that is +Inf where nothing bounds it.
type Upper float64

// MarshalJSON writes null for what is not finite.
func (n Number) MarshalJSON() ([]byte, error) { return marshal(float64(n)) }

// MarshalJSON writes null for what is not finite.
func (n Lower) MarshalJSON() ([]byte, error) { return marshal(float64(n)) }

// MarshalJSON writes null for what is not finite.
func (n Upper) MarshalJSON() ([]byte, error) { return marshal(float64(n)) }

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error { return unmarshal(n, b, math.NaN()) }

// UnmarshalJSON reads null as -Inf.
func (n *Lower) UnmarshalJSON(b []byte) error { return unmarshal(n, b, math.Inf(-1)) }

// UnmarshalJSON reads null as +Inf.
func (n *Upper) UnmarshalJSON(b []byte) error { return unmarshal(n, b, math.Inf(1)) }

func marshal(v float64) ([]byte, error) {
	if v-v != 0 {
		return []byte("null"), nil
	}
	return json.Marshal(v)
}

func unmarshal[N ~float64](n *N, b []byte, null float64) error {
	v := &null
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v == nil {
		v = &null
	}
	*n = N(*v)
	return nil
}

// Texts is warnings for JSON, which would have errors as {}.
func Texts(warnings []error) []string {
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.Error())
	}
	return texts
}

// Warnings is what [Texts] wrote: errors with the same texts, each wrapping that of the sentinels whose text it ends
// with.
func Warnings(texts []string, sentinels ...error) []error {
	var warnings []error
	for _, text := range texts {
		w := errors.New(text)
		for _, s := range sentinels {
			if strings.HasSuffix(text, s.Error()) {
				w = warning{text, s}
			}
		}
		warnings = append(warnings, w)
	}
	return warnings
}

type warning struct {
	text     string
	sentinel error
}

func (w warning) Error() string { return w.text }
func (w warning) Unwrap() error { return w.sentinel }
