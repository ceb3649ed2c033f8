package timing

import (
	"errors"
	"testing"
)

func TestMedian(t *testing.T) {
	calls := 0
	ns, err := Median(3, 10, func() error { calls++; return nil })
	if err != nil || !(ns > 0) || calls < 4 {
		t.Fatalf("%v ns, error %v after %d calls", ns, err, calls)
	}
	failure := errors.New("failure")
	calls = 0
	if _, err := Median(3, 10, func() error {
		if calls++; calls == 2 {
			return failure
		}
		return nil
	}); !errors.Is(err, failure) {
		t.Fatalf("error %v", err)
	}
}
