package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"

	"codeberg.org/sbinet/npyio/npy"

	"github.com/espalier-ml/espalier/tta"
)

// readOutputs reads the files of -outputs and -labels.
func readOutputs(s settings) (*tta.Outputs, error) {
	shape, data, err := readNPY(s.outputs)
	if err != nil {
		return nil, fmt.Errorf("-outputs: %w", err)
	}
	if len(shape) != 3 {
		return nil, fmt.Errorf("-outputs: shape %v, want [examples, views, classes]", shape)
	}
	_, numbers, err := readNPY(s.labels)
	if err != nil {
		return nil, fmt.Errorf("-labels: %w", err)
	}
	labels, logits := make([]int, len(numbers)), make([]float32, len(data))
	for i, v := range numbers {
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
			return nil, fmt.Errorf("-labels: label %d is %v", i, v)
		}
		labels[i] = int(v)
	}
	for i, v := range data {
		logits[i] = float32(v)
	}
	opts := []tta.OutputsOption{tta.WithLabels(labels), tta.WithIdentity(s.identity)}
	if s.probabilities {
		opts = append(opts, tta.WithProbabilities())
	}
	return tta.NewOutputs(shape[1], shape[2], logits, opts...)
}

func readNPY(path string) ([]int, []float64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	return parseNPY(b)
}

// parseNPY holds the shape against the bytes that are there before anything is allocated for it: the reader trusts it.
func parseNPY(b []byte) (shape []int, data []float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("no NPY file: %v", r)
		}
	}()
	r, err := npy.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	count, d := 1, r.Header.Descr
	for _, n := range d.Shape {
		if n < 1 || count > len(b)/n {
			return nil, nil, fmt.Errorf("shape %v in a file of %d bytes", d.Shape, len(b))
		}
		count *= n
	}
	if d.Fortran {
		return nil, nil, fmt.Errorf("columns come first: save numpy.ascontiguousarray")
	}
	switch strings.Trim(d.Type, "'") { // as it stands in the header
	case "<f4":
		return read[float32](r, d.Shape)
	case "<f8":
		return read[float64](r, d.Shape)
	case "<i4":
		return read[int32](r, d.Shape)
	case "<i8":
		return read[int64](r, d.Shape)
	}
	return nil, nil, fmt.Errorf("numbers of type %s, want float32, float64, int32 or int64", d.Type)
}

func read[T float32 | float64 | int32 | int64](r *npy.Reader, shape []int) ([]int, []float64, error) {
	var raw []T
	if err := r.Read(&raw); err != nil {
		return nil, nil, err
	}
	data := make([]float64, len(raw))
	for i, v := range raw {
		data[i] = float64(v)
	}
	return shape, data, nil
}
