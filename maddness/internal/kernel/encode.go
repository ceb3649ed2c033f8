package kernel

import "math"

// Trees are four columns and 15 thresholds in heap order for each codebook; rows go right if they are greater.
type Trees struct {
	Dims       [][4]int
	Thresholds [][16]float32
}

// Encoder is trees in the form that encoding takes. It is immutable.
type Encoder struct {
	codebooks  int
	dims       [][4]int      // filled up to a multiple of four codebooks
	thresholds [][16]float32 // like dims, with trees that everything passes on the left
	integers   [][16]int32   // rounded down: an integer is greater than t if it is greater than floor(t)
}

// NewEncoder packs trees over rows of the given number of features.
func NewEncoder(t Trees, features int) *Encoder {
	e := &Encoder{codebooks: len(t.Dims), dims: make([][4]int, upTo4(len(t.Dims))), thresholds: make([][16]float32, upTo4(len(t.Dims))),
		integers: make([][16]int32, len(t.Dims))}
	copy(e.dims, t.Dims)
	copy(e.thresholds, t.Thresholds)
	for c := len(t.Dims); c < len(e.thresholds); c++ {
		for i := range e.thresholds[c] {
			e.thresholds[c][i] = float32(math.Inf(1))
		}
	}
	for c, thresholds := range t.Thresholds {
		for i, v := range thresholds {
			e.integers[c][i] = int32(max(math.MinInt16-1, min(math.MaxInt16, math.Floor(float64(v)))))
		}
	}
	return e
}

// Number is what rows consist of.
type Number interface {
	float32 | int8 | uint8 | int16
}

// Cols encodes feature-major rows: x[d*stride+row].
func (e *Encoder) Cols(codes []byte, x []float32, stride, rows int) {
	if p := current(); p >= avx2 {
		e.vectorCols(p, codes, x, stride, rows)
		return
	}
	encode(codes, x, 1, stride, rows, e.dims[:e.codebooks], e.thresholds)
}

// Rows encodes row-major rows: x[row*stride+d].
func (e *Encoder) Rows(codes []byte, x []float32, stride, rows int) {
	if p := current(); p >= avx2 {
		e.vectorRows(p, codes, x, stride, rows)
		return
	}
	encode(codes, x, stride, 1, rows, e.dims[:e.codebooks], e.thresholds)
}

// ColsInt is Cols for integers.
func ColsInt[T int8 | uint8 | int16](e *Encoder, codes []byte, x []T, stride, rows int) {
	if p := current(); p >= avx2 {
		vectorInts(p, e, codes, x, 1, stride, rows)
		return
	}
	encode(codes, x, 1, stride, rows, e.dims[:e.codebooks], e.integers)
}

// RowsInt is Rows for integers.
func RowsInt[T int8 | uint8 | int16](e *Encoder, codes []byte, x []T, stride, rows int) {
	if p := current(); p >= avx2 {
		vectorInts(p, e, codes, x, stride, 1, rows)
		return
	}
	encode(codes, x, stride, 1, rows, e.dims[:e.codebooks], e.integers)
}

func encode[T Number, V float32 | int32](codes []byte, x []T, rowStride, dimStride, rows int, dims [][4]int, thresholds [][16]V) {
	for first := 0; first < rows; first += Block {
		n := min(Block, rows-first)
		for c, d := range dims {
			t := &thresholds[c]
			out := codes[index(len(dims), first, c):][:n]
			at := first * rowStride
			for r := range out {
				i := uint(1)
				for _, column := range d {
					i = 2*i + greater(V(x[at+column*dimStride]), t[i&15])
				}
				out[r] = byte(i & 15)
				at += rowStride
			}
		}
	}
}

// greater is 1 if v > t and else 0: a flag and not a branch.
func greater[V float32 | int32](v, t V) uint {
	var b uint
	if v > t {
		b = 1
	}
	return b
}
