package prunetest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/prune"
)

// CheckSchedule fails the test for every property that s lacks on its way to a target sparsity in (0, 1):
//
//   - Validate finds nothing wrong;
//   - the sparsity at updates is in [0, 1], never falls, is the target at the end and after it, and depends on the
//     step alone;
//   - no update lies before Begin or after End, and one is at End;
//   - a pruner that follows it reaches the target, also if it is called only now and then.
func CheckSchedule(t testing.TB, s prune.Schedule, target float64) {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatalf("Validate: %v\nA schedule under test must be a valid one.", err)
	}
	if !(target > 0 && target < 1) {
		t.Fatalf("target %v: want one in (0, 1)", target)
	}
	stride := max(1, (s.End-s.Begin)/1000)
	last := 0.0
	for step := s.Begin; step <= s.End; step += stride {
		v := s.Sparsity(step, target)
		switch {
		case !(v >= 0 && v <= 1):
			t.Errorf("sparsity at step %d is %v\nWant 0 to 1.", step, v)
			return
		case v < last-1e-12:
			t.Errorf("sparsity falls from %v to %v at step %d\nMasks only shrink.", last, v, step)
			return
		case v != s.Sparsity(step, target):
			t.Errorf("sparsity at step %d differs when asked again\nIt must depend on the step alone.", step)
			return
		}
		last = v
	}
	for _, step := range []int{s.End, s.End + 1, s.End + 1000} {
		if v := s.Sparsity(step, target); math.Abs(v-target) > 1e-9 {
			t.Errorf("sparsity at step %d is %v, the target is %v\nA schedule must reach its target at its end, step %d, and "+
				"stay there.", step, v, target, s.End)
			return
		}
	}
	if !s.IsUpdate(s.End) || s.IsUpdate(s.End+1) || s.IsUpdate(s.Begin-1) {
		t.Errorf("updates outside of [%d, %d], or none at the end", s.Begin, s.End)
	}
	for _, every := range []int{stride, 7 * stride, s.End + 1} {
		params := Params[float32](1)
		p, err := prune.New(params, prune.WithSparsity(target), prune.WithScope(prune.Global), prune.WithSchedule(s),
			prune.WithCollapse())
		if err != nil {
			t.Errorf("New: %v", err)
			return
		}
		for step := 0; ; step += every {
			if _, err := p.Step(step); err != nil {
				t.Errorf("Step(%d): %v", step, err)
				return
			}
			if step >= s.End {
				break
			}
		}
		if err := p.Finish(); err != nil {
			t.Errorf("called every %d steps, the pruner does not finish: %v", every, err)
			return
		}
	}
}
