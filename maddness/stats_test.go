package maddness

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func TestStatsString(t *testing.T) {
	s := Stats{Columns: 64, Outputs: 10, Codebooks: 2, TableBytes: 320, Bits: 8, TrainNMSE: math.NaN(),
		HeldOutNMSE: math.NaN()}
	const first = "64 columns -> 10 outputs, 2 codebooks, exact, 8-bit tables of 320 bytes\n"
	require.Equal(t, first, s.String())
	s.TrainRows, s.Refine, s.Ridge, s.TrainNMSE, s.Entropy = 100, 2, 1, 0.25, []float64{3, 4}
	require.Equal(t, first+"trained on 100 rows, contiguous, 2 passes, ridge 1: NMSE 0.2500, codes use 3.50 of 4 bits\n",
		s.String())
	s.HeldOutNMSE = 0.5
	require.Equal(t, first+"trained on 100 rows, contiguous, 2 passes, ridge 1: NMSE 0.2500, held out 0.5000, codes "+
		"use 3.50 of 4 bits\n", s.String())
}

// Statistics read back equal, what was not measured as null.
func TestStatsJSONReadsBack(t *testing.T) {
	a, b := layer(100, 8, 3)
	op, err := Fit(background, a, b, WithCodebooks(2), WithAggregation(Average(2)), WithGrouping(OutputCovariance))
	require.NoError(t, err)
	s := op.Stats()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	for _, part := range []string{`"aggregation":"average(2)"`, `"grouping":"output covariance"`, `"held_out_nmse":null`,
		`"table_bytes":96`} {
		require.Contains(t, string(text), part)
	}
	var back Stats
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, math.IsNaN(back.HeldOutNMSE))
	back.HeldOutNMSE, s.HeldOutNMSE = 0, 0
	require.Equal(t, s, back)

	for _, a := range []Aggregation{Exact, Average(256), Saturate(7)} {
		text, err := a.MarshalText()
		require.NoError(t, err)
		var back Aggregation
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, a, back)
	}
	kept := Saturate(7)
	for _, text := range []string{"", "Exact", "exact(1)", "average", "average(3)", "average(16", "average(16))",
		"average( 16)", "saturate(0)", "sum(4)"} {
		require.ErrorIs(t, kept.UnmarshalText([]byte(text)), tensor.ErrRange, text)
	}
	require.Equal(t, Saturate(7), kept)
	_, err = Aggregation(3).MarshalText()
	require.ErrorIs(t, err, tensor.ErrRange)
	require.Equal(t, "aggregation(3)", Aggregation(3).String())
}

// WithPaper is as if its options had been given in its place.
func TestPaperOrder(t *testing.T) {
	a, b := layer(100, 8, 3)
	bytes := func(opts ...Option) []byte {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(4))...)
		require.NoError(t, err)
		text, err := op.MarshalBinary()
		require.NoError(t, err)
		return text
	}
	paper := bytes(WithPaper())
	require.Equal(t, paper, bytes(WithRefine(2), WithAggregation(Exact), WithColumns([][]int{{0}, {1}}), WithPaper()))
	require.NotEqual(t, paper, bytes(WithPaper(), WithAggregation(Exact)))
	require.NotEqual(t, paper, bytes(WithPaper(), WithMetric(OutputSSE)))
	require.NotEqual(t, paper, bytes(WithPaper(), WithRefine(1)))
}
