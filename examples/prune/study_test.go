package main

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
	train, test, err := loadDigits()
	require.NoError(t, err)
	train.x, train.y, test.x, test.y = train.x[:64*64], train.y[:64], test.x[:50*64], test.y[:50]
	c, m := cnn(), mlp("MLP", 64, 256, 128, 1, 1, 32)
	c.base, c.tune, c.batch = 1, 1, 32
	wanted := func(r recipe, s strategy) bool {
		return s.name == dense || s.name == globalMag || r.name == "CNN" &&
			(s.name == matched || s.name == gradualMag || s.name == globalGrad)
	}
	run := func(procs int) []eval.Result {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		calls := 0
		results, err := study("digits", train, test, []recipe{c, m}, wanted, []uint64{7}, func(done, total int) {
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
	f := finder{results, "CNN", 7}
	require.InEpsilon(t, f.get(globalMag, 4).Speedup, f.get(matched, 4).Speedup, 1e-9, "random with the same proportions")
	require.NotEqual(t, f.acc(globalMag, 4), f.acc("nothing", 4))
}
