package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// The power is the share of experiments whose interval of a difference excludes 0.
func TestWelchPowerBySimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	const trials = 20_000
	for _, k := range []struct {
		effect float64
		n      int
	}{{math.Log(1.5) / 0.06, 2}, {3, 3}, {1, 4}, {0, 5}, {0.5, 30}} {
		rejected := 0
		x := [2][]float64{make([]float64, k.n), make([]float64, k.n)}
		for trial := range trials {
			rng := tensor.Stream(7, uint64(trial))
			for a := range x {
				for i := range x[a] {
					x[a][i] = rng.NormFloat64() + float64(a)*k.effect
				}
			}
			e, err := Difference(x[1], x[0])
			require.NoError(t, err)
			if e.Lo > 0 || e.Hi < 0 {
				rejected++
			}
		}
		power, err := WelchPower(k.effect, k.n)
		require.NoError(t, err)
		require.InDelta(t, float64(rejected)/trials, power, 0.012, "effect %v, n %d", k.effect, k.n)
	}
}

// With many values the degrees of freedom are those of equal variances, and the power that of Student's test: Cohen's
// tables have 394 for a fifth of a standard deviation.
func TestWelchPowerOfManyValues(t *testing.T) {
	for _, n := range []int{393, 394} {
		power, err := WelchPower(0.2, n)
		require.NoError(t, err)
		require.Equal(t, n == 394, power >= 0.8)
	}
	power, err := WelchPower(0.01, 1<<24)
	require.NoError(t, err)
	require.InDelta(t, 1, power, 1e-9)
	power, err = WelchPower(math.Inf(1), 3)
	require.NoError(t, err)
	require.Equal(t, 1.0, power)
	for _, level := range []float64{0.5, 0.9, 0.999} { // without an effect it is what the level leaves
		power, err = WelchPower(0, 300, WithLevel(level))
		require.NoError(t, err)
		require.InDelta(t, 1-level, power, 1e-5)
	}
	_, err = WelchPower(1, 1)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = WelchPower(math.NaN(), 3)
	require.ErrorIs(t, err, tensor.ErrRange)
}

func BenchmarkWelchPower(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := WelchPower(1, 10); err != nil {
			b.Fatal(err)
		}
	}
}
