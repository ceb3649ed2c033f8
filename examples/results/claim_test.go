package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// seven seeds about a mean, with a standard deviation of one.
func about(mean float64) []float64 {
	var v []float64
	for _, x := range []float64{-1.5, -1, -0.5, 0, 0.5, 1, 1.5} {
		v = append(v, mean+x/1.0801)
	}
	return v
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		bar             Bar
		values, control float64
		want            Verdict
		held            int
	}{
		{above(0), 4, 0, Held, 7},
		{above(0), 1.1, 0, Held, 6},
		{above(0), 0.5, 0, TooSmall, 5},
		{above(0), -2, 0, NotHeld, 0},
		{above(0), 4, 3, AsControl, 7},
		{below(0), -4, 0, Held, 7},
		{below(0), 4, 0, NotHeld, 0},
		{below(5), 4, 6, Held, 6},
		{within(5), 0, 6, Held, 7},
		{within(0.5), 0, 6, TooSmall, 3},
		{within(1), 4, 6, NotHeld, 0},
		{within(1), -4, 6, NotHeld, 0},
	} {
		claim := Claim{Bar: c.bar, Values: about(c.values), ControlValues: about(c.control)}
		require.NoError(t, claim.judge())
		require.Equal(t, c.want, claim.Outcome.Verdict, "%v, mean %v", c.bar, c.values)
		require.Equal(t, c.held, claim.Outcome.Held, "%v, mean %v", c.bar, c.values)
		require.InDelta(t, 1, claim.Outcome.Spread, 1e-4)
	}
	claim := Claim{Text: "it", Values: about(1), ControlValues: about(1)[:6]}
	require.ErrorContains(t, claim.judge(), "it: 7 values and 6 of the control")
	claim.Values[2], claim.ControlValues = math.NaN(), about(1)
	require.ErrorIs(t, claim.judge(), tensor.ErrNotFinite)
}

// Four in five samples whose mean is that far from the bar have an interval that keeps clear of it.
func TestSmallestIsSeenFourTimesInFive(t *testing.T) {
	for _, n := range []int{5, 10, 20} {
		distance, seen := smallest(1, n), 0
		const samples = 4000
		rng := tensor.Stream(uint64(n))
		for range samples {
			x := make([]float64, n)
			for i := range x {
				x[i] = distance + rng.NormFloat64()
			}
			e, err := stats.Mean(x)
			require.NoError(t, err)
			if e.Lo > 0 {
				seen++
			}
		}
		require.InDelta(t, 0.8, float64(seen)/samples, 0.025, "%d values", n)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 123.4: "123", -12.34: "-12.3", 1.234: "1.23", 0.5: "0.500",
		-0.01234: "-0.0123"} {
		require.Equal(t, want, number(v))
	}
	require.Equal(t, "between -0.500 and 0.500", within(0.5).String())
	require.Equal(t, "above 0", above(0).String())
	require.Equal(t, "below 2.00", below(2).String())
}
