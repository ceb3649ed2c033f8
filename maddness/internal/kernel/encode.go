package kernel

import (
	"math"
	"slices"
)

// Trees are four columns and 15 thresholds in heap order for each codebook; rows go right if they are greater.
type Trees struct {
	Dims       [][4]int
	Thresholds [][16]float32
}

// Encoder is trees in the form that encoding takes. It is immutable.
type Encoder struct {
	codebooks  int
	dims       [][4]int // with trees that always go left up to a multiple of four codebooks
	bytes      []int    // the columns' distances in rows of float32
	thresholds [][16]float32
	integers   [][16]int32 // rounded down: an integer is greater than t if it is greater than floor(t)

	int8, uint8   [][16]byte
	int16         [][16]int16
	fits8, fitsU8 bool // whether no threshold is below all values of the type
	fits16        bool
}

// NewEncoder packs trees over rows of the given number of features.
func NewEncoder(t Trees, features int) *Encoder {
	e := &Encoder{codebooks: len(t.Dims), dims: slices.Clone(t.Dims), thresholds: slices.Clone(t.Thresholds)}
	never := float32(math.Inf(1))
	for len(e.dims) < padded(e.codebooks) {
		e.dims = append(e.dims, [4]int{})
		e.thresholds = append(e.thresholds, [16]float32(slices.Repeat([]float32{never}, 16)))
	}
	for _, column := range columns(e.dims) {
		e.bytes = append(e.bytes, 4*column)
	}
	lowest := math.Inf(1)
	e.integers = make([][16]int32, len(e.dims))
	e.int8, e.uint8, e.int16 = make([][16]byte, len(e.dims)), make([][16]byte, len(e.dims)), make([][16]int16, len(e.dims))
	for c := range e.dims {
		for i, v := range e.thresholds[c] {
			floor := math.Floor(float64(v))
			if i == 0 || floor != floor { // the heap begins at 1, and nothing is greater than NaN
				floor = math.MaxInt16
			}
			lowest = min(lowest, floor)
			e.integers[c][i] = int32(clamp(floor, math.MinInt16-1, math.MaxInt16))
			e.int8[c][i] = byte(int8(clamp(floor, math.MinInt8, math.MaxInt8)))
			e.uint8[c][i] = byte(clamp(floor, 0, math.MaxUint8)) ^ 0x80
			e.int16[c][i] = int16(clamp(floor, math.MinInt16, math.MaxInt16))
		}
	}
	e.fits8, e.fitsU8, e.fits16 = lowest >= math.MinInt8, lowest >= 0, lowest >= math.MinInt16
	return e
}

func clamp(v, low, high float64) int { return int(max(low, min(high, v))) }

// Number is what rows consist of.
type Number interface {
	float32 | int8 | uint8 | int16
}

// Cols encodes feature-major rows: x[d*stride+row].
func (e *Encoder) Cols(codes []byte, x []float32, stride, rows int) {
	encode(e, codes, x, 1, stride, rows, e.thresholds)
}

// Rows encodes row-major rows: x[row*stride+d].
func (e *Encoder) Rows(codes []byte, x []float32, stride, rows int) {
	if current != avx512 {
		encode(e, codes, x, stride, 1, rows, e.thresholds)
		return
	}
	if done := e.strips(codes, x, stride, rows); done < rows {
		compare(e, codes, x[done*stride:], stride, 1, done, rows-done, e.thresholds)
	}
}

// ColsInt is Cols for integers.
func ColsInt[T int8 | uint8 | int16](e *Encoder, codes []byte, x []T, stride, rows int) {
	encode(e, codes, x, 1, stride, rows, e.integers)
}

// RowsInt is Rows for integers.
func RowsInt[T int8 | uint8 | int16](e *Encoder, codes []byte, x []T, stride, rows int) {
	encode(e, codes, x, stride, 1, rows, e.integers)
}
