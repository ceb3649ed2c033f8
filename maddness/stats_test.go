package maddness

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatsString(t *testing.T) {
	s := Stats{Columns: 64, Outputs: 10, Codebooks: 2, TableBytes: 320, Bits: 8, TrainNMSE: math.NaN(), HeldOutNMSE: math.NaN()}
	const first = "64 columns -> 10 outputs, 2 codebooks, exact, 8-bit tables of 320 bytes\n"
	require.Equal(t, first, s.String())
	s.TrainRows, s.Refine, s.Ridge, s.TrainNMSE, s.Entropy = 100, 2, 1, 0.25, []float64{3, 4}
	require.Equal(t, first+"trained on 100 rows, contiguous, 2 passes, ridge 1: NMSE 0.2500, codes use 3.50 of 4 bits\n", s.String())
	s.HeldOutNMSE = 0.5
	require.Equal(t, first+"trained on 100 rows, contiguous, 2 passes, ridge 1: NMSE 0.2500, held out 0.5000, codes use 3.50 of 4 bits\n", s.String())
}
