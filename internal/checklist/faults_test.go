package checklist

import "testing"

func TestFaults(t *testing.T) {
	var f Faults
	for i := range 14 {
		f.Add("place %d", i/2)
	}
	if got, want := f.String(), "place 0; place 1; place 2; place 3; place 4; and 2 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := f[:5].String(), "place 0; place 1; place 2; place 3; place 4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
