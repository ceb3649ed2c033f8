package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
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

// saved is a file as numpy.save writes it.
func saved(t *testing.T, kind, shape string, data any) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", kind, shape)
	header += strings.Repeat(" ", 127-10-len(header)) + "\n"
	b := bytes.NewBufferString("\x93NUMPY\x01\x00v\x00" + header)
	require.NoError(t, binary.Write(b, binary.LittleEndian, data))
	path := filepath.Join(t.TempDir(), "x.npy")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

func TestFilesOfNumpy(t *testing.T) {
	for kind, data := range map[string]any{"<f4": []float32{1, 2, 3, 4}, "<f8": []float64{1, 2, 3, 4}} {
		o, err := readOutputs(settings{outputs: saved(t, kind, "(2, 1, 2)", data),
			labels: saved(t, "<i8", "(2,)", []int64{0, 1})})
		require.NoError(t, err)
		require.Equal(t, []float32{3, 4}, o.Example(1))
		require.Equal(t, []int{0, 1}, o.Labels())
	}
	_, _, err := readNPY(saved(t, "<f4", "(2, 1, 1000000000)", []float32{1}))
	require.ErrorContains(t, err, "shape")
	_, _, err = readNPY(saved(t, "<c8", "(1,)", []float64{1}))
	require.ErrorContains(t, err, "want float32")
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
