package stripes

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

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
	read := func() Set {
		var n uint32
		require.NoError(t, binary.Read(r, binary.LittleEndian, &n))
		b := make([]byte, int(n)*(pixels+2))
		_, err := io.ReadFull(r, b)
		require.NoError(t, err)
		s := Set{x: tensor.NewMatrix[float32](int(n), pixels)}
		for i := range int(n) {
			row := b[i*(pixels+2) : (i+1)*(pixels+2)]
			for j, v := range row[:pixels] {
				s.x.Row(i)[j] = float32(v) / 255
			}
			s.Y, s.V = append(s.Y, int(row[pixels])), append(s.V, int(row[pixels+1]))
		}
		return s
	}
	results := map[string][]Outcome{}
	for seed := range uint64(5) {
		train, test := read(), read()
		for _, m := range Methods {
			if m.Name == Plain || m.Name == WeightsOnly || m.Name == Ours || m.Name == PenaltyOnly {
				o, err := Study(context.Background(), m, train, train, test, 60, Rate, seed)
				require.NoError(t, err)
				results[m.Name] = append(results[m.Name], o)
			}
		}
	}
	auc := func(name string, agreement float64) float64 { return mean(results[name], agreement) }
	tells := func(name string) float64 {
		sum := 0.0
		for _, o := range results[name] {
			sum += o.Tells / 5
		}
		return sum
	}
	for _, name := range []string{Plain, WeightsOnly, Ours, PenaltyOnly} {
		t.Logf("%-20s %.3f %.3f %.3f, tells v %.3f", name, auc(name, .1), auc(name, .5), auc(name, .9), tells(name))
	}
	assert.GreaterOrEqual(t, auc(Ours, .1), .89)
	assert.GreaterOrEqual(t, auc(Ours, .1)-auc(Plain, .1), .22)
	assert.LessOrEqual(t, auc(Ours, .9)-auc(Ours, .1), .08)
	assert.GreaterOrEqual(t, auc(Plain, .9)-auc(Plain, .1), .28)
	assert.GreaterOrEqual(t, auc(Ours, .1), auc(WeightsOnly, .1))
	assert.LessOrEqual(t, auc(PenaltyOnly, .9), auc(PenaltyOnly, .1)-.15)
	assert.GreaterOrEqual(t, tells(Plain), .85)
	assert.LessOrEqual(t, tells(Ours), .70)
	for _, o := range results[PenaltyOnly] {
		assert.Equal(t, causal.OverCorrected, o.Verdict)
	}
	for _, o := range results[Plain] {
		assert.Equal(t, causal.UsesShortcut, o.Verdict)
	}
}

// mean is the AUC over seeds at an agreement.
func mean(results []Outcome, agreement float64) float64 {
	sum := 0.0
	for _, o := range results {
		sum += o.At(agreement) / float64(len(results))
	}
	return sum
}
