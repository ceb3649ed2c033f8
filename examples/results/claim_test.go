package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// 28 seeds about a mean, with a standard deviation of one: their interval reaches 0.70 to either side.
func about(mean float64) []float64 {
	var v []float64
	for range 4 {
		for _, x := range []float64{-1.5, -1, -0.5, 0, 0.5, 1, 1.5} {
			v = append(v, mean+x/math.Sqrt(28.0/27))
		}
	}
	return v
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		bar             Bar
		values, control float64
		want            Verdict
		held            int
		printed         string
	}{
		{above(0), 4, 0, Held, 28, "held"},
		{above(0), 1.1, 0, Held, 24, "held in 24 of 28"},
		{above(0), 0.69, 0, TooSmall, 20, "too small to tell"},
		{above(0), 0.5, 0, TooSmall, 20, "too small to tell"},
		{above(0), -0.71, 0, NotHeld, 8, "not held"},
		{above(0), -2, 0, NotHeld, 0, "not held"},
		{above(0), 4, 0.71, AsControl, 28, "held by its control too"},
		{above(0), 4, 0.69, Held, 28, "held"},
		{below(0), -4, 0, Held, 28, "held"},
		{below(0), 4, 0, NotHeld, 0, "not held"},
		{below(5), 4, 6, Held, 24, "held in 24 of 28"},
		{within(5), 0, 6, Held, 28, "held"},
		{within(0.5), 0, 6, TooSmall, 12, "too small to tell"},
		{within(1), 4, 6, NotHeld, 0, "not held"},
		{within(1), -4, 6, NotHeld, 0, "not held"},
	} {
		claim := Claim{Bar: c.bar, Values: about(c.values), ControlValues: about(c.control)}
		require.NoError(t, claim.judge())
		require.Equal(t, c.want, claim.Outcome.Verdict, "%v, mean %v", c.bar, c.values)
		require.Equal(t, c.held, claim.Outcome.Held, "%v, mean %v", c.bar, c.values)
		require.Equal(t, c.printed, verdict(claim))
		require.InDelta(t, 1, claim.Outcome.Spread, 1e-12)
		require.Equal(t, level, claim.Outcome.Mean.Level)
	}
	claim := Claim{Text: "it", Values: about(1), ControlValues: about(1)[:6]}
	require.ErrorContains(t, claim.judge(), "it: 28 values and 6 of the control")
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
			e, err := stats.Mean(x, stats.WithLevel(level))
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

// Seeds that are all alike say how rare others can be: of thirty, one in nineteen would have shown four times in five.
func TestPowerWithoutSpread(t *testing.T) {
	c := Claim{Values: make([]float64, 30), ControlValues: make([]float64, 30)}
	require.NoError(t, c.judge())
	require.Equal(t, "1 seed in 19 that differs", power(c))
	require.InDelta(t, 0.8, 1-math.Pow(1-1/19.0, 30), 0.01)
}
