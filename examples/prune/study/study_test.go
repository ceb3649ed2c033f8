package study

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune/eval"
)

// A small study has every result once, prunes as much as it says, leaves no weight where there should be none, and
// comes out the same on one processor.
func TestStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	train, test, err := LoadDigits()
	require.NoError(t, err)
	train.x, train.Y, test.x, test.Y = train.x[:64*64], train.Y[:64], test.x[:50*64], test.Y[:50]
	c, m := CNN(), MLP("MLP", 64, 256, 128, 1, 1, 32)
	c.Base, c.Tune, c.Batch = 1, 1, 32
	wanted := func(r Recipe, s Strategy) bool {
		return s.Name == Dense || s.Name == GlobalMagnitude || r.Name == "CNN" &&
			(s.Name == Matched || s.Name == GradualMagnitude || s.Name == GlobalGradient)
	}
	run := func(procs int) []eval.Result {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		calls := 0
		results, err := Plan{Dataset: "digits", Train: train, Test: test, Recipes: []Recipe{c, m},
			Strategies: Strategies, Wanted: wanted, Compressions: Compressions, Seeds: []uint64{7}}.Run(func(done, total int) {
			calls++
			require.Equal(t, calls, done)
			require.Equal(t, 2+2*(1+5)+3*5, total)
		})
		require.NoError(t, err)
		require.Equal(t, 2+2*(1+5)+3*5, calls)
		return results
	}
	results := run(2)
	require.Equal(t, results, run(1))
	for _, r := range results {
		if r.Target == 1 {
			require.Equal(t, 1.0, r.Ratio)
			continue
		}
		require.InEpsilon(t, r.Target, r.Ratio, 0.01, "%s, %s", r.Model, r.Method)
		require.GreaterOrEqual(t, r.Speedup, 1.0)
		if r.Model == "MLP" {
			require.GreaterOrEqual(t, r.EffectiveRatio, r.Ratio-1e-9)
		}
		require.True(t, r.Top1 >= 0 && r.Top1 <= 1)
	}
	f := Finder{results, "CNN", 7}
	require.InEpsilon(t, f.Get(GlobalMagnitude, 4).Speedup, f.Get(Matched, 4).Speedup, 1e-9,
		"random with the same proportions")
	require.NotEqual(t, f.Accuracy(GlobalMagnitude, 4), f.Accuracy("nothing", 4))
}
