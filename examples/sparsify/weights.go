package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/nlpodyssey/safetensors"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// sparsifyFile prunes the matrices of a safetensors file by magnitude, each for itself, says what sparse products of
// them would bring, and writes the file again with zeros. Tensors of one dimension and those that are no floating-point
// numbers stay; those of more than two are taken for matrices of their first dimension by the rest.
func sparsifyFile(w io.Writer, s settings) error {
	raw, err := os.ReadFile(s.weights)
	if err != nil {
		return err
	}
	file, err := safetensors.Deserialize(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", s.weights, err)
	}
	_, meta, err := safetensors.ReadMetadata(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", s.weights, err)
	}
	views := map[string]safetensors.TensorView{}
	matrices := 0
	for _, t := range file.Tensors() {
		view := t.TensorView
		if rows, cols := matrixShape(view.Shape()); rows > 0 && cols > 0 && size(view.DType()) > 0 {
			if view, err = sparsifyTensor(w, s, t.Name, view, rows, cols); err != nil {
				return fmt.Errorf("%s: %q: %w", s.weights, t.Name, err)
			}
			matrices++
		}
		views[t.Name] = view
	}
	if matrices == 0 {
		return fmt.Errorf("%s: none of %d tensors is a matrix of floating-point numbers", s.weights, file.Len())
	}
	if s.out == "" {
		fmt.Fprintln(w, "nothing is written without -out")
		return nil
	}
	path := filepath.Join(s.out, "pruned.safetensors")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := safetensors.SerializeToWriter(views, meta.Metadata(), f); err != nil {
		f.Close()
		return err
	}
	fmt.Fprintf(w, "%d of %d tensors pruned, written to %s\n", matrices, file.Len(), path)
	return f.Close()
}

// matrixShape is the first dimension and the product of the others; 0 for what is no matrix.
func matrixShape(shape []uint64) (rows, cols int) {
	if len(shape) < 2 {
		return 0, 0
	}
	n := uint64(1)
	for _, d := range shape[1:] {
		n *= d
	}
	return int(shape[0]), int(n)
}

// sparsifyTensor prunes one matrix and returns it with zeros, in the type that it had.
func sparsifyTensor(w io.Writer, s settings, name string, view safetensors.TensorView, rows, cols int) (
	safetensors.TensorView, error) {
	p := &tensor.Param[float32]{Name: name, Shape: []int{rows, cols}, Data: numbers(view)}
	masks, err := prune.ComputeMasks([]*tensor.Param[float32]{p}, prune.WithSparsity(s.sparsity))
	if err != nil {
		return view, err
	}
	_, report, err := sparse.Auto(tensor.Of(rows, cols, p.Data), masks.Get(name), s.batch)
	if err != nil {
		return view, err
	}
	fmt.Fprintf(w, "%s, %v\n%v\n", name, view.DType(), report)
	data, bytes := append([]byte(nil), view.Data()...), size(view.DType())
	for i := range p.Data {
		if !masks.Get(name).Keep(i) {
			clear(data[i*bytes : (i+1)*bytes])
		}
	}
	return safetensors.NewTensorView(view.DType(), view.Shape(), data)
}

// size is the bytes of a floating-point number, 0 for other types.
func size(t safetensors.DType) int {
	switch t {
	case safetensors.F16, safetensors.BF16:
		return 2
	case safetensors.F32:
		return 4
	case safetensors.F64:
		return 8
	}
	return 0
}

// numbers are the elements as float32.
func numbers(view safetensors.TensorView) []float32 {
	var x []float32
	n := size(view.DType())
	for b := view.Data(); len(b) >= n; b = b[n:] {
		switch view.DType() {
		case safetensors.BF16:
			x = append(x, math.Float32frombits(uint32(binary.LittleEndian.Uint16(b))<<16))
		case safetensors.F16:
			x = append(x, half(binary.LittleEndian.Uint16(b)))
		case safetensors.F32:
			x = append(x, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		default:
			x = append(x, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
		}
	}
	return x
}

// half is a number of IEEE 754's 16 bits.
func half(b uint16) float32 {
	sign, exponent, fraction := 1.0, int(b>>10&31), float64(b&1023)/1024
	if b>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 31 && fraction > 0:
		return float32(math.NaN())
	case exponent == 31:
		return float32(math.Inf(int(sign)))
	case exponent == 0:
		return float32(sign * math.Ldexp(fraction, -14))
	}
	return float32(sign * math.Ldexp(1+fraction, exponent-15))
}
