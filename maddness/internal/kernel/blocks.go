package kernel

import "unsafe"

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
func encode[T Number, V float32 | int32](e *Encoder, codes []byte, x []T, rowStride, dimStride, rows int,
	thresholds [][16]V) {
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

// pitch is the distance between columns in a panel, odd in cache lines so that they do not compete for the same sets.
const pitch = Block + 16

// inBlocks has a kernel encode rows as elements of the given kind. Feature-major blocks of them are read where they
// are, others, and what is left of a block, in a panel that has the columns of some codebooks.
func inBlocks[T, P Number](e *Encoder, k kind, codes []byte, x []T, rowStride, dimStride, rows int) {
	const most = 16 // codebooks in the panel
	var panel [most * 4 * pitch]P
	var inPanel, inPlace [16]int
	size := int(unsafe.Sizeof(panel[0]))
	for i := range inPanel {
		inPanel[i] = pitch * i * size
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
		for some := 0; some < e.codebooks; some += most {
			end := min(some+most, len(e.dims))
			gather(panel[:], n, x[first*rowStride:], rowStride, dimStride, columns(e.dims[some:end]))
			for c := some; c < min(end, e.codebooks); c += together {
				e.blocks(k, c, 1, unsafe.Pointer(&panel[(c-some)*4*pitch]), &inPanel, &codes[index(e.codebooks, first, c)])
			}
		}
	}
}

// columns is the columns of some trees one after the other.
func columns(dims [][4]int) []int { return unsafe.Slice(&dims[0][0], 4*len(dims)) }

// gather copies columns of n rows to the panel, feature-major, in the order in which they lie in memory.
func gather[T, P Number](panel []P, n int, x []T, rowStride, dimStride int, columns []int) {
	if rowStride == 1 {
		for i, column := range columns {
			to := panel[i*pitch:][:n]
			for r, v := range x[column*dimStride:][:n] {
				to[r] = P(v)
			}
		}
		return
	}
	for r := range n {
		row := x[r*rowStride:]
		for i, column := range columns {
			panel[i*pitch+r] = P(row[column*dimStride])
		}
	}
}
