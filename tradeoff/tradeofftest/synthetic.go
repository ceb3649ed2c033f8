package tradeofftest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Synthetic makes runs with a known speedup, to test what compares runs.
type Synthetic struct {
	Speedup   float64 // of the method over the baseline, > 0
	N         int     // runs of each arm, >= 1
	Noise     float64 // standard deviation of the logarithm of a run's time, >= 0; at 0 all runs of an arm are alike
	Direction tradeoff.Direction
	Seed      uint64 // of the noise; another seed is another experiment
}

// Curves makes the runs: qualities from 0.41 to 0.95 (from 0.59 down to 0.05 where lower is better) at 40 costs,
// around 100 to half of the way. Runs of the method take the time of one of the baseline over Speedup, times their
// own noise, at every quality: with any target and interpolation, and on average, the speedup is Speedup up to the
// noise. It fails the test if a field is out of range.
func (s Synthetic) Curves(t testing.TB) (base, method tradeoff.Runs) {
	t.Helper()
	if !(s.Speedup > 0 && s.Noise >= 0) || math.IsInf(s.Speedup, 1) || math.IsInf(s.Noise, 1) || s.N < 1 {
		t.Fatalf("tradeofftest: %+v: want Speedup > 0, N >= 1 and Noise >= 0", s)
		return
	}
	base.Name, method.Name = "base", "method"
	for run := range s.N {
		base.Curves = append(base.Curves, s.curve(t, 0, run, 100))
		method.Curves = append(method.Curves, s.curve(t, 1, run, 100/s.Speedup))
	}
	return base, method
}

func (s Synthetic) curve(t testing.TB, arm, run int, scale float64) tradeoff.Curve {
	t.Helper()
	const points = 40
	scale *= math.Exp(s.Noise * tensor.Stream(s.Seed, uint64(arm), uint64(run)).NormFloat64())
	cost, quality := make([]float64, points), make([]float64, points)
	for i := range points {
		u := 0.05 * math.Pow(400, float64(i)/(points-1)) // to 20 times the scale
		cost[i] = scale * u
		quality[i] = 0.95 - float64(0.6*math.Exp(-math.Pow(u, 0.75)))
		if s.Direction == tradeoff.LowerBetter {
			quality[i] = 1 - quality[i]
		}
	}
	c, err := tradeoff.NewCurve(cost, quality, s.Direction)
	if err != nil {
		t.Fatalf("tradeofftest: %v", err)
	}
	return c
}
