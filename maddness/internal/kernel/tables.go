package kernel

// Tables are lookup tables in the form that scanning takes. They are immutable.
//
// Results are y = float32(float32(sum)*scale[m]) + offset[m], multiplied and added apart, so that they have the same
// bits everywhere.
type Tables struct {
	codebooks, outputs int
	path               path // generic if the vectors' sums could overflow, and for approximate sums

	entries []int16  // [M][C][16], if no other form is kept
	words   []uint64 // [M/4][C][16] x 4 lanes of 16 bits, entries raised by 128; see words.go
	signed  []int8   // avx512: [M][C/4][64], both filled up to fours
	raised  []byte   // avx2, neon: [M][C][16] with M filled up to fours, entries raised to be positive
	excess  int32    // by how much sums are too large for that
	narrow  bool     // raised entries have 6 bits and there is a multiple of four codebooks

	group int // codebooks that are averaged or clipped together; 0 if sums are exact
	clip  bool
}

// most is the number of codebooks up to which sums of bytes fit 16 bits without a sign.
const most = 257

// NewTables packs entries [M][C][16] that are added up exactly.
func NewTables(codebooks, outputs int, q []int8) *Tables {
	t := &Tables{codebooks: codebooks, outputs: outputs, path: current()}
	if t.path != avx512 && codebooks > most {
		t.path = generic
		t.entries = make([]int16, len(q))
		for i, v := range q {
			t.entries[i] = int16(v)
		}
		return t
	}
	switch size := 16 * codebooks; t.path {
	case generic:
		t.packWords(q)
	case avx512:
		t.signed = make([]int8, upTo4(outputs)*16*upTo4(codebooks))
		for m := range outputs {
			copy(t.signed[m*16*upTo4(codebooks):], q[m*size:(m+1)*size])
		}
	default:
		by := int32(32)
		for _, v := range q {
			if v < -32 || v > 31 {
				by = 128
			}
		}
		t.narrow = by == 32 && codebooks%4 == 0
		t.excess = by * int32(codebooks)
		t.raised = make([]byte, upTo4(outputs)*size)
		for i, v := range q {
			t.raised[i] = byte(int32(v) + by)
		}
	}
	return t
}

// NewAveraging packs entries that are averaged in pairs, rounding up, within groups of a power of two of codebooks; the
// sum is that of the groups' averages times the size of the group.
func NewAveraging(codebooks, outputs int, q []uint8, group int) *Tables {
	return unsigned(codebooks, outputs, q, group, false)
}

// NewSaturating packs entries whose sums within groups of codebooks are clipped at 255.
func NewSaturating(codebooks, outputs int, q []uint8, group int) *Tables {
	return unsigned(codebooks, outputs, q, group, true)
}

func unsigned(codebooks, outputs int, q []uint8, group int, clip bool) *Tables {
	t := &Tables{codebooks: codebooks, outputs: outputs, entries: make([]int16, len(q)), group: group, clip: clip}
	for i, v := range q {
		t.entries[i] = int16(v)
	}
	return t
}

// Cols writes the outputs for codes feature-major: dst[m*stride+row].
func (t *Tables) Cols(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	if t.path >= avx2 {
		t.vectorCols(dst, stride, codes, rows, scale, offset, relu)
		return
	}
	t.scan(codes, rows, &sink{floats: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu})
}

// Rows writes the outputs for codes row-major: dst[row*stride+m].
func (t *Tables) Rows(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	if t.path == avx512 {
		t.vectorRows(dst, stride, codes, rows, scale, offset, relu)
		return
	}
	t.scan(codes, rows, &sink{floats: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu})
}

// ColsInt8 writes outputs times 1/unit, rounded half to even and clipped, feature-major.
func (t *Tables) ColsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32, relu bool) {
	if t.path == avx512 {
		t.vectorBytes(dst, stride, codes, rows, scale, offset, 1/unit, relu)
		return
	}
	t.scan(codes, rows, &sink{small: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu, inverse: 1 / unit})
}

// RowsInt8 is ColsInt8 row-major.
func (t *Tables) RowsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32, relu bool) {
	t.scan(codes, rows, &sink{small: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu, inverse: 1 / unit})
}

// ArgMax writes the index of the largest output, the first of equals.
func (t *Tables) ArgMax(dst []int32, codes []byte, rows int, scale, offset []float32) {
	if t.path == avx512 {
		t.vectorMax(dst, codes, rows, scale, offset)
		return
	}
	t.scan(codes, rows, &sink{index: dst, row: 1, scale: scale, offset: offset})
}

// Sums writes the sums themselves, feature-major.
func (t *Tables) Sums(dst []int32, stride int, codes []byte, rows int) {
	t.scan(codes, rows, &sink{sums: dst, row: 1, output: stride})
}
