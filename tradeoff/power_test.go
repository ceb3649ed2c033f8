package tradeoff

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Cohen's sample sizes at level 0.05 and power 0.80 (1988, table 2.4.1), and his definition by simulation.
func TestPower(t *testing.T) {
	for effect, want := range map[float64]int{0.2: 394, 0.5: 64, 0.8: 26} {
		n, err := RunsFor(effect, 1, 0.8)
		require.NoError(t, err)
		require.Equal(t, want, n, "effect %v", effect)
		more, err := Power(-10*effect, 10, n)
		require.NoError(t, err)
		less, err := Power(effect, 1, n-1)
		require.NoError(t, err)
		require.True(t, less < 0.8 && 0.8 <= more, "%v, %v", less, more)
	}
	for _, n := range []int{2, 3, 5, 20, 1000} { // without a difference it is the level
		p, err := Power(0, 1, n, WithLevel(0.9))
		require.NoError(t, err)
		require.InDelta(t, 0.1, p, 1e-9)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const n, trials = 4, 20_000
	shown := 0
	for range trials {
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()+2
		}
		ma, va := moments(a)
		mb, vb := moments(b)
		if math.Abs(ma-mb)/math.Sqrt((va+vb)/n) > studentQuantile(0.975, 2*n-2) {
			shown++
		}
	}
	p, err := Power(2, 1, n)
	require.NoError(t, err)
	require.InDelta(t, p, float64(shown)/trials, 4*math.Sqrt(p*(1-p)/trials))
}

func TestPowerRefuses(t *testing.T) {
	power := func(d, sd float64, n int, opts ...Option) error { _, err := Power(d, sd, n, opts...); return err }
	runs := func(d, sd, p float64, opts ...Option) error { _, err := RunsFor(d, sd, p, opts...); return err }
	for name, k := range map[string]struct {
		err  error
		says string
		is   error
	}{
		"NaN":       {power(math.NaN(), 1, 3), "difference is NaN", tensor.ErrNotFinite},
		"sd":        {power(1, 0, 3), "sd is 0", tensor.ErrRange},
		"one run":   {power(1, 1, 1), "1 runs per arm", tensor.ErrRange},
		"option":    {power(1, 1, 3, WithTasks()), "WithTasks does not apply", ErrConflict},
		"infinite":  {runs(inf, 1, 0.8), "difference is +Inf", tensor.ErrNotFinite},
		"certainty": {runs(1, 1, 1), "power is 1", tensor.ErrRange},
		"none":      {runs(0, 1, 0.8), "more than 1048576 runs", tensor.ErrRange},
		"level":     {runs(1, 1, 0.8, WithLevel(2)), "WithLevel(2)", tensor.ErrRange},
	} {
		require.ErrorContains(t, k.err, k.says, name)
		require.ErrorIs(t, k.err, k.is, name)
	}
}
