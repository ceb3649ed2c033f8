package main

import (
	"os"
	"path/filepath"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), settings{seed: 1, out: dir}))
	for _, name := range []string{"report.svg", "weights.png"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Positive(t, info.Size())
	}
	require.NoError(t, run(t.Context(), settings{seed: 1, splits: 2}))
}

func TestRunRefuses(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), settings{outputs: "x"}), "go together")
	bad := filepath.Join(t.TempDir(), "bad.npy")
	require.NoError(t, os.WriteFile(bad, []byte("\x93NUMPY\x01\x00 "), 0o600))
	require.Error(t, run(t.Context(), settings{outputs: bad, labels: bad}))
}

func FuzzParseNPY(f *testing.F) {
	for _, v := range []any{[]float32{1, 2}, []int64{3}, []float64{}} {
		path := filepath.Join(f.TempDir(), "x.npy")
		file, err := os.Create(path)
		require.NoError(f, err)
		require.NoError(f, npy.Write(file, v))
		require.NoError(f, file.Close())
		b, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		shape, data, err := parseNPY(b)
		if err != nil {
			return
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		require.Len(t, data, n)
	})
}
