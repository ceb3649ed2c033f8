package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/cyclic/curves"
	"github.com/espalier-ml/espalier/internal/cpu"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// The curves of single runs stand for those of separate runs: ten seeds, the recipes that train fast.
func TestCyclicCurvesStandForSeparateRuns(t *testing.T) {
	if race.Enabled || testing.Short() {
		t.Skip("minutes under the race detector")
	}
	few := slices.DeleteFunc(slices.Clone(curves.Recipes), func(r curves.Recipe) bool { return r.Name == "wide" })
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
		results, err := curves.Study(s.training(), seeds, few, func(done, all int) {
			require.Equal(t, total, all)
			last = done
		})
		require.NoError(t, err)
		require.Equal(t, total, last)
		for _, r := range results {
			for _, kind := range curves.Kinds {
				require.Equal(t, []float64{2, 4, 8, 16, 32, 64}, epochs(r.Accuracy[kind]), "%s %s", r.Recipe, kind)
			}
			// The first cycle is the first run: the same steps in the same order.
			require.Equal(t, r.Loss[curves.Separate].Points()[0], r.Loss[curves.OneRun].Points()[0], r.Recipe)
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
	results, err := curves.Study(settings[1].training(), []uint64{1}, curves.Recipes[:1], func(int, int) {})
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
	require.Equal(t, results[0].Accuracy[curves.Separate].Points(), arms[1].Runs.Curves[0].Points())
}
