package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sample(t *testing.T) text {
	lib, err := standardLibrary()
	if err != nil {
		t.Skip(err)
	}
	lib.train, lib.test = lib.train[:200_000], lib.test[:8_000]
	return lib
}

// A run learns, and is the same again. The subset predicts as many tokens as constant 15 %, in fact the same ones.
func TestTrain(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	c, err := newCorpus(sample(t))
	require.NoError(t, err)
	const steps = 30
	train := func(a int) []point {
		ticks := 0
		curve, err := c.trainOne(arms[a], 1, steps, func(n int) { ticks += n })
		require.NoError(t, err)
		require.Equal(t, steps, ticks)
		require.Len(t, curve, evaluations)
		require.Equal(t, steps, curve[len(curve)-1].step)
		return curve
	}
	low := train(constant15)
	require.Equal(t, low, train(constant15))
	require.Less(t, low[len(low)-1].loss, low[0].loss-0.2)
	targets := func(curve []point) int { return curve[evaluations-1].targets }
	require.Equal(t, targets(low), targets(train(subset)))
	require.InEpsilon(t, 2, float64(targets(train(constant30)))/float64(targets(low)), 0.02)
}

func TestBPE(t *testing.T) {
	s := sample(t)
	b := trainBPE(s.train, vocabulary)
	require.Equal(t, vocabulary, b.size)
	spelling := make([]string, b.size)
	for c := range b.bytes {
		if id := b.bytes[c]; id != unkID {
			spelling[id] = string([]byte{byte(c)})
		}
	}
	for id := range b.size { // a merge is of smaller ids
		for pair, m := range b.merges {
			if int(m) == id {
				spelling[id] = spelling[pair[0]] + spelling[pair[1]]
			}
		}
	}
	var back strings.Builder
	ids := b.encode(s.train)
	for _, id := range ids {
		back.WriteString(spelling[id])
	}
	require.True(t, string(s.train) == back.String())
	require.Less(t, len(ids), len(s.train)*2/3)
	require.Equal(t, []int32{unkID}, b.encode([]byte{0}))
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(name, []byte("one two three four five six seven eight nine ten"), 0o600))
	got, err := file(name)
	require.NoError(t, err)
	require.Equal(t, "one two three four five six seven eight", string(got.train))
	require.Equal(t, " nine ten", string(got.test))
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
			runs = append(runs, result{arm: arm, short: short, seed: seed, curve: []point{
				{steps / 2, steps * 75, loss + 1 + wobble}, {steps, steps * 150, loss + wobble}}})
		}
	}
	for a, loss := range []float64{4, 3.5, 3.6, 3.8, 3.61, 3.9} {
		add(a, false, 200, loss)
		if a != constant15 && a != subset {
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
	curve := []point{{10, 0, 5}, {20, 0, 3}, {30, 0, 4}, {40, 0, 2}}
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
