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
	for _, codebooks := range []int{4, 16, 64} {
		t.Logf("%d codebooks: %.0f G look-ups/s", codebooks, Lookups(codebooks, clock))
	}
	results := make([]float32, 1<<20) // of 4 MB, as those of look-ups
	for name, write := range map[string]func([]float32){"stores": Write, "streaming stores": stream} {
		var writing, reading time.Duration
		for i := range 200 {
			begin := clock()
			write(results)
			written := clock()
			Read(results)
			if took := written - begin; i == 0 || took < writing {
				writing, reading = took, clock()-written
			}
		}
		t.Logf("%s: 4 MB written in %v and read after it in %v", name, writing, reading)
	}
	x := make([]float32, 1001)
	Write(x)
	Read(x)
	if x[0] != 1 || x[1000] != 1 {
		t.Fatal(x[0], x[1000])
	}
}
