package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	var w bytes.Buffer
	require.NoError(t, run([]string{"-plot", "-out", filepath.Join(dir, "plots")}, &w))
	require.Contains(t, w.String(), "cyclic: warmup, then cosine cycles")
	images, err := filepath.Glob(filepath.Join(dir, "plots", "*.svg"))
	require.NoError(t, err)
	require.Len(t, images, len(gallery()))

	file := filepath.Join(dir, "lr.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"version":1,"type":"wsd","peak":1,"warmup":"8ep","decay":"82ep"}`),
		0o600))
	w.Reset()
	require.NoError(t, run([]string{"-json", file, "-total", "90ep", "-steps-per-epoch", "10"}, &w))
	require.Contains(t, w.String(), "s(450) = 0.")

	for want, args := range map[string][]string{
		"StepsPerEpoch is not set":  {"-json", file},
		"exclude each other":        {"-json", file, "-text", "1"},
		"no such file":              {"-json", file + "x"},
		"want value@time":           {"-text", "x"},
		`unexpected argument "now"`: {"now"},
	} {
		require.ErrorContains(t, run(args, &w), want)
	}
}
