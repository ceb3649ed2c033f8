package peak

import (
	"testing"
	"time"
)

func TestPeak(t *testing.T) {
	began := time.Now()
	clock := func() time.Duration { return time.Since(began) }
	single, double := GFLOPS(4, clock), GFLOPS(8, clock)
	t.Logf("%s: %d bits, %.0f and %.0f GFLOP/s", Processor(), VectorBits(), single, double)
	if VectorBits() >= 256 && (single <= 0 || double <= 0) {
		t.Fatalf("%v, %v", single, double)
	}
}
