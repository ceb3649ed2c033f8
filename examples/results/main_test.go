package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/mlm/window"
	"github.com/espalier-ml/espalier/mil/miltest"
)

// RESULTS.md says what results.json says, and that is what its own numbers add up to, of every experiment.
func TestPageSaysWhatTheResultsSay(t *testing.T) {
	root := filepath.Join("..", "..")
	results, err := readResults(root)
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, pageFile))
	require.NoError(t, err)
	var recorded []string
	for _, r := range results.Records {
		recorded = append(recorded, r.Experiment)
		lo, hi, ok := find(string(page), r.Experiment)
		require.True(t, ok, "no marks of %s", r.Experiment)
		require.Equal(t, section(r), string(page)[lo:hi], "%s: go run ./examples/results -only %s", r.Experiment,
			r.Experiment)
		require.False(t, r.Quick)
		require.GreaterOrEqual(t, len(r.Seeds), 10)
		require.Equal(t, drawn(r.Seed, len(r.Seeds)), r.Seeds)
		for _, c := range r.Claims {
			require.Len(t, c.Values, len(r.Seeds), c.Text)
			require.NotEmpty(t, c.Control, c.Text)
			again := c
			require.NoError(t, again.judge())
			require.Equal(t, again.Outcome.Verdict, c.Outcome.Verdict, c.Text)
			require.Equal(t, again.Outcome.Held, c.Outcome.Held, c.Text)
			for _, v := range [][2]float64{{again.Outcome.Mean.Value, c.Outcome.Mean.Value},
				{again.Outcome.Mean.Lo, c.Outcome.Mean.Lo}, {again.Outcome.Mean.Hi, c.Outcome.Mean.Hi},
				{again.Outcome.Smallest, c.Outcome.Smallest}, {again.Outcome.Control.Value, c.Outcome.Control.Value}} {
				require.InDelta(t, v[0], v[1], 1e-9*(1+math.Abs(v[1])), c.Text)
			}
		}
	}
	require.ElementsMatch(t, names(), recorded)
}

// A run replaces its own table and its own record, and leaves what others wrote.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	dir := t.TempDir()
	begin, end := marks("maddness")
	name := filepath.Join(dir, pageFile)
	require.NoError(t, os.WriteFile(name, []byte("# Title\n\n"+begin+"old\n"+end+"\nThe rest.\n"), 0o600))
	s := flags{seed: 5, only: "maddness,cyclic", seeds: 2, quick: true, out: dir}
	require.NoError(t, run(t.Context(), s))
	first, err := readResults(dir)
	require.NoError(t, err)
	require.Len(t, first.Records, 2)
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Contains(t, string(page), "\nThe rest.\n")
	require.NotContains(t, string(page), "old\n")
	for _, r := range first.Records {
		require.Contains(t, string(page), section(r))
	}
	s.only = "maddness"
	require.NoError(t, run(t.Context(), s))
	second, err := readResults(dir)
	require.NoError(t, err)
	for i := range first.Records { // the same seed, the same numbers; the clock may differ
		require.Equal(t, first.Records[i].Claims, second.Records[i].Claims)
	}
}

func TestRefuses(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), flags{seeds: 1}), "-seeds is 1")
	require.ErrorContains(t, run(t.Context(), flags{seeds: 2, only: "masking,x"}), `"x" is none of masking`)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, resultsFile), []byte(`{"version": 2}`), 0o600))
	_, err := readResults(dir)
	require.ErrorContains(t, err, "version 2")
}

func TestDrawnSeedsDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for _, s := range append(drawn(1, 10), drawn(2, 10)...) {
		seen[s] = true
	}
	require.Len(t, seen, 20)
	require.Equal(t, drawn(1, 10)[:3], drawn(1, 3))
}

func TestComparisons(t *testing.T) {
	a, b := qualities{{0, 3, 5}, {0, 1, 9}}, qualities{{9, 2, 6}, {9, 4, 6}}
	require.InDelta(t, (1.0-1-3+3)/4, meanDifference(a, b), 1e-12)
	require.InDelta(t, math.Sqrt((1.0+1+9+9)/4), rmse(a, b), 1e-12)
	require.Equal(t, 0.0, kept(a, b, 1)) // only the second length has a pair more than a point apart
	require.Equal(t, 1.0, kept(b, b, 1))
	require.Equal(t, 1.0, kept(a, b, 9))
	require.Equal(t, 2.0, loss([]float64{1, 4, 2}, []float64{0, 1, 3}))
	curve := []window.Point{{Step: 10, Loss: 5}, {Step: 20, Loss: 3}}
	require.Equal(t, []float64{20 / 15.0, 1, 2}, speedups([][]window.Point{curve, curve, curve},
		[][]window.Point{{{Step: 10, Loss: 4}, {Step: 20, Loss: 2}}, {{Step: 10, Loss: 5}, {Step: 20, Loss: 4}},
			{{Step: 10, Loss: 3}}}))
}

// A measured area is compared with the theory of its own rates, or of those of the other class.
func TestAreasByRates(t *testing.T) {
	areas := [][]bagAreas{make([]bagAreas, len(rates)), make([]bagAreas, len(rates))}
	for k, w := range rates {
		areas[0][k].mean, areas[1][k].mean = w.AUC(), w.AUC()-0.01*float64(k)
	}
	mean := func(a bagAreas) float64 { return a.mean }
	require.InDeltaSlice(t, []float64{0, 0.04}, apart(areas, rates, mean, miltest.Witness.AUC, false), 1e-12)
	exchanged := apart(areas, rates, mean, miltest.Witness.AUC, true)
	require.InDelta(t, 2*rates[4].AUC()-1, exchanged[0], 1e-12) // the rates furthest apart
	averages := average(areas, mean)
	require.InDelta(t, 0.02, averages[0]-averages[1], 1e-12)
	bags, labels := rates[1].Bags(1, 3)
	require.Equal(t, 2*rates[1].Size, len(inherited(bags, labels)))
	require.Equal(t, []bool{true, false}, []bool{inherited(bags, labels)[9], inherited(bags, labels)[10]})
}
