package runlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tradeoff"
)

// noisy is evaluations of two qualities that rise and fall with noise, some not finite.
func noisy(rng *rand.Rand, run int) []Record {
	var all []Record
	n, begin := 1+rng.IntN(200), rng.IntN(2)
	broken := rng.IntN(400)
	for i := range n {
		t := float64(i + begin)
		acc := 1 - 1/(1+0.05*t) + 0.03*rng.NormFloat64()
		if levels := rng.IntN(3) == 0; levels {
			acc = math.Round(acc*20) / 20
		}
		r := Record{Kind: "eval", RunID: fmt.Sprint(run), Task: "t", Seed: uint64(run), Step: i + begin,
			Cost:    map[string]float64{"seconds": t * (1 + 0.1*float64(run)), "flops": 3 * t},
			Quality: map[string]float64{"acc": acc, "loss": 1 - acc + 0.01*rng.NormFloat64()}}
		if run%2 == 1 {
			r.Method = []string{"fast"}
		}
		if rng.IntN(60) == 0 || i > broken {
			r.Quality["acc"] = math.NaN()
		}
		all = append(all, r)
	}
	return all
}

// A thinned log reads as the whole one does, to the last bit.
func TestThinnedLogsReadTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	left, all := 0, 0
	for trial := range 60 {
		var whole, thin Log
		thin.Thin()
		for run := range 6 {
			records := noisy(rng, run)
			require.NoError(t, whole.Add("a", records...))
			require.NoError(t, thin.Add("a", records...))
		}
		for _, quality := range []string{"acc", "loss"} {
			for _, cost := range []string{"seconds", "step", "flops"} {
				want, err := whole.Arms(cost, quality)
				got, err2 := thin.Arms(cost, quality)
				require.Equal(t, err == nil, err2 == nil, "%v, %v", err, err2)
				if err != nil {
					continue
				}
				for i, a := range want {
					require.Equal(t, a.Before, got[i].Before)
					for k, c := range a.Runs.Curves {
						sameReadings(t, rng, c, got[i].Runs.Curves[k], trial)
						all, left = all+c.Len(), left+got[i].Runs.Curves[k].Len()
					}
				}
			}
		}
		a, err := whole.Review()
		require.NoError(t, err)
		b, err := thin.Review()
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
	require.Less(t, left, all)
}

// What is kept of a run hardly grows with its length, be it that it failed early.
func TestThinnedLogsAreSmall(t *testing.T) {
	kept := func(n int, acc func(i int) float64) int {
		var l Log
		l.Thin()
		for i := range n {
			require.NoError(t, l.Add("x", Record{Kind: "eval", RunID: "a", Step: i + 1,
				Cost: map[string]float64{"seconds": float64(i + 1)}, Quality: map[string]float64{"acc": acc(i)}}))
		}
		return len(l.evaluated()[0].steps)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, acc := range []func(i int) float64{
		func(i int) float64 { return 1 - 1/(1+0.01*float64(i)) + 0.01*rng.NormFloat64() },
		func(i int) float64 { return math.Sqrt(100 - float64(i)) },
		func(i int) float64 { return 0.5 },
	} {
		short, long := kept(2000, acc), kept(20_000, acc)
		require.Less(t, short, 400)
		require.Less(t, long, short+200)
	}
}

func sameReadings(t *testing.T, rng *rand.Rand, want, got tradeoff.Curve, trial int) {
	t.Helper()
	require.Equal(t, want.Best(), got.Best())
	require.Equal(t, want.Failed(), got.Failed())
	require.Equal(t, want.Missing(), got.Missing())
	require.Equal(t, want.Spent(), got.Spent())
	require.Equal(t, want.Rises(), got.Rises())
	a, b := want.Costs()
	x, y := got.Costs()
	require.Equal(t, [2]float64{a, b}, [2]float64{x, y})
	for range 10 {
		q, cost := rng.Float64(), a+rng.Float64()*(b-a)
		for _, how := range []tradeoff.Interpolation{tradeoff.FirstHit, tradeoff.Linear, tradeoff.LogCost} {
			c1, ok1 := want.TimeToQuality(q, how)
			c2, ok2 := got.TimeToQuality(q, how)
			require.Equal(t, [2]any{c1, ok1}, [2]any{c2, ok2}, "%d: %v %v", trial, q, how)
			if how == tradeoff.FirstHit && want.Len() > 0 {
				q1, _ := want.Envelope().QualityAt(cost, how)
				q2, _ := got.Envelope().QualityAt(cost, how)
				require.Equal(t, q1, q2)
			}
		}
	}
}

// What is out of order is refused, not misread.
func TestThinRefuses(t *testing.T) {
	record := func(step int, seconds, acc float64) Record {
		return Record{Kind: "eval", RunID: "a", Step: step, Cost: map[string]float64{"seconds": seconds},
			Quality: map[string]float64{"acc": acc}}
	}
	for name, r := range map[string]Record{"a step back": record(1, 3, .5), "a step twice": record(2, 3, .5),
		"a clock that restarts": record(3, 1, .5), "a cost twice": record(3, 2, .5),
		"another quality": {Kind: "eval", RunID: "a", Step: 3, Cost: map[string]float64{"seconds": 3},
			Quality: map[string]float64{"loss": .5}},
		"no cost": {Kind: "eval", RunID: "a", Step: 3, Quality: map[string]float64{"acc": .5}}} {
		var l Log
		l.Thin()
		require.NoError(t, l.Add("x", record(1, 1, .1), record(2, 2, .2)), name)
		require.ErrorIs(t, l.Add("x", r), ErrOrder, name)
	}
}

func BenchmarkThin(b *testing.B) {
	b.ReportAllocs()
	r := Record{Kind: "eval", RunID: "a", Schema: Schema, Cost: map[string]float64{"seconds": 0},
		Quality: map[string]float64{"acc": 0}}
	var l Log
	l.Thin()
	for i := 0; b.Loop(); i++ {
		r.Step, r.Cost["seconds"], r.Quality["acc"] = i, float64(i), math.Sin(float64(i))
		if err := l.add("x", &r); err != nil {
			b.Fatal(err)
		}
	}
}
