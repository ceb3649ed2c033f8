package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// claimed is a judged claim about 28 seeds.
func claimed(t *testing.T, bar Bar, mean float64) Claim {
	c := Claim{Text: "it holds", Bar: bar, Values: about(mean), ControlValues: about(0)}
	require.NoError(t, c.judge())
	return c
}

// Two runs say the same if their verdicts do, and their numbers of seeds but for chance.
func TestTurned(t *testing.T) {
	held := claimed(t, above(0), 4)
	require.Empty(t, held.turned(claimed(t, above(0), 1.1)), "24 of 28 after 28 of 28 is chance")
	require.Contains(t, held.turned(claimed(t, above(0), 0.5)), "was held")
	require.Contains(t, held.turned(claimed(t, above(0), -4)), "was held")
	require.Contains(t, held.turned(claimed(t, above(0.5), 4)), "another claim")
	few := claimed(t, above(0), 4)
	few.Outcome.Held = 17
	require.Contains(t, held.turned(few), "28 of 28 seeds")
	again := held
	again.Text = "it holds elsewhere"
	require.Contains(t, held.turned(again), "another claim")

	same, of, report := compare([]Claim{held, few}, []Claim{held})
	require.Equal(t, []int{1, 2}, []int{same, of})
	require.Contains(t, report, "GONE")
	same, of, report = compare([]Claim{held}, []Claim{few, held})
	require.Equal(t, []int{0, 2}, []int{same, of})
	require.Equal(t, 2, strings.Count(report, "TURNED"))
}

// Fisher's tea, and a table of which R says the same.
func TestFisher(t *testing.T) {
	require.InDelta(t, 34.0/70, fisher(3, 4, 1, 4), 1e-12)
	require.InDelta(t, 0.002759456185, fisher(1, 12, 9, 12), 1e-12)
	require.InDelta(t, 0.002759456185, fisher(9, 12, 1, 12), 1e-12)
	require.InDelta(t, 1, fisher(30, 30, 10, 10), 1e-12)
	require.InDelta(t, 1, fisher(0, 30, 0, 30), 1e-12)
	require.Less(t, fisher(30, 30, 19, 30), 1-level)
	require.Greater(t, fisher(30, 30, 21, 30), 1-level)
}
