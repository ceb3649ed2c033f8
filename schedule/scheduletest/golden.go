package scheduletest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/schedule"
)

// Golden fails the test unless want are the values of s at the steps 0, 1, 2, ..., each to within tol*(1+|want|). It
// reports the first that is not.
func Golden(t testing.TB, s schedule.Schedule, want []float64, tol float64) {
	t.Helper()
	if len(want) == 0 || !(tol >= 0) {
		t.Fatalf("Golden: %d values, tolerance %v: want at least one value and a tolerance >= 0", len(want), tol)
	}
	if err := schedule.Validate(s); err != nil {
		t.Fatalf("Golden: %v", err)
	}
	wrong, first := 0, -1
	for step, w := range want {
		if got := s.Value(float64(step)); !(math.Abs(got-w) <= tol*(1+math.Abs(w))) {
			if wrong++; first < 0 {
				first = step
			}
		}
	}
	if wrong > 0 {
		t.Errorf("step %d: value %v, want %v to within %g; %d of %d values are off",
			first, s.Value(float64(first)), want[first], tol, wrong, len(want))
	}
}
