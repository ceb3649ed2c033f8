package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// covered is the share of samples of n values whose interval has the truth in it.
func covered(t *testing.T, seed uint64, n, trials int, truth float64, draw func(*rand.Rand) float64,
	interval func([]float64) (Estimate, error)) float64 {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	hits, x := 0, make([]float64, n)
	for range trials {
		for i := range x {
			x[i] = draw(rng)
		}
		e, err := interval(x)
		require.NoError(t, err)
		require.LessOrEqual(t, e.Lo, e.Hi)
		if e.Lo <= truth && truth <= e.Hi {
			hits++
		}
	}
	return float64(hits) / float64(trials)
}

// The default intervals keep their level of 0.95 with as few values as papers have, and the bootstrap does not but says
// so.
func TestCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	normal := func(rng *rand.Rand) float64 { return 10 + 3*rng.NormFloat64() }
	ratio := func(rng *rand.Rand) float64 { return math.Exp(0.4 + rng.NormFloat64()/3) }
	for _, n := range []int{3, 5, 10, 20} {
		p := covered(t, 1, n, 4000, 10, normal, func(x []float64) (Estimate, error) { return Mean(x) })
		require.InDelta(t, 0.95, p, 0.012, "t of %d", n)
		p = covered(t, 2, n, 4000, math.Exp(0.4), ratio, func(x []float64) (Estimate, error) { return GeoMean(x) })
		require.InDelta(t, 0.95, p, 0.012, "log-t of %d", n)
		// Discrete, so at least its level.
		p = covered(t, 3, n, 4000, 10, normal, func(x []float64) (Estimate, error) { return Median(x) })
		require.Greater(t, p, 0.94, "median of %d", n)
	}
	for _, m := range []Interval{Percentile, Basic, BCa} {
		few := covered(t, 4, 4, 400, 10, normal, func(x []float64) (Estimate, error) {
			e, err := Mean(x, WithInterval(m), WithReplicates(400))
			require.ErrorIs(t, e.Warnings[0], ErrTooFew)
			return e, err
		})
		require.Less(t, few, 0.9, "%v of 4 values falls short", m)
		many := covered(t, 5, 40, 400, 10, normal, func(x []float64) (Estimate, error) {
			e, err := Mean(x, WithInterval(m), WithReplicates(400))
			require.Empty(t, e.Warnings)
			return e, err
		})
		require.InDelta(t, 0.94, many, 0.035, "%v of 40 values", m)
	}
	p := covered(t, 6, 5, 400, 10, normal, func(x []float64) (Estimate, error) {
		return Mean(x, WithInterval(Studentized),
			WithReplicates(400))
	})
	require.Greater(t, p, 0.9, "studentized")
}
