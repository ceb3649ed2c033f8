package tradeofftest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// fewest is the number of runs of an arm below which nothing is told of their spread.
const fewest = 3

// RequireFaster fails the test at once unless the runs show that method is more than minSpeedup times as fast as base
// at matched quality: the lower end of the interval of [tradeoff.Speedup], which gets the options, has to be above
// it. Fewer than 3 runs of an arm show nothing and fail.
func RequireFaster(t testing.TB, base, method tradeoff.Runs, minSpeedup float64, opts ...tradeoff.SpeedupOption) {
	t.Helper()
	if !(minSpeedup > 0) {
		t.Fatalf("RequireFaster: minSpeedup is %v, want a factor above 0", minSpeedup)
		return
	}
	if n := min(len(base.Curves), len(method.Curves)); n < fewest {
		t.Fatalf("RequireFaster: %d runs of an arm show nothing of the spread\nRun %d seeds of each or more.", n, fewest)
		return
	}
	e, err := tradeoff.Speedup(base, method, opts...)
	if err != nil {
		t.Fatalf("RequireFaster: %v", err)
		return
	}
	if !(e.Lo > minSpeedup) {
		t.Fatalf("%s", verdict(fmt.Sprintf("%q is not shown to be more than %v times as fast as %q", method.Name, minSpeedup,
			base.Name), e, minSpeedup))
	}
}

// RequireNoSlowdown fails the test at once unless the runs show that method takes less than 1+tolerance times as long
// as base at matched quality, tolerance > 0: a test of non-inferiority. It passes if the lower end of the interval of
// [tradeoff.Speedup], which gets the options, is above 1/(1+tolerance); too wide an interval fails as a slowdown
// does. With fewer than 3 runs of an arm, which can show nothing, the test is skipped.
func RequireNoSlowdown(t testing.TB, base, method tradeoff.Runs, tolerance float64, opts ...tradeoff.SpeedupOption) {
	t.Helper()
	if !(tolerance > 0) {
		t.Fatalf("RequireNoSlowdown: tolerance is %v, want a share above 0, such as 0.05: no number of runs shows that "+
			"there is no slowdown at all", tolerance)
		return
	}
	if n := min(len(base.Curves), len(method.Curves)); n < fewest {
		t.Skipf("RequireNoSlowdown: %d runs of an arm show nothing of the spread; run %d seeds of each or more", n, fewest)
		return
	}
	e, err := tradeoff.Speedup(base, method, opts...)
	if err != nil {
		t.Fatalf("RequireNoSlowdown: %v", err)
		return
	}
	if bound := 1 / (1 + tolerance); !(e.Lo > bound) {
		t.Fatalf("%s", verdict(fmt.Sprintf("%q may take more than %v times as long as %q", method.Name, 1+tolerance,
			base.Name), e, bound))
	}
}

// verdict explains a speedup that is not shown to be above a bound.
func verdict(claim string, e stats.Estimate, bound float64) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s\nSpeedup: %v", claim, e)
	switch {
	case e.Hi < bound:
		fmt.Fprintf(&s, "\nIt is below %.4g: more runs will not help.", bound)
	case e.Value > bound:
		fmt.Fprintf(&s, "\nThe estimate is above %.4g, but not all of the interval: run more seeds; tradeoff.RunsNeeded "+
			"tells how many.", bound)
	default:
		fmt.Fprintf(&s, "\nThe estimate is not above %.4g.", bound)
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&s, "\nWarning: %v", w)
	}
	return s.String()
}
