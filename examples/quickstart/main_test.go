package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program trains: two cycles are enough for nine digits in ten.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	dir := t.TempDir()
	require.NoError(t, run(1, 4, dir))
	csv, err := os.ReadFile(filepath.Join(dir, "curve.csv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(csv)), "\n")
	require.Len(t, lines, 3)
	last := strings.Split(lines[2], ",")
	require.Equal(t, "4", last[0])
	accuracy, err := strconv.ParseFloat(last[2], 64)
	require.NoError(t, err)
	require.Greater(t, accuracy, 0.9)
	for name, mark := range map[string]string{"curve.svg": "<circle", "lr.svg": "<polyline"} {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Contains(t, string(svg), mark)
	}
}

func TestRunRefuses(t *testing.T) {
	require.ErrorContains(t, run(1, 1, ""), "-epochs is 1")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, run(1, 2, filepath.Join(file, "below")))
}
