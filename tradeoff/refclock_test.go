package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

var inf = math.Inf(1)

func TestRefClock(t *testing.T) {
	c := RefClock{"step": 0.1, "half step": 0.07, "evaluation": 3}
	s, err := c.Seconds(map[string]float64{"step": 1000, "evaluation": 2})
	require.NoError(t, err)
	require.Equal(t, 106.0, s)
	s, err = c.Seconds(nil)
	require.NoError(t, err)
	require.Zero(t, s)
	for name, operations := range map[string]map[string]float64{
		`operation "stpe" was not measured, only ["evaluation" "half step" "step"]`: {"stpe": 1},
		`-1 of "step"`:  {"step": -1, "evaluation": 2},
		`NaN of "step"`: {"step": math.NaN()},
	} {
		_, err := c.Seconds(operations)
		require.ErrorContains(t, err, name)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = RefClock{"step": inf}.Seconds(map[string]float64{"step": 1})
	require.ErrorIs(t, err, tensor.ErrRange)
}
