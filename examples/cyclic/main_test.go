package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/cpu"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// The curves of single runs stand for those of separate runs: ten seeds, the recipes that train fast.
func TestCyclicCurvesStandForSeparateRuns(t *testing.T) {
	if race.Enabled || testing.Short() {
		t.Skip("minutes under the race detector")
	}
	few := slices.DeleteFunc(slices.Clone(recipes), func(r recipe) bool { return r.hidden > 64 })
	var seeds []uint64
	for seed := range uint64(10) {
		seeds = append(seeds, 1+seed)
	}
	if !cpu.AVX2 { // emulated, or without assembly
		few, seeds = few[:1], seeds[:1]
	}
	for _, s := range settings {
		total := len(seeds) * len(few) * 7
		last := 0
		results, err := study(s.noise, seeds, few, func(done, all int) {
			require.Equal(t, total, all)
			last = done
		})
		require.NoError(t, err)
		require.Equal(t, total, last)
		for _, r := range results {
			for _, kind := range kinds {
				require.Equal(t, []float64{2, 4, 8, 16, 32, 64}, epochs(r.accuracy[kind]), "%s %s", r.recipe, kind)
			}
			// The first cycle is the first run: the same steps in the same order.
			require.Equal(t, r.loss[separate].Points()[0], r.loss[oneRun].Points()[0], r.recipe)
		}
		accuracy, err := fidelity(results, accuracyOf)
		require.NoError(t, err)
		require.InDelta(t, 252.0/128, accuracy.Recipes[0].CostRatio, 1e-12)
		if len(few) == 1 {
			return
		}
		require.Less(t, accuracy.RMSE, 0.6, s.name)
		loss, err := fidelity(results, lossOf)
		require.NoError(t, err)
		tau := 0.0
		// one pair of five recipes is 0.2 of each, and may turn with the rounding of a processor
		for _, b := range loss.Budgets {
			tau += b.KendallTau / float64(len(loss.Budgets))
		}
		require.GreaterOrEqual(t, tau, 0.8, s.name)
	}
}

// What -out writes is there, and the log is one that package tradeoff reads.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	results, err := study(0.2, []uint64{1}, recipes[:1], func(int, int) {})
	require.NoError(t, err)
	require.NoError(t, write(filepath.Join(dir, "noisy.svg"), "noisy", results))
	log := filepath.Join(dir, "runs.jsonl")
	require.NoError(t, record(log, "noisy", results))
	f, err := os.Open(log)
	require.NoError(t, err)
	defer f.Close()
	records, err := runlog.ReadJSONL(f)
	require.NoError(t, err)
	arms, err := runlog.Arms(records, "step", "accuracy")
	require.NoError(t, err)
	require.Len(t, arms, 2)
	require.Equal(t, results[0].accuracy[separate].Points(), arms[1].Runs.Curves[0].Points())
}

// Batches depend on seed and step alone, and a fifth of the labels is wrong if wanted.
func TestData(t *testing.T) {
	clean, err := load(0, 7)
	require.NoError(t, err)
	noisy, err := load(0.2, 7)
	require.NoError(t, err)
	require.Len(t, clean.train.Y, trained)
	require.Equal(t, clean.test, noisy.test)
	wrong := 0
	for i, y := range clean.train.Y {
		if noisy.train.Y[i] != y {
			wrong++
		}
	}
	require.Equal(t, trained/5, wrong)
	a, b := batches{r: recipes[4], d: clean, seed: 1}, batches{r: recipes[4], d: clean, seed: 1}
	for step := range 2 * epochSteps {
		x, err := a.draw(step)
		require.NoError(t, err)
		if step%epochSteps == 0 {
			b = batches{r: recipes[4], d: clean, seed: 1}
		}
		y, err := b.draw(step)
		require.NoError(t, err)
		require.Equal(t, x.Data, y.Data)
	}
}
