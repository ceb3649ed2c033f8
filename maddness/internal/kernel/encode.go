package kernel

import (
	"math"
	"slices"
	"unsafe"
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
	lines      [][]int  // of those, one per cache line in the order of memory, for some groups of four codebooks each
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
	for few := range slices.Chunk(e.bytes, panelGroups*16) {
		e.lines = append(e.lines, onePerLine(few))
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

// panelGroups is how many groups of four codebooks pass over a row-major row together.
const panelGroups = 4

// nearBytes is the size from which rows are probably not in the second-level cache.
const nearBytes = 1 << 20

// onePerLine returns the first of the distances in each stretch of 64 bytes.
func onePerLine(distances []int) []int {
	sorted := slices.Sorted(slices.Values(distances))
	return slices.CompactFunc(sorted, func(a, b int) bool { return a/64 == b/64 })
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

// kind is the type of elements.
type kind int

const (
	float32s kind = iota
	int8s
	uint8s
	int16s
)

func kindOf[T Number]() kind {
	var zero T
	switch any(zero).(type) {
	case float32:
		return float32s
	case int8:
		return int8s
	case uint8:
		return uint8s
	}
	return int16s
}

// encode sends blocks of rows to the kernel of their type, or as floats to that of floats.
func encode[T Number, V float32 | int32](e *Encoder, codes []byte, x []T, rowStride, dimStride, rows int, thresholds [][16]V) {
	k := kindOf[T]()
	switch {
	case rows == 0:
	case e.together(k) > 0:
		inBlocks[T, T](e, k, codes, x, rowStride, dimStride, rows)
	case e.together(float32s) > 0:
		inBlocks[T, float32](e, float32s, codes, x, rowStride, dimStride, rows)
	default:
		compare(e, codes, x, rowStride, dimStride, 0, rows, thresholds)
	}
}

// inBlocks has a kernel encode rows as elements of the given kind. Feature-major blocks of them are read where they are,
// others, and what is left of a block, in a panel that has the columns of a few codebooks.
func inBlocks[T, P Number](e *Encoder, k kind, codes []byte, x []T, rowStride, dimStride, rows int) {
	var panel [16 * Block]P
	var inPanel, inPlace [16]int
	size := int(unsafe.Sizeof(panel[0]))
	for i := range inPanel {
		inPanel[i] = Block * i * size
	}
	direct, together := 0, e.together(k)
	if rowStride == 1 && k == kindOf[T]() {
		direct = rows / Block
	}
	if direct > 0 {
		for c := 0; c < e.codebooks; c += together {
			for i, column := range columns(e.dims[c : c+together]) {
				inPlace[i] = column * dimStride * size
			}
			e.blocks(k, c, direct, unsafe.Pointer(&x[0]), &inPlace, &codes[index(e.codebooks, 0, c)])
		}
	}
	for first := direct * Block; first < rows; first += Block {
		n := min(Block, rows-first)
		for c := 0; c < e.codebooks; c += together {
			for i, column := range columns(e.dims[c : c+together]) {
				gather(panel[i*Block:][:n], x[first*rowStride+column*dimStride:], rowStride)
			}
			e.blocks(k, c, 1, unsafe.Pointer(&panel), &inPanel, &codes[index(e.codebooks, first, c)])
		}
	}
}

// columns is the columns of some trees one after the other.
func columns(dims [][4]int) []int { return unsafe.Slice(&dims[0][0], 4*len(dims)) }

func gather[T, P Number](dst []P, x []T, stride int) {
	at := 0
	for i := range dst {
		dst[i] = P(x[at])
		at += stride
	}
}

// compare encodes rows, numbered from first on, one after the other.
func compare[T Number, V float32 | int32](e *Encoder, codes []byte, x []T, rowStride, dimStride, first, rows int, thresholds [][16]V) {
	step, at := apart(), 0
	for end := first + rows; first < end; {
		n := min(Block-first%Block, end-first)
		for c, d := range e.dims {
			if c >= e.codebooks && current != avx512 {
				break
			}
			t, out, bits := &thresholds[c], codes[index(e.codebooks, first, c):], tag(c)
			from := at
			for r := range n {
				i := uint(1)
				for _, column := range d {
					i = 2*i + greater(V(x[from+column*dimStride]), t[i&15])
				}
				out[r*step] = byte(i&15) | bits
				from += rowStride
			}
		}
		first, at = first+n, at+n*rowStride
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
