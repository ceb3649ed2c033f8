package scheduletest

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/schedule"
)

// Check fails the test for every property of a schedule that s lacks:
//
//   - Validate finds nothing wrong;
//   - purity: the value depends on t alone, not on the order of the calls or on calls from other goroutines, which
//     counts for most under the race detector;
//   - finite values at every time, including NaN, infinite, negative and huge ones;
//   - values inside the declared range ([WithRange]);
//   - continuity between the times that [schedule.Breakpoints] lists, unless [WithJumps];
//   - the same value for ever from the declared end on ([WithHold]);
//   - JSON: a schedule that can be written reads back as one with the same values to the last bit;
//   - the sum over the steps is [schedule.Integral];
//   - Value allocates nothing; not checked under the race detector.
//
// The steps looked at are 0 to 1000 unless [WithWindow] says otherwise. Counting allocations, Check cannot be called
// from parallel tests.
func Check(t testing.TB, s schedule.Schedule, opts ...Option) {
	t.Helper()
	c, err := newConfig(opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := schedule.Validate(s); err != nil {
		t.Fatalf("Validate: %v\nA schedule under test must be a valid one.", err)
	}
	at := times(c.from, c.to)
	if !checkFinite(t, s, at) {
		return // the rest would say the same again
	}
	checkPurity(t, s, at)
	if c.ranged {
		checkRange(t, s, c, at)
	}
	if !c.jumps {
		checkContinuity(t, s, float64(c.from), float64(c.to))
	}
	if c.held {
		checkHold(t, s, c)
	}
	checkJSON(t, s, c.registry, at)
	checkIntegral(t, s, c)
	checkAllocations(t, s, at)
}

// times are the steps of the window, at most about a thousand of them, and times between them.
func times(from, to int) []float64 {
	var at []float64
	for step := from; step <= to; step += max(1, (to-from)/1000) {
		at = append(at, float64(step), float64(step)+0.37)
	}
	return append(at, float64(to))
}

// oddTimes are those that no training loop passes on purpose.
var oddTimes = []float64{math.NaN(), math.Inf(-1), math.Inf(1), -1, math.Copysign(0, -1), 0,
	math.SmallestNonzeroFloat64,
	1e300, -1e300, math.MaxFloat64, -math.MaxFloat64, 1 << 53, 1<<53 + 2, math.MaxInt64}

func checkFinite(t testing.TB, s schedule.Schedule, at []float64) bool {
	t.Helper()
	for _, list := range [][]float64{oddTimes, at} {
		for _, x := range list {
			if v := s.Value(x); v-v != 0 {
				t.Errorf("Value(%v) = %v\nEvery time must give a finite number: a NaN that reaches an optimizer destroys "+
					"the model.", x, v)
				return false
			}
		}
	}
	return true
}

func checkPurity(t testing.TB, s schedule.Schedule, at []float64) {
	t.Helper()
	want := values(s, at)
	same := func(how string, order []int) bool {
		for _, i := range order {
			if got := s.Value(at[i]); !identical(got, want[i]) {
				t.Errorf("Value(%v) = %v, but %v before, %s\nThe value must depend on t alone: then resuming a run is calling "+
					"Value with another t.",
					at[i], got, want[i], how)
				return false
			}
		}
		return true
	}
	forward := make([]int, len(at))
	for i := range forward {
		forward[i] = i
	}
	shuffled := rand.New(rand.NewPCG(1, 2)).Perm(len(at))
	if !same("called again in the same order", forward) || !same("called in another order", shuffled) {
		return
	}
	together.Run(4, func(int) { same("called from several goroutines", shuffled) })
}

func checkRange(t testing.TB, s schedule.Schedule, c config, at []float64) {
	t.Helper()
	for _, list := range [][]float64{oddTimes, at} {
		for _, x := range list {
			if v := s.Value(x); v < c.lo || v > c.hi {
				t.Errorf("Value(%v) = %v\nThe declared range is [%v, %v].", x, v, c.lo, c.hi)
				return
			}
		}
	}
	lo, hi, err := schedule.Range(s, float64(c.from), float64(c.to))
	if err != nil {
		t.Errorf("Range: %v", err)
	} else if lo < c.lo || hi > c.hi {
		t.Errorf("values from %v to %v between the steps\nThe declared range is [%v, %v].", lo, hi, c.lo, c.hi)
	}
}

// checkContinuity halves intervals on the side of the larger difference: at a jump the difference stays, however
// short the interval. Steep is not a jump: sqrt(x) has done 1e-8 of its way after 1e-16.
func checkContinuity(t testing.TB, s schedule.Schedule, from, to float64) {
	t.Helper()
	breaks, err := schedule.Breakpoints(s, from, to)
	if err != nil {
		t.Errorf("Breakpoints: %v", err)
		return
	}
	for i := 1; i < len(breaks); i++ {
		if !(breaks[i] > breaks[i-1]) {
			t.Errorf("Breakpoints: %v after %v\nThey must be in increasing order.", breaks[i], breaks[i-1])
			return
		}
	}
	lo, hi, err := schedule.Range(s, from, to)
	if err != nil {
		t.Errorf("Range: %v", err)
		return
	}
	tolerance := max(1e-6*(hi-lo), 1e-12*max(math.Abs(lo), math.Abs(hi))) // rounding is no jump
	margin := 1e-9 * max(to-from, math.Abs(from), math.Abs(to))           // breakpoints are exact to rounding
	for i, b := range append(breaks, to) {
		a := from
		if i > 0 {
			a = breaks[i-1]
		}
		const pieces = 64
		l, r := a+margin, b-margin
		for k := range pieces {
			if !(l < r) {
				break
			}
			x, y, ok := jump(s, l+(r-l)*float64(k)/pieces, l+(r-l)*float64(k+1)/pieces, tolerance)
			if ok {
				t.Errorf("jump from %v to %v at time %v\nBetween its breakpoints a schedule is continuous: list the time in a "+
					"method Breakpoints(from, to float64) []float64, or say WithJumps.",
					s.Value(x), s.Value(y), y)
				return
			}
		}
	}
}

func jump(s schedule.Schedule, a, b, tolerance float64) (x, y float64, ok bool) {
	fa, fb := s.Value(a), s.Value(b)
	for math.Abs(fb-fa) > tolerance {
		m := a + (b-a)/2
		if m <= a || m >= b {
			return a, b, true
		}
		fm := s.Value(m)
		if math.Abs(fm-fa) > math.Abs(fb-fm) {
			b, fb = m, fm
		} else {
			a, fa = m, fm
		}
	}
	return 0, 0, false
}

func checkHold(t testing.TB, s schedule.Schedule, c config) {
	t.Helper()
	want := s.Value(c.hold)
	for _, after := range []float64{0.25, 1, 2, 10, 1e3, 1e6, 1e12, math.Inf(1)} {
		if v := s.Value(c.hold + after); !identical(v, want) {
			t.Errorf("Value(%v) = %v, but %v at the declared end, time %v\nA schedule that is over must stay: runs are often "+
				"extended by a few steps.",
				c.hold+after, v, want, c.hold)
			return
		}
	}
}

func checkJSON(t testing.TB, s schedule.Schedule, r *schedule.Registry, at []float64) {
	t.Helper()
	const why = "\nWhat is written must read back as the same schedule, so that a run can be repeated from its " +
		"configuration."
	spec, err := r.SpecOf(s)
	if errors.Is(err, schedule.ErrNotSerializable) && r == nil {
		return
	}
	if err != nil {
		t.Errorf("SpecOf: %v%s", err, why)
		return
	}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Errorf("writing JSON: %v%s", err, why)
		return
	}
	if spec, err = r.ParseJSON(b); err != nil {
		t.Errorf("reading %.200s: %v%s", b, err, why)
		return
	}
	again, err := spec.Compile(schedule.Plan{}, schedule.Steps)
	if err != nil {
		t.Errorf("compiling %.200s: %v%s", b, err, why)
		return
	}
	for _, x := range at {
		if got, want := again.Value(x), s.Value(x); !identical(got, want) {
			t.Errorf("Value(%v) = %v, but %v after writing and reading %.200s%s", x, want, got, b, why)
			return
		}
	}
}

func checkIntegral(t testing.TB, s schedule.Schedule, c config) {
	t.Helper()
	got, err := schedule.Integral(s, c.from, c.to)
	if err != nil {
		t.Errorf("Integral: %v", err)
		return
	}
	sum, size := 0.0, 0.0
	for step := c.from; step < c.to; step++ {
		v := s.Value(float64(step))
		sum += v
		size += math.Abs(v)
	}
	if !(math.Abs(got-sum) <= 1e-9*size) {
		t.Errorf("Integral(%d, %d) = %v, but the values add up to %v\nThe integral is the sum over the steps.",
			c.from, c.to, got, sum)
	}
}

func checkAllocations(t testing.TB, s schedule.Schedule, at []float64) {
	t.Helper()
	if race.Enabled {
		return
	}
	i := 0
	n := testing.AllocsPerRun(100, func() {
		s.Value(at[i%len(at)])
		i++
	})
	if n != 0 {
		t.Errorf("Value allocates %v times\nIt is called in every step for every hyper-parameter and must not make garbage.",
			n)
	}
}

func values(s schedule.Schedule, at []float64) []float64 {
	v := make([]float64, len(at))
	for i, x := range at {
		v[i] = s.Value(x)
	}
	return v
}

func identical(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}
