package tradeoff

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// hits is runs that reach quality 1 at the given costs.
func hits(tb testing.TB, name string, costs ...float64) Runs {
	tb.Helper()
	r := Runs{Name: name}
	for _, cost := range costs {
		c, err := NewCurve([]float64{cost / 2, cost}, []float64{0, 1}, HigherBetter)
		require.NoError(tb, err)
		r.Curves = append(r.Curves, c)
	}
	return r
}

// Runs at level 0.95 and power 0.8, effects in standard deviations. Cohen's tables, which are of equal variances, have
// 394, 64, 26, 17, 12, 9 and 6.
func TestRunsNeededTables(t *testing.T) {
	for effect, want := range map[float64]int{0.2: 394, 0.5: 64, 0.8: 26, 1: 17, 1.2: 13, 1.5: 9, 2: 6} {
		sd := 0.1
		// Two runs each, sd apart by as much as makes their sample deviation sd.
		d := math.Exp(sd / math.Sqrt2)
		base, method := hits(t, "base", 100*d, 100/d), hits(t, "method", 50*d, 50/d)
		n, err := RunsNeeded(base, method, ForSpeedup(math.Exp(effect*sd)))
		require.NoError(t, err)
		require.InDelta(t, sd, n.SD, 1e-12)
		require.Equal(t, want, n.Runs, "effect %v", effect)
		require.GreaterOrEqual(t, n.Power, 0.8)
		less, err := stats.WelchPower(effect, want-1)
		require.NoError(t, err)
		require.Less(t, less, 0.8)

		slower, err := RunsNeeded(base, method, ForSpeedup(math.Exp(-effect*sd)))
		require.NoError(t, err)
		require.Equal(t, want, slower.Runs, "a slowdown takes as many")
	}
}

func TestRunsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	base, method := hits(t, "base", 100, 110, 120), hits(t, "method", 80, 95, 90)
	n, err := RunsNeeded(base, method)
	require.NoError(t, err)
	e, err := Speedup(base, method)
	require.NoError(t, err)
	require.InDelta(t, e.Value, n.Speedup, 1e-12, "the speedup that was measured")
	more, err := RunsNeeded(base, method, WithPower(0.99))
	require.NoError(t, err)
	require.Greater(t, more.Runs, n.Runs)
	more, err = RunsNeeded(base, method, WithLevel(0.999))
	require.NoError(t, err)
	require.Greater(t, more.Runs, n.Runs)

	same, err := RunsNeeded(hits(t, "base", 100, 100), hits(t, "method", 50, 50))
	require.NoError(t, err)
	require.Equal(t, 3, same.Runs, "no fewer than have no warning")

	// Equal variances would promise .90 for two runs, where a million simulations give .578.
	d := math.Exp(0.06 / math.Sqrt2)
	quick, err := RunsNeeded(hits(t, "base", 150*d, 150/d), hits(t, "method", 100*d, 100/d))
	require.NoError(t, err)
	require.InDelta(t, 0.06, quick.SD, 1e-12)
	require.Equal(t, 3, quick.Runs)
	two, err := stats.WelchPower(math.Log(1.5)/0.06, 2)
	require.NoError(t, err)
	require.InDelta(t, 0.578, two, 0.001)

	for name, k := range map[string]struct {
		base, method Runs
		opts         []NeededOption
		want         error
	}{
		"no runs":      {Runs{}, method, nil, tensor.ErrEmpty},
		"one run each": {hits(t, "b", 1), hits(t, "m", 2), nil, ErrTooFewRuns},
		"not reached":  {base, method, []NeededOption{AtQuality(2)}, ErrNotReached},
		"the same":     {base, base, nil, ErrDegenerate},
		"nothing":      {hits(t, "b", 1, 1), hits(t, "m", 1, 1), nil, ErrDegenerate},
		"power 1":      {base, method, []NeededOption{WithPower(1)}, tensor.ErrRange},
		"power NaN":    {base, method, []NeededOption{WithPower(math.NaN())}, tensor.ErrRange},
		"speedup 1":    {base, method, []NeededOption{ForSpeedup(1)}, tensor.ErrRange},
		"speedup -2":   {base, method, []NeededOption{ForSpeedup(-2)}, tensor.ErrRange},
		"speedup inf":  {base, method, []NeededOption{ForSpeedup(math.Inf(1))}, tensor.ErrRange},
	} {
		_, err := RunsNeeded(k.base, k.method, k.opts...)
		require.ErrorIs(t, err, k.want, name)
	}
}

func BenchmarkRunsNeeded(b *testing.B) {
	base, method := hits(b, "base", 100, 110, 120), hits(b, "method", 80, 95, 90)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := RunsNeeded(base, method, ForSpeedup(1.01)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNeededString(t *testing.T) {
	require.Equal(t, "7 runs of each arm: a speedup of 1.2 is told from 1 with probability 0.83 at level 95% (sd of "+
		"log times 0.11)",
		fmt.Sprint(Needed{7, 1.2, 0.11, 0.83, 0.95}))
}
