//go:build amd64 && !purego && !noasm

package kernel

// panel holds the values that the four levels of up to four trees look at, for a block of rows.
type panel [16][Block]float32

// trees is how many trees a kernel walks at a time.
func (p path) trees() int {
	if p == avx512 {
		return 4
	}
	return 1
}

// walk encodes blocks of rows with the trees from c on; step is the number of rows from one value to the next.
func (e *Encoder) walk(p path, c, blocks int, columns *[16]*float32, codes []byte) {
	if blocks == 0 {
		return
	}
	if p == avx512 {
		encodeCols512(blocks, &columns[0], &e.thresholds[c][0], &codes[c*Block], len(e.dims)*Block)
	} else {
		encodeColsAVX2(blocks, &columns[0], &e.thresholds[c][0], &codes[c*Block], e.codebooks*Block)
	}
}

func (e *Encoder) vectorCols(p path, codes []byte, x []float32, stride, rows int) {
	full := rows / Block
	var columns [16]*float32
	if full > 0 {
		for c := 0; c < e.codebooks; c += p.trees() {
			for i := range 4 * p.trees() {
				columns[i] = &x[e.dims[c+i/4][i%4]*stride]
			}
			e.walk(p, c, full, &columns, codes)
		}
	}
	if full*Block < rows {
		gather(p, e, codes, x, 1, stride, full*Block, rows)
	}
}

// rowsAtATime is how many rows pass through all trees before the next, which keeps reading in the order of memory.
const rowsAtATime = 16

func (e *Encoder) vectorRows(p path, codes []byte, x []float32, stride, rows int) {
	if p != avx512 {
		gather(p, e, codes, x, stride, 1, 0, rows)
		return
	}
	for first := 0; first < rows; first += Block {
		n, block := min(Block, rows-first), codes[first*len(e.dims):]
		for r := 0; r < n; r += rowsAtATime {
			encodeRows512(e.codebooks, min(rowsAtATime, n-r), &x[(first+r)*stride], stride, &e.dims[0][0], &e.thresholds[0][0], &block[4*r])
		}
		for c := e.codebooks; c < len(e.dims); c++ { // codes of the filling
			for r := range n {
				block[(c&^3*Block)+4*r+c&3] = byte(c & 3 << 4)
			}
		}
	}
}

// vectorInts converts what the trees look at and encodes that.
func vectorInts[T int8 | uint8 | int16](p path, e *Encoder, codes []byte, x []T, rowStride, dimStride, rows int) {
	full := 0
	if p == avx512 && rowStride == 1 {
		full = rows / Block
	}
	var values panel
	columns := values.columns()
	for b := range full {
		for c := 0; c < e.codebooks; c += 4 {
			for i := range values {
				widen(&values[i], &x[e.dims[c+i/4][i%4]*dimStride+b*Block])
			}
			e.walk(p, c, 1, &columns, codes[b*Block*len(e.dims):])
		}
	}
	if full*Block < rows {
		gather(p, e, codes, x, rowStride, dimStride, full*Block, rows)
	}
}

func (v *panel) columns() (columns [16]*float32) {
	for i := range v {
		columns[i] = &v[i][0]
	}
	return columns
}

func widen[T int8 | uint8 | int16](dst *[Block]float32, x *T) {
	switch x := any(x).(type) {
	case *int8:
		widenInt8(Block, &dst[0], x)
	case *uint8:
		widenUint8(Block, &dst[0], x)
	case *int16:
		widenInt16(Block, &dst[0], x)
	}
}

// gather encodes rows lo to hi by way of a panel: for other layouts than the kernels', and for incomplete blocks.
func gather[T Number](p path, e *Encoder, codes []byte, x []T, rowStride, dimStride, lo, hi int) {
	var values panel
	columns := values.columns()
	width := e.codebooks
	if p == avx512 {
		width = len(e.dims)
	}
	for first := lo; first < hi; first += Block {
		n := min(Block, hi-first)
		for c := 0; c < e.codebooks; c += p.trees() {
			for i := range 4 * p.trees() {
				to, at := values[i][:n], first*rowStride+e.dims[c+i/4][i%4]*dimStride
				for r := range to {
					to[r] = float32(x[at])
					at += rowStride
				}
			}
			e.walk(p, c, 1, &columns, codes[first*width:])
		}
	}
}
