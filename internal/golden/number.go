package golden

import (
	"encoding/json"
	"math"
	"testing"
)

// Number is a float64 of the JSON files in which infinities and NaN are words or null.
type Number float64

// UnmarshalJSON reads "inf", "-inf", "nan", null or a number.
func (n *Number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"inf"`:
		*n = Number(math.Inf(1))
	case `"-inf"`:
		*n = Number(math.Inf(-1))
	case `"nan"`, "null":
		*n = Number(math.NaN())
	default:
		return json.Unmarshal(b, (*float64)(n))
	}
	return nil
}

// Floats converts numbers.
func Floats[T ~float64](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Same fails the test, with a message made of format and args, unless got is want up to a relative tolerance, absolute
// below 1. NaN equals only NaN and an infinity only itself.
func Same(tb testing.TB, want, got, tol float64, format string, args ...any) {
	tb.Helper()
	if want == got || math.IsNaN(want) && math.IsNaN(got) {
		return
	}
	if d := math.Abs(want - got); !(d <= tol*max(1, math.Abs(want))) || math.IsInf(want, 0) {
		tb.Errorf(format+": got %v, want %v", append(args[:len(args):len(args)], got, want)...)
	}
}
