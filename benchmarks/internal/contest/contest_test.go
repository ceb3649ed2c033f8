package contest

import (
	"math"
	"testing"
	"time"
)

// TestRun runs on a clock of its own, which every function moves by what it claims to cost.
func TestRun(t *testing.T) {
	var now time.Duration
	turns := 0
	c := Contest{
		Clock:  func() time.Duration { return now },
		Turn:   time.Millisecond,
		Budget: 100 * time.Millisecond,
		Setup:  func(int) { turns++; now += time.Hour },
	}
	work := func(cost time.Duration) func(int) {
		return func(times int) { now += time.Duration(times) * cost }
	}
	res := c.Run(work(100*time.Microsecond), work(250*time.Microsecond), work(20*time.Millisecond))
	for i, want := range []float64{1, 2.5, 200} {
		if math.Abs(res.Ratios[i]-want) > 1e-9 || math.Abs(res.Seconds[i]-want*1e-4) > 1e-12 {
			t.Errorf("function %d: ratio %v, %v s, want %v and %v", i, res.Ratios[i], res.Seconds[i], want, want*1e-4)
		}
	}
	if want := 3 + 3*res.Rounds; turns != want {
		t.Errorf("%d turns were prepared, want %d", turns, want)
	}
	if res = c.Run(work(time.Second)); res.Rounds != minRounds {
		t.Errorf("%d rounds of something slow, want %d", res.Rounds, minRounds)
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
}
