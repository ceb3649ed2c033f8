package schedule_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func TestWarmupCosine(t *testing.T) {
	w, err := schedule.WarmupCosine(0.1, 0, 10, 0)
	require.NoError(t, err)
	require.Equal(t, 0.1, w.Value(0))
	require.Zero(t, w.Value(10))
	for text, c := range map[string]struct {
		peak, warmup, total, floor float64
		want                       error
	}{
		"total is 50, want more than the warmup of 50": {0.1, 50, 50, 0, tensor.ErrRange},
		"schedule: WarmupCosine: ":                     {0.1, -1, 50, 0, tensor.ErrRange},
		"Peak":                                         {math.NaN(), 5, 50, 0, tensor.ErrNotFinite},
		"Decay":                                        {1, 5, math.Inf(1), 0, tensor.ErrNotFinite},
	} {
		_, err := schedule.WarmupCosine(c.peak, c.warmup, c.total, c.floor)
		require.ErrorIs(t, err, c.want, text)
		require.ErrorContains(t, err, text)
	}
}
