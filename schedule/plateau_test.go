package schedule_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func observe(t *testing.T, value float64, metrics []float64, opts ...s.PlateauOption) []float64 {
	t.Helper()
	p, err := s.NewPlateau(value, opts...)
	require.NoError(t, err)
	var got []float64
	for _, m := range metrics {
		v, err := p.Observe(m)
		require.NoError(t, err)
		got = append(got, v)
	}
	return got
}

func repeated(v float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// A metric that stands still is no improvement, whatever its sign. In torch a negative one improves for ever: its
// threshold times the metric moves the bar away from it.
func TestPlateauOfNegativeMetrics(t *testing.T) {
	want := []float64{1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01}
	for _, metric := range []float64{-1, 1, 0, -1e-300, -1e300, math.MaxFloat64} {
		for _, more := range [][]s.PlateauOption{nil, {s.WithMaximize()}, {s.WithThreshold(0.5)}, {s.WithThreshold(0)}} {
			got := observe(t, 1, repeated(metric, 8), append(more, s.WithPatience(2))...)
			require.InDeltaSlice(t, want, got, 1e-15, "metric %v", metric)
		}
	}
	// A log-likelihood that rises by less and by more than 1 %.
	rising := observe(t, 1, []float64{-100, -99.5, -98.9, -98}, s.WithPatience(0), s.WithFactor(0.5), s.WithMaximize(),
		s.WithThreshold(0.01))
	require.Equal(t, []float64{1, 0.5, 0.5, 0.25}, rising)
	// A reward that crosses zero.
	crossing := observe(t, 1, []float64{-10, -1, 0, 1e-9, 1, 1.005, 2}, s.WithPatience(0), s.WithFactor(0.5),
		s.WithMaximize(), s.WithThreshold(0.01))
	require.Equal(t, []float64{1, 1, 1, 1, 1, 0.5, 0.5}, crossing)
}

// Maximizing a metric is minimizing its opposite, and its scale does not matter.
func TestPlateauIsSymmetric(t *testing.T) {
	for seed := range uint64(200) {
		rng := tensor.Stream(seed)
		metrics, opposite, scaled := make([]float64, 60), make([]float64, 60), make([]float64, 60)
		level := 4 * rng.NormFloat64()
		for i := range metrics {
			level -= 0.1 * rng.ExpFloat64()
			metrics[i] = level + 0.3*rng.NormFloat64()
			opposite[i], scaled[i] = -metrics[i], metrics[i]*1024
		}
		opts := []s.PlateauOption{s.WithPatience(1), s.WithThreshold(0.1), s.WithCooldown(rng.IntN(3))}
		want := observe(t, 1, metrics, opts...)
		require.Equal(t, want, observe(t, 1, scaled, opts...))
		require.Equal(t, want, observe(t, 1, opposite, append(opts, s.WithMaximize())...))
		// What improves is defined by the doc: better than the best by more than a tenth of its size.
		best, bad := math.Inf(1), 0
		reductions := 0
		p, err := s.NewPlateau(1, s.WithPatience(0), s.WithThreshold(0.1), s.WithFactor(0.9))
		require.NoError(t, err)
		for _, m := range metrics {
			if best-m > 0.1*math.Abs(best) || math.IsInf(best, 1) {
				best, bad = m, 0
			} else if bad++; bad > 0 {
				reductions, bad = reductions+1, 0
			}
			_, err := p.Observe(m)
			require.NoError(t, err)
		}
		require.InEpsilon(t, math.Pow(0.9, float64(reductions)), p.Value(), 1e-12)
	}
}

// By default a reduction of no more than 1e-8 is not made, as in torch.
func TestPlateauSmallestStep(t *testing.T) {
	flat := repeated(1, 30)
	last := func(opts ...s.PlateauOption) float64 {
		got := observe(t, 1e-6, flat, append(opts, s.WithPatience(0))...)
		return got[len(got)-1]
	}
	require.InEpsilon(t, 1e-8, last(), 1e-12, "from 1e-8 on a reduction is 9e-9")
	require.InEpsilon(t, 1e-6*1e-29, last(s.WithSmallestStep(0)), 1e-12)
	require.InEpsilon(t, 1e-12, last(s.WithSmallestStep(0), s.WithMinimum(1e-12)), 1e-12)
	require.Equal(t, 1e-6, last(s.WithSmallestStep(1e-6)))

	for want, c := range map[string]struct {
		opt s.PlateauOption
		err error
	}{
		"Plateau.smallest_step = -1":                          {s.WithSmallestStep(-1), tensor.ErrRange},
		"Plateau.smallest_step = NaN":                         {s.WithSmallestStep(math.NaN()), tensor.ErrNotFinite},
		"Plateau.minimum = 0.2: must be no more than the val": {s.WithMinimum(0.2), tensor.ErrRange},
	} {
		_, err := s.NewPlateau(0.1, c.opt)
		require.ErrorIs(t, err, c.err, want)
		require.ErrorContains(t, err, want)
	}
	_, err := s.NewPlateau(0.1, s.WithMinimum(0.1))
	require.NoError(t, err)
}

// A state as it was written before the smallest step was an option.
func TestPlateauReadsVersion1(t *testing.T) {
	const old = `{"version":1,"value":1e-6,"factor":0.1,"patience":0,"cooldown":0,"minimum":0,"threshold":1e-4,` +
		`"absolute":false,"maximize":false,"best":1,"bad":0,"cooling":0}`
	var p s.Plateau
	require.NoError(t, json.Unmarshal([]byte(old), &p))
	for range 5 {
		_, err := p.Observe(1)
		require.NoError(t, err)
	}
	require.InEpsilon(t, 1e-8, p.Value(), 1e-12)
	b, err := json.Marshal(&p)
	require.NoError(t, err)
	require.Contains(t, string(b), `"version":2`)
	require.Contains(t, string(b), `"smallest_step":1e-8`)
	var again s.Plateau
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, p, again)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"version":3,"value":1}`), &again), s.ErrSpec)
}
