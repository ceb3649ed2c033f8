package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// What agrees is held unless the control agrees as well.
func TestExact(t *testing.T) {
	known, off := []float64{1, 200, 0}, []float64{1, 201, 0.5}
	for _, c := range []struct {
		got, other []float64
		least      int
		want       Verdict
		agree      int
		greatest   float64
	}{
		{known, off, 3, Held, 3, 0},
		{off, known, 3, NotHeld, 1, 0.5},
		{off, off, 1, AsControl, 1, 0.5},
		{known, known, 3, AsControl, 3, 0},
		{known, known, 2, AsControl, 3, 0},
	} {
		e, err := exact("it is", 1e-9, c.got, known, "shaken", c.other, known)
		require.NoError(t, err)
		e.Least = c.least
		require.NoError(t, e.judge())
		require.Equal(t, c.want, e.Verdict)
		require.Equal(t, c.agree, e.Found.Agree)
		require.InDelta(t, c.greatest, e.Found.Greatest, 1e-12)
	}
	_, err := exact("it is", 0, known, known[1:], "shaken", known, known)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = exact("it is", 0, []float64{math.NaN()}, known[:1], "shaken", known, known)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorIs(t, (&Exact{Least: 1}).judge(), tensor.ErrEmpty)
	for _, least := range []int{0, 2} {
		e := Exact{Least: least, Found: Match{Values: 1}, Changed: Match{Values: 1}}
		require.ErrorIs(t, e.judge(), tensor.ErrRange)
	}
	require.Equal(t, []string{"0", "2e-11", "0.0400", "1.00"}, []string{small(0), small(2e-11), small(0.04), small(1)})
}

// atRoot goes where the command is run, from where it finds the data of packages.
func atRoot(t *testing.T) { t.Chdir(filepath.Join("..", "..")) }

// Schedules stand on the page as they are, are read back as they were, and are checked.
func TestStatementsWithoutChance(t *testing.T) {
	atRoot(t)
	dir := t.TempDir()
	s := flags{seed: 1, only: "schedules", out: dir}
	require.NoError(t, run(t.Context(), s))
	all, err := readResults(dir)
	require.NoError(t, err)
	r := all.Records[0]
	require.Len(t, r.Exact, 3)
	for _, e := range r.Exact {
		require.Equal(t, Held, e.Verdict, e.Text)
		require.Zero(t, e.Changed.Agree, e.Text)
	}
	require.Equal(t, Match{Values: 101, Agree: 101, Greatest: r.Exact[2].Found.Greatest}, r.Exact[2].Found)
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	require.NoError(t, err)
	require.Contains(t, string(page), section(r))
	require.Contains(t, string(page), "| 6 of 6 | 6 |")
	require.NotContains(t, string(page), "interval")
	b, err := json.Marshal(r)
	require.NoError(t, err)
	var back Record
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, r, back)

	s.check = true
	require.NoError(t, run(t.Context(), s))
	all.Records[0].Exact[1].Found.Agree = 1
	require.NoError(t, all.save(dir))
	require.ErrorContains(t, run(t.Context(), s), "1 of 3 verdicts turned")
	all.Records[0].Exact = append(r.Exact, r.Exact[0])
	require.NoError(t, all.save(dir))
	require.ErrorContains(t, run(t.Context(), s), "of 4 verdicts turned")

	t.Chdir(dir)
	require.ErrorContains(t, run(t.Context(), s), "at the root of the repository")
}

// Curves of which three recipes are underestimated by as much as they are on ImageNet, and no other.
func TestCurves(t *testing.T) {
	dir := t.TempDir()
	p := map[string]any{"order": []string{"Baseline", "Other", "Label Smoothing", "MixUp", "LS + MX"}}
	curves := map[string]any{}
	for k, name := range p["order"].([]string) {
		lower := 0.0
		if k > 1 {
			lower = 0.425
		}
		var separate, single, seconds []float64
		for i := range 4 {
			v := 70 + 2*float64(k) + float64(i*i*(k+1))/2
			separate, single = append(separate, v/100), append(single, (v-lower)/100)
			seconds = append(seconds, float64(i+1))
		}
		curves[name] = map[string]any{"standard": map[string]any{"seconds": seconds, "accuracy": separate},
			"cyclic": map[string]any{"seconds": seconds, "accuracy": single}}
	}
	p["curves"] = curves
	write := func(v any) {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		name := filepath.Join(dir, imagenetFile)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, b, 0o600))
	}
	write(p)
	list, err := imagenet(trial{seeds: []uint64{1}, data: dir})
	require.NoError(t, err)
	for i, want := range []Verdict{NotHeld, Held, Held, Held} { // there are no figures of a notebook
		require.NoError(t, list[i].judge())
		require.Equal(t, want, list[i].Verdict, list[i].Text)
	}
	require.Equal(t, []int{40, 40, 36}, []int{list[2].Found.Values, list[2].Found.Agree, list[2].Least})
	require.Equal(t, []int{3, 3, 2, 0}, []int{list[3].Found.Values, list[3].Found.Agree, list[3].Changed.Values,
		list[3].Changed.Agree})
	write(map[string]any{})
	_, err = imagenet(trial{seeds: []uint64{1}, data: dir})
	require.ErrorContains(t, err, "no curves")
}

// What workloads add to a score has the score as its mean.
func TestOnWorkloads(t *testing.T) {
	inf := math.Inf(1)
	table, err := score.NewTimeTable([]string{"a", "b"}, []score.Workload{{Name: "x"}, {Name: "y"}, {Name: "z"}},
		[][][]float64{{{1}, {5}, {inf}}, {{2}, {1}, {3}}})
	require.NoError(t, err)
	p, err := table.Profile()
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0, 0}, onWorkloads(p, 0))
	require.Equal(t, []float64{2.0 / 3, 1, 1}, onWorkloads(p, 1))
	for s, want := range p.BenchmarkScores() {
		mean := 0.0
		for _, v := range onWorkloads(p, s) {
			mean += v / 3
		}
		require.InDelta(t, want, mean, 1e-12)
	}
}

// Bags of a file like that of MUSK1, and one that is not.
func TestMusk(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, filepath.FromSlash(muskFile))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	in := trial{seeds: drawn(1, 2), quick: true, data: dir, report: func(int, int) {}}
	_, err := musk(t.Context(), in)
	require.Error(t, err, "not packed")
	var text strings.Builder
	text.WriteString("bag,label,a,b,c\n")
	for i := range 12 {
		fmt.Fprintf(&text, "m%d,%d,%d,%d,1\nm%d,%d,2,%d,%d\n", i, i%2, i, 3*i, i, i%2, i%5, i%2)
	}
	packed(t, name, text.String())
	claims, err := musk(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, claims, 4)
	for _, c := range claims {
		require.NoError(t, c.judge())
	}
}

// What was split anew, replaced or compared runs on the data of packages.
func TestQuickOnDataOfPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for a second")
	}
	atRoot(t)
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), flags{seed: 5, only: "products,rivals,resplits", quick: true, out: dir}))
	all, err := readResults(dir)
	require.NoError(t, err)
	require.Len(t, all.Records, 3)
	products := all.of("products").Claims
	require.Len(t, products, 2)
	require.Contains(t, products[0].Text, "the authors' 2, which has 0.286")
	require.Less(t, products[0].Outcome.Mean.Value, 1.0)
	require.Greater(t, products[0].Outcome.Control.Value, 1.0)
	require.Len(t, all.of("rivals").Claims, 6)
	require.Less(t, all.of("rivals").Claims[1].Outcome.Mean.Value, 1.0)
}

func packed(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.Create(name)
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	_, err = z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}
