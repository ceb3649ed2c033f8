package main

import (
	"encoding/binary"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/maddness/amm"
)

// A small network: every method has its rows, the exact product is exact, and 8 codebooks beat 2.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	dir := t.TempDir()
	require.NoError(t, run(settings{seed: 1, out: dir, hidden: 48, epochs: 8, sizes: []int{2, 8}, rows: 1, runs: 1}))
	f, err := os.Open(filepath.Join(dir, "results.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	nmse, accuracy := map[string]float64{}, map[string]float64{}
	for _, r := range rows[1:] {
		v, err := strconv.ParseFloat(r[2], 64)
		require.NoError(t, err)
		nmse[r[0]+" "+r[1]] = v
		v, err = strconv.ParseFloat(r[3], 64)
		require.NoError(t, err)
		accuracy[r[0]+" "+r[1]] = v
	}
	for _, m := range amm.Methods() {
		require.Contains(t, nmse, m.Name+" 2")
	}
	require.Zero(t, nmse["exact 2"])
	require.Greater(t, accuracy["exact 2"], 0.8)
	require.Less(t, nmse["int8 2"], 1e-3)
	for _, m := range []string{ours, paper, "PQ", "PCA"} {
		require.Less(t, nmse[m+" 8"], nmse[m+" 2"], m)
	}
	require.Greater(t, accuracy[ours+" 8"], accuracy["exact 2"]-0.1)
	for _, name := range []string{"accuracy.svg", "nmse.svg", "time.svg"} {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Contains(t, string(svg), "<circle")
	}
}

// IDX files are read like the embedded digits.
func TestRunData(t *testing.T) {
	all, err := digits.Load()
	require.NoError(t, err)
	first, second := all.Split(1, 400)
	dir := t.TempDir()
	for part, set := range map[string]digits.Set{"train": first, "t10k": second} {
		n := set.Len()
		header := func(dims ...uint32) []byte {
			var b []byte
			for _, d := range append([]uint32{0x800 | uint32(len(dims))}, dims...) {
				b = binary.BigEndian.AppendUint32(b, d)
			}
			return b
		}
		pixels, labels := header(uint32(n), digits.Size, digits.Size), header(uint32(n))
		for _, v := range set.X {
			pixels = append(pixels, byte(255*v))
		}
		for _, y := range set.Y {
			labels = append(labels, byte(y))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, part+"-images-idx3-ubyte"), pixels, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), labels, 0o644))
	}
	require.NoError(t, run(settings{data: dir, hidden: 16, epochs: 1, sizes: []int{2}, rows: 1}))
}

func TestRunRefuses(t *testing.T) {
	require.Error(t, run(settings{data: t.TempDir()}))
	require.Equal(t, "at 2, not at 4", places([]string{"2"}, []string{"4"}))
}
