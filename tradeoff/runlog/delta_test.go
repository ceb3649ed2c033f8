package runlog

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormatDelta(t *testing.T) {
	for want, k := range map[string][3]float64{
		"~": {1, 2, 0.051}, "+100.00%": {1, 2, 0.05}, "-50.00%": {2, 1, 0.01}, "-100.00%": {2, 0, 0.01},
		"0.00%": {3, 3, 0.01},
		"?":     {0, 1, 0.01}, "+25.00%": {-4, -3, 0.01},
	} {
		require.Equal(t, want, FormatDelta(k[0], k[1], k[2]))
	}
	require.Equal(t, "?", FormatDelta(-1, 1, 0))
	require.Equal(t, "?", FormatDelta(1, -1, 0))
	require.Equal(t, "~", FormatDelta(1, 2, math.NaN()))
}
