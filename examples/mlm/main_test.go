package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/mlm/window"
)

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(name, []byte("one two three four five six seven eight nine ten"), 0o600))
	got, err := window.File(name)
	require.NoError(t, err)
	require.Equal(t, "one two three four five six seven eight", string(got.Train))
	require.Equal(t, " nine ten", string(got.Test))
	require.ErrorContains(t, run(plan{seeds: 2, steps: 100, text: name}), "too few")
	require.Error(t, run(plan{seeds: 2, steps: 100, text: name + "x"}))
	require.ErrorContains(t, run(plan{seeds: 1, steps: 100}), "-seeds is 1")
	require.ErrorContains(t, run(plan{seeds: 2, steps: 99}), "-steps is 99")
}

// The report on made-up runs: what it says follows from the numbers.
func TestReport(t *testing.T) {
	var runs []result
	add := func(arm int, short bool, steps int, loss float64) {
		for seed := range 3 {
			wobble := float64(seed) * 0.01 * (1 + 0.1*float64(arm))
			runs = append(runs, result{arm: arm, short: short, seed: seed, curve: []window.Point{
				{Step: steps / 2, Targets: steps * 75, Loss: loss + 1 + wobble},
				{Step: steps, Targets: steps * 150, Loss: loss + wobble}}})
		}
	}
	for a, loss := range []float64{4, 3.5, 3.6, 3.8, 3.61, 3.9} {
		add(a, false, 200, loss)
		if a != window.Constant15 && a != window.Subset {
			add(a, true, 130, loss+1)
		}
	}
	var b bytes.Buffer
	require.NoError(t, report(&b, plan{seeds: 3, steps: 200}, runs))
	got := b.String()
	for _, want := range []string{
		"constant 15 %             200      30k  4.010 ± 0.010\n",
		"linear 30 -> 15 %         200      30k  3.612 ± 0.012    -0.398 ± 0.002       1.25 ± 0.00\n",
		"linear 30 -> 15 %         130      20k  4.612 ± 0.012    +0.602 ± 0.002\n",
		"confirmed               linear 30 -> 15 % beats constant 15 %",
		"opposite here       more corruption",
		"not at this scale       linear 30 -> 15 % beats constant 30 %",
	} {
		require.Contains(t, got, want)
	}
	dir := t.TempDir()
	require.NoError(t, writeCurves(dir, runs))
	csv, err := os.ReadFile(filepath.Join(dir, "curves.csv"))
	require.NoError(t, err)
	require.Len(t, strings.Split(strings.TrimSpace(string(csv)), "\n"), 1+30*2)
	svg, err := os.ReadFile(filepath.Join(dir, "curves.svg"))
	require.NoError(t, err)
	require.Equal(t, 6, strings.Count(string(svg), "<polyline"))
}

func TestReaches(t *testing.T) {
	curve := []window.Point{{Step: 10, Loss: 5}, {Step: 20, Loss: 3}, {Step: 30, Loss: 4}, {Step: 40, Loss: 2}}
	for loss, want := range map[float64]float64{6: 10, 5: 10, 4: 15, 3: 20, 2.5: 37.5, 2: 40} {
		got, ok := reaches(curve, loss)
		require.True(t, ok)
		require.InDelta(t, want, got, 1e-12, "loss %v", loss)
	}
	_, ok := reaches(curve, 1.9)
	require.False(t, ok)
	require.Equal(t, undecided, sign([]float64{-1, 1, -1}))
	require.Equal(t, confirmed, sign([]float64{-1, -1.1}))
	require.Equal(t, opposite, sign([]float64{1, 1.1, 1.2}))
}
