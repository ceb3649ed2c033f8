package main

import (
	"context"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/mil/ecg"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	s := settings{seed: 3, patients: 200, epochs: 1, out: dir, wfdb: filepath.Join("..", "..", "mil", "ecg",
		"testdata")}
	require.NoError(t, run(context.Background(), s))
	for _, name := range []string{"report.svg", "strip.svg"} {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		defer f.Close()
		d := xml.NewDecoder(f)
		for err == nil {
			_, err = d.Token()
		}
		require.ErrorIs(t, err, io.EOF, name)
	}
	// The record that it wrote is one, with a mark for each pair of beats.
	r, err := ecg.Open(os.DirFS(dir), "patient")
	require.NoError(t, err)
	frames, err := r.Frames()
	require.NoError(t, err)
	_, err = ecg.Read[float32](r, 0, frames)
	require.NoError(t, err)
	marks, err := os.Open(filepath.Join(dir, "patient.risk"))
	require.NoError(t, err)
	defer marks.Close()
	a, err := ecg.ReadAnnotations(marks)
	require.NoError(t, err)
	require.Greater(t, len(a.Items), 25)
	for _, bad := range []settings{{patients: 10, epochs: 1}, {patients: 600}} {
		require.Error(t, run(context.Background(), bad))
	}
}

// The paper's claims on these patients, as far as one seed can show them.
func TestAggregationOfBeats(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	train, test, err := beats.Simulate(1800, 1200, ecg.Aligned, 1)
	require.NoError(t, err)
	single, attention, err := beats.Fit(train, 3, 1, func() {})
	require.NoError(t, err)
	methods, err := score(train, test, single, attention)
	require.NoError(t, err)
	areas := map[string]float64{}
	for _, m := range methods {
		area, err := test.AUC(m.test)
		require.NoError(t, err)
		areas[m.name] = area.Value
	}
	require.GreaterOrEqual(t, areas[meanOfScores], areas[bestPossible]-0.05)
	require.GreaterOrEqual(t, areas[meanOfScores], areas[maxOfScores]+0.03)
	require.Greater(t, areas[meanOfScores], areas["variability by hand"]+0.1)
}
