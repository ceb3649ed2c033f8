package score

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/espalier-ml/espalier/tradeoff"
)

var nan, inf = math.NaN(), math.Inf(1)

// number is a float64 of the reference data, in which infinities and NaN are words or null.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"inf"`:
		*n = number(math.Inf(1))
	case `"-inf"`:
		*n = number(math.Inf(-1))
	case `"nan"`, "null":
		*n = number(math.NaN())
	default:
		return json.Unmarshal(b, (*float64)(n))
	}
	return nil
}

func floats[T ~float64](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// same fails the test unless got is want up to a relative (and, near zero, absolute) tolerance.
func same(t *testing.T, want, got, tol float64, format string, args ...any) {
	t.Helper()
	if want == got || math.IsNaN(want) && math.IsNaN(got) {
		return
	}
	if d := math.Abs(want - got); !(d <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s: got %v, want %v", fmt.Sprintf(format, args...), got, want)
	}
}

func direction(higher bool) tradeoff.Direction {
	if higher {
		return tradeoff.HigherBetter
	}
	return tradeoff.LowerBetter
}
