package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/mil/crossval"
)

// quick is settings that take a second.
func quick() settings {
	return settings{Settings: crossval.Settings{Epochs: 2, Rate: 1e-3, Decay: 5e-3}, seed: 1, digits: 300, folds: 2,
		repeat: 1, methods: "gated,max,ridge"}
}

func TestRun(t *testing.T) {
	require.NoError(t, run(quick()))
}

func TestAttentionFindsWhatNobodyToldIt(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	s := quick()
	s.digits, s.Epochs, s.methods = 1797, 15, "max,ridge"
	d, err := load(s)
	require.NoError(t, err)
	results, err := compare(d, s)
	require.NoError(t, err)
	require.Greater(t, results[0].auc[0], 0.85)
	require.Greater(t, results[0].auc[0], results[1].auc[0]+0.05, "kernels of all pixels find no nine among many digits")
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestBagsOfAFile(t *testing.T) {
	s := quick()
	s.data = write(t, "bags.csv", "bag,label,a,b\nx,1,1,2\ny,0,3,4\nx,1,5,6\nz,0,7,8\nw,1,9,1\n")
	s.test = write(t, "folds.json", `{"test_bags": [[[0, 1], [2, 3]]]}`)
	d, err := load(s)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, false, true}, d.Positive)
	require.Equal(t, []int{0, 2, 3, 4, 5}, d.Bags.Offsets)
	require.Equal(t, []float32{5, 6}, d.Bags.Bag(0).Row(1))
	require.NoError(t, run(s))
}

func TestBadFilesAreErrors(t *testing.T) {
	for want, text := range map[string]string{
		"want a header":                       "bag,label\n",
		"line 3: the label of bag x is \"0\"": "bag,label,a\nx,1,2\nx,0,3\n",
		"want 0 or 1":                         "bag,label,a\nx,2,2\n",
		"feature 0":                           "bag,label,a\nx,1,two\n",
		"wrong number":                        "bag,label,a\nx,1\n",
	} {
		_, err := crossval.ReadCSV(write(t, "bad.csv", text))
		require.ErrorContains(t, err, want)
	}
	_, err := crossval.ReadCSV(write(t, "bad.csv.gz", "not packed"))
	require.Error(t, err)
	_, err = crossval.ReadCSV("missing.csv")
	require.Error(t, err)
	for want, text := range map[string]string{"no folds": `{}`, "in two folds": `{"test_bags": [[[0], [0, 1]]]}`,
		"in no fold": `{"test_bags": [[[0]]]}`, "not there": `{"test_bags": [[[0, 1, 2]]]}`, "JSON": "{"} {
		_, err := readFolds(write(t, "bad.json", text), 2)
		require.ErrorContains(t, err, want)
	}
	for _, change := range []func(*settings){func(s *settings) { s.folds = 1 }, func(s *settings) { s.digits = 9 },
		func(s *settings) { s.methods = "median" }} {
		s := quick()
		change(&s)
		require.Error(t, run(s))
	}
	_, err = crossval.NewPool("median", 1)
	require.True(t, err != nil && strings.Contains(err.Error(), `"median"`))
}
