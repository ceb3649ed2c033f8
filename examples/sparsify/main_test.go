package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"github.com/stretchr/testify/require"
)

// A short run: every network is there, masks alone save nothing, what is compiled from one network answers alike.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var text bytes.Buffer
	s := settings{seed: 1, sparsity: 0.9, epochs: 6, batch: 16, sizes: 64, out: dir}
	if testing.Short() {
		s.epochs, s.images, s.sizes, s.sparsity = 1, 128, 16, 0.6
	}
	require.NoError(t, run(&text, s))
	require.Contains(t, text.String(), "A mask alone makes nothing faster or smaller")
	require.Contains(t, text.String(), fmt.Sprintf("%d outputs, %d inputs", s.sizes, s.sizes))
	f, err := os.Open(filepath.Join(dir, "results.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 9)
	number := func(row, column int) float64 {
		v, err := strconv.ParseFloat(rows[row][column], 64)
		require.NoError(t, err)
		return v
	}
	const accuracy, weights, size = 1, 2, 3
	if !testing.Short() {
		require.Greater(t, number(1, accuracy), 0.85)
		require.InDelta(t, number(1, accuracy), number(8, accuracy), 0.05)
	}
	require.Equal(t, number(1, size), number(2, size))
	for row := 3; row <= 6; row++ { // rounding may turn a tie, hardly more
		require.InDelta(t, number(2, accuracy), number(row, accuracy), 0.01, rows[row][0])
	}
	for _, row := range []int{3, 4, 6} {
		require.Less(t, number(row, weights), (1.01-s.sparsity)*number(1, weights))
		require.Less(t, number(row, size), 1.8*(1.01-s.sparsity)*number(1, size))
	}
	require.Less(t, number(7, weights), (1.01-s.sparsity)*number(1, weights))
	svg, err := os.ReadFile(filepath.Join(dir, "speedup.svg"))
	require.NoError(t, err)
	require.Contains(t, string(svg), "<circle")
}

// A file of every type of number, written back in the same types with as many zeros as were asked for.
func TestWeights(t *testing.T) {
	const rows, cols = 4, 6
	views := map[string]safetensors.TensorView{}
	add := func(name string, dtype safetensors.DType, size int, shape []uint64, element func(b []byte, i int)) {
		n := 1
		for _, d := range shape {
			n *= int(d)
		}
		data := make([]byte, n*size)
		for i := range n {
			element(data[i*size:], i)
		}
		v, err := safetensors.NewTensorView(dtype, shape, data)
		require.NoError(t, err)
		views[name] = v
	}
	value := func(i int) float64 { return float64(i%23) - 11.5 }
	wide := func(b []byte, i int) { binary.LittleEndian.PutUint32(b, math.Float32bits(float32(value(i)))) }
	add("bias", safetensors.F32, 4, []uint64{cols}, wide)
	add("f32", safetensors.F32, 4, []uint64{rows, cols}, wide)
	add("conv", safetensors.F32, 4, []uint64{rows, 2, 3, 1}, wide)
	add("bf16", safetensors.BF16, 2, []uint64{rows, cols}, func(b []byte, i int) {
		binary.LittleEndian.PutUint16(b, uint16(math.Float32bits(float32(value(i)))>>16))
	})
	add("f16", safetensors.F16, 2, []uint64{rows, cols}, func(b []byte, i int) {
		binary.LittleEndian.PutUint16(b, uint16(15+i%8)<<10|uint16(i)) // 2^(i%8) and a little
	})
	add("f64", safetensors.F64, 8, []uint64{rows, cols}, func(b []byte, i int) {
		binary.LittleEndian.PutUint64(b, math.Float64bits(value(i)))
	})
	add("ids", safetensors.I64, 8, []uint64{rows, cols}, func(b []byte, i int) { b[0] = 7 })
	raw, err := safetensors.Serialize(views, map[string]string{"format": "pt"})
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	var text bytes.Buffer
	require.NoError(t, run(&text, settings{sparsity: 0.75, batch: 2, out: dir, weights: path}))
	require.Contains(t, text.String(), "5 of 7 tensors pruned")

	raw, err = os.ReadFile(filepath.Join(dir, "pruned.safetensors"))
	require.NoError(t, err)
	pruned, err := safetensors.Deserialize(raw)
	require.NoError(t, err)
	_, meta, err := safetensors.ReadMetadata(raw)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"format": "pt"}, meta.Metadata())
	for name, before := range views {
		after, ok := pruned.Tensor(name)
		require.True(t, ok)
		require.Equal(t, before.DType(), after.DType())
		require.Equal(t, before.Shape(), after.Shape())
		if name == "bias" || name == "ids" {
			require.Equal(t, before.Data(), after.Data())
			continue
		}
		zeros := 0
		old := numbers(before)
		for i, v := range numbers(after) {
			if v == 0 {
				zeros++
			} else {
				require.Equal(t, old[i], v)
			}
		}
		require.Equal(t, 18, zeros, name)
	}
	require.Equal(t, []float32{1, -2, 65504, 6.1035156e-05, 5.9604645e-08}, []float32{half(0x3c00), half(0xc000),
		half(0x7bff), half(0x0400), half(0x0001)})
	require.ErrorContains(t, run(&text, settings{sparsity: 0.5, weights: filepath.Join(dir, "none")}), "none")
	require.NoError(t, os.WriteFile(path, []byte("no file of weights"), 0o600))
	require.Error(t, run(&text, settings{sparsity: 0.5, batch: 1, weights: path}))
	require.Error(t, settings{sparsity: 1, epochs: 1, batch: 1}.check())
}
