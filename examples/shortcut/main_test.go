package main

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run(context.Background(), 1, 2, 2, dir))
	for _, name := range []string{"auc.svg", "results.csv"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NotEmpty(t, b)
	}
}

// The images of five seeds that another implementation was measured on: training and test images, each of 64 pixels, y
// and v as bytes. What has to hold for the means is a part of the distances measured there.
func TestSeedsOfTheReference(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of training, and minutes where the processor is emulated")
	}
	f, err := os.Open("testdata/stripes.bin.gz")
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	read := func() set {
		var n uint32
		require.NoError(t, binary.Read(r, binary.LittleEndian, &n))
		b := make([]byte, int(n)*(pixels+2))
		_, err := io.ReadFull(r, b)
		require.NoError(t, err)
		s := set{x: tensor.NewMatrix[float32](int(n), pixels)}
		for i := range int(n) {
			row := b[i*(pixels+2) : (i+1)*(pixels+2)]
			for j, v := range row[:pixels] {
				s.x.Row(i)[j] = float32(v) / 255
			}
			s.y, s.v = append(s.y, int(row[pixels])), append(s.v, int(row[pixels+1]))
		}
		return s
	}
	results := map[string][]outcome{}
	for seed := range uint64(5) {
		train, test := read(), read()
		for _, m := range methods {
			if m.name == plain || m.name == weighted || m.name == ours || m.name == marginal {
				o, err := study(context.Background(), m, train, train, test, 60, seed)
				require.NoError(t, err)
				results[m.name] = append(results[m.name], o)
			}
		}
	}
	auc := func(name string, agreement float64) float64 { return mean(values(results[name], agreement)) }
	tells := func(name string) float64 {
		sum := 0.0
		for _, o := range results[name] {
			sum += o.tells / 5
		}
		return sum
	}
	for _, name := range []string{plain, weighted, ours, marginal} {
		t.Logf("%-20s %.3f %.3f %.3f, tells v %.3f", name, auc(name, .1), auc(name, .5), auc(name, .9), tells(name))
	}
	assert.GreaterOrEqual(t, auc(ours, .1), .89)
	assert.GreaterOrEqual(t, auc(ours, .1)-auc(plain, .1), .22)
	assert.LessOrEqual(t, auc(ours, .9)-auc(ours, .1), .08)
	assert.GreaterOrEqual(t, auc(plain, .9)-auc(plain, .1), .28)
	assert.GreaterOrEqual(t, auc(ours, .1), auc(weighted, .1))
	assert.LessOrEqual(t, auc(marginal, .9), auc(marginal, .1)-.15)
	assert.GreaterOrEqual(t, tells(plain), .85)
	assert.LessOrEqual(t, tells(ours), .70)
	for _, o := range results[marginal] {
		assert.Equal(t, causal.OverCorrected, o.verdict)
	}
	for _, o := range results[plain] {
		assert.Equal(t, causal.UsesShortcut, o.verdict)
	}
}
