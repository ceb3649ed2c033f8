package bags

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// Bucket is the smallest of some sizes that is n or more. The error wraps [tensor.ErrRange] if there is none.
func Bucket(n int, sizes ...int) (int, error) {
	sizes = slices.Sorted(slices.Values(sizes))
	k, _ := slices.BinarySearch(sizes, n)
	if k == len(sizes) {
		return 0, fmt.Errorf("bags: Bucket: %d rows, buckets of %v: %w", n, sizes, tensor.ErrRange)
	}
	return sizes[k], nil
}

// Pad makes the two inputs of a batch of bags: the instances, padded with rows of 0, [rows, d], and the bag and the
// position in it of each row, int32 of [rows, 2]. most is how many instances a bag may have; only [TopFraction] takes
// more time and memory for a larger one. It copies b.
//
// Places in the graph are these: an index beyond the end of a tensor ends a program of the backend in Go, and is left
// out by others. The error is that of mil.Bags.Validate, or wraps [tensor.ErrRange] for more instances than rows or a
// bag of more than most.
func Pad(b mil.Bags[float32], rows, most int) (x, place *tensors.Tensor, err error) {
	const call = "bags: Pad"
	if err := b.Validate(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", call, err)
	}
	if b.X.Rows > rows {
		return nil, nil, fmt.Errorf("%s: %d instances for %d rows: %w", call, b.X.Rows, rows, tensor.ErrRange)
	}
	places := make([]int32, 2*rows)
	for i := range b.Len() {
		if b.Size(i) > most {
			return nil, nil, fmt.Errorf("%s: bag %d has %d instances, want up to %d: %w", call, i, b.Size(i), most,
				tensor.ErrRange)
		}
		for k := range b.Size(i) {
			at := 2 * (b.Offsets[i] + k)
			places[at], places[at+1] = int32(i), int32(k)
		}
	}
	for i := b.X.Rows; i < rows; i++ {
		places[2*i] = int32(b.Len())
	}
	data := make([]float32, rows*b.X.Cols)
	for i := range b.X.Rows {
		copy(data[i*b.X.Cols:], b.X.Row(i))
	}
	return tensors.FromFlatDataAndDimensions(data, rows, b.X.Cols), tensors.FromFlatDataAndDimensions(places, rows, 2), nil
}
