package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/mlm/window"
	"github.com/espalier-ml/espalier/mil/miltest"
	"github.com/espalier-ml/espalier/tensor"
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
		require.Equal(t, section(r), string(page)[lo:hi], "%s: go run ./examples/results -page", r.Experiment)
		require.GreaterOrEqual(t, len(r.Seeds), 10)
		requireJudged(t, r.Run)
		for _, e := range r.Elsewhere {
			require.True(t, sameClaims(r.Claims, e.Claims), "%s, %s", r.Experiment, e.Setting)
			require.Equal(t, r.Elsewhere[0].Seeds, e.Seeds, "%s, %s", r.Experiment, e.Setting)
			requireJudged(t, e.Run)
		}
	}
	require.ElementsMatch(t, names(), recorded)
}

// requireJudged fails unless the outcomes of a run are those of its numbers.
func requireJudged(t *testing.T, r Run) {
	require.False(t, r.Quick)
	require.Equal(t, drawn(r.Seed, len(r.Seeds)), r.Seeds)
	for _, e := range r.Exact {
		require.NotEmpty(t, e.Control, e.Text)
		again := e
		require.NoError(t, again.judge())
		require.Equal(t, again, e)
	}
	for _, c := range r.Claims {
		if r.Unit == "" {
			require.Len(t, c.Values, len(r.Seeds), c.Text)
		}
		require.NotEmpty(t, c.Control, c.Text)
		again := c
		require.NoError(t, again.judge())
		require.Equal(t, again.Outcome.Verdict, c.Outcome.Verdict, c.Text)
		require.Equal(t, again.Outcome.Held, c.Outcome.Held, c.Text)
		for _, v := range [][2]float64{{again.Outcome.Mean.Value, c.Outcome.Mean.Value},
			{again.Outcome.Mean.Lo, c.Outcome.Mean.Lo}, {again.Outcome.Mean.Hi, c.Outcome.Mean.Hi},
			{again.Outcome.Smallest, c.Outcome.Smallest}, {again.Outcome.Control.Value, c.Outcome.Control.Value}} {
			require.InDelta(t, v[0], v[1], 1e-5*(1+math.Abs(v[1])), c.Text)
		}
	}
}

// coin is an experiment without work, in place of all others. Its first claim holds in its own setting.
func coin(t *testing.T) experiment {
	e := experiment{name: "coin", about: "a coin.", settings: []setting{{"by hand", "thrown."}, {"bent", "a bit."}},
		run: func(_ context.Context, in trial) ([]Claim, error) {
			up := Claim{Text: "up", Quantity: "metres", Bar: above(0), Control: "down"}
			for _, seed := range in.seeds {
				rng := tensor.Stream(seed)
				mean := map[string]float64{"": 9, "by hand": 0, "bent": -9}[in.setting]
				add(&up, mean+rng.NormFloat64(), rng.NormFloat64())
			}
			down := up
			down.Text, down.Bar = "down", below(0)
			return []Claim{up, down}, nil
		}}
	all := experiments
	experiments = []experiment{e}
	t.Cleanup(func() { experiments = all })
	return e
}

// Other settings stand below the table of the same claims, are read back as they were, and go when the claims change.
func TestSettings(t *testing.T) {
	e, dir := coin(t), t.TempDir()
	s := flags{seed: 5, settings: true, out: dir}
	require.ErrorContains(t, run(t.Context(), s), "has no coin; run it without -settings")
	s.settings = false
	require.NoError(t, run(t.Context(), s))
	s.settings, s.seed = true, 6
	require.NoError(t, run(t.Context(), s))
	all, err := readResults(dir)
	require.NoError(t, err)
	require.Len(t, all.Records[0].Elsewhere, 2)
	for i, run := range all.Records[0].Elsewhere {
		require.Equal(t, e.settings[i], setting{run.Setting, run.Text})
		require.Equal(t, uint64(6), run.Seed)
		require.Len(t, run.Seeds, fewSeeds)
		require.Equal(t, []Verdict{TooSmall, NotHeld}[i], run.Claims[0].Outcome.Verdict)
	}
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	require.NoError(t, err)
	require.Contains(t, string(page), section(all.Records[0]))
	require.Contains(t, string(page), "`go run ./examples/results -only coin -seed 6 -settings`, 10 seeds each")
	require.Contains(t, string(page), "| | by hand | bent |\n")
	require.Contains(t, string(page), "0 of 10, **not held** |\n")

	s.settings = false // the same claims again: their other settings stay
	require.NoError(t, run(t.Context(), s))
	kept, err := readResults(dir)
	require.NoError(t, err)
	require.Equal(t, all.Records[0].Elsewhere, kept.Records[0].Elsewhere)
	other := kept.Records[0]
	other.Claims = other.Claims[1:]
	kept.put(other)
	require.Empty(t, kept.Records[0].Elsewhere)
	require.ErrorContains(t, kept.putElsewhere("coin", all.Records[0].Elsewhere), "other claims than those of the table")
}

// A check with other seeds writes nothing, and fails if a verdict is not that of results.json.
func TestCheck(t *testing.T) {
	coin(t)
	dir := t.TempDir()
	s := flags{seed: 1, out: dir}
	require.NoError(t, run(t.Context(), s))
	s.settings = true
	require.NoError(t, run(t.Context(), s))
	before, err := os.ReadFile(filepath.Join(dir, resultsFile))
	require.NoError(t, err)
	s.check, s.seed = true, 2
	require.NoError(t, run(t.Context(), s))
	s.settings = false
	require.NoError(t, run(t.Context(), s))
	after, err := os.ReadFile(filepath.Join(dir, resultsFile))
	require.NoError(t, err)
	require.Equal(t, before, after)

	all, err := readResults(dir)
	require.NoError(t, err)
	all.Records[0].Claims[1].Outcome.Verdict = Held
	all.Records[0].Elsewhere[1].Claims[0].Outcome.Held = 10
	require.NoError(t, all.save(dir))
	require.EqualError(t, run(t.Context(), s), "-check: 1 of 2 verdicts turned")
	s.settings = true
	require.EqualError(t, run(t.Context(), s), "-check: 1 of 4 verdicts turned")
	s.quick = true
	require.ErrorContains(t, run(t.Context(), s), "-quick")
	experiments[0].settings[0].name = "on edge"
	s.quick = false
	require.ErrorContains(t, run(t.Context(), s), "has no coin, on edge")
	experiments[0].name = "dice"
	require.ErrorContains(t, run(t.Context(), s), "has no dice")
}

// An experiment whose files are not there is left as it is.
func TestMissingFiles(t *testing.T) {
	coin(t)
	experiments[0].needs = []string{"throws.csv"}
	dir := t.TempDir()
	s := flags{seed: 1, out: dir, data: dir}
	require.NoError(t, run(t.Context(), s))
	require.NoFileExists(t, filepath.Join(dir, resultsFile))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "throws.csv"), nil, 0o600))
	require.NoError(t, run(t.Context(), s))
	require.FileExists(t, filepath.Join(dir, resultsFile))
}

// Every setting is one that its experiment knows, and there are no others.
func TestUnknownSetting(t *testing.T) {
	for _, e := range experiments {
		if len(e.settings) > 0 && e.name != "masking" { // masking reads its text first
			_, err := e.run(t.Context(), trial{setting: "on the moon", report: func(int, int) {}})
			require.ErrorContains(t, err, `no setting is called "on the moon"`, e.name)
		}
	}
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
	require.ErrorContains(t, run(t.Context(), flags{page: true, check: true}), "-page")
	require.ErrorContains(t, run(t.Context(), flags{seeds: 2, only: "masking,x"}), `"x" is none of masking`)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, resultsFile), []byte(`{"version": 1}`), 0o600))
	_, err := readResults(dir)
	require.ErrorContains(t, err, "version 1")
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
	require.InDelta(t, 5.0/3, meanLoss([]float64{1, 4, 2}), 1e-12)
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
