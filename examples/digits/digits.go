// Package digits embeds 1797 handwritten digits of 8x8 pixels, so that the examples train on real data without a
// download: the test part of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak, UCI Machine
// Learning Repository, 1998, doi.org/10.24432/C50P49, licence CC BY 4.0. The numbers are theirs; here they are
// divided by 16.
package digits

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
)

// Size is the height and the width of an image, Classes the number of digits.
const (
	Size    = 8
	Classes = 10
)

//go:embed digits.csv.gz
var file []byte

// Set is a set of images and their labels.
type Set struct {
	X []float32 // N images of Size x Size pixels in [0, 1], one after the other
	Y []int     // N labels in [0, Classes)
}

// Load returns all images in the order of the file.
func Load() (Set, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return Set{}, fmt.Errorf("digits: %w", err)
	}
	r := csv.NewReader(z)
	r.FieldsPerRecord = Size*Size + 1
	rows, err := r.ReadAll()
	if err != nil {
		return Set{}, fmt.Errorf("digits: %w", err)
	}
	var s Set
	for i, row := range rows {
		for j, field := range row {
			v, err := strconv.ParseFloat(field, 32)
			if err != nil {
				return Set{}, fmt.Errorf("digits: row %d, column %d: %w", i, j, err)
			}
			if j < Size*Size {
				s.X = append(s.X, float32(v)/16)
			} else {
				s.Y = append(s.Y, int(v))
			}
		}
	}
	return s, nil
}

// Len is the number of images.
func (s Set) Len() int { return len(s.Y) }

// Split shuffles the set, the same way for the same seed, and cuts it after train images. It panics unless
// 0 <= train <= Len.
func (s Set) Split(seed uint64, train int) (first, rest Set) {
	order := tensor.Stream(seed).Perm(s.Len())
	return s.take(order[:train]), s.take(order[train:])
}

func (s Set) take(indices []int) Set {
	t := Set{X: make([]float32, len(indices)*Size*Size), Y: make([]int, len(indices))}
	s.Gather(t.X, t.Y, indices)
	return t
}

// Gather copies the images with the given indices and their labels to x and y: a mini-batch.
func (s Set) Gather(x []float32, y []int, indices []int) {
	for i, at := range indices {
		copy(x[i*Size*Size:(i+1)*Size*Size], s.X[at*Size*Size:])
		y[i] = s.Y[at]
	}
}
