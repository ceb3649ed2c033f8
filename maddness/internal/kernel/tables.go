package kernel

import "math"

// Tables are lookup tables in the form that scanning takes. They are immutable.
//
// Results are y = float32(float32(sum)*scale[m]) + offset[m], multiplied and added apart, so that they have the same
// bits everywhere.
type Tables struct {
	codebooks, outputs int
	entries            []int16 // [M][C][16]
	group              int     // codebooks that are averaged or clipped together; 0 if sums are exact
	clip               bool
}

// NewTables packs entries [M][C][16] that are added up exactly.
func NewTables(codebooks, outputs int, q []int8) *Tables {
	t := &Tables{codebooks: codebooks, outputs: outputs, entries: make([]int16, len(q))}
	for i, v := range q {
		t.entries[i] = int16(v)
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
	t.scan(codes, rows, &sink{floats: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu})
}

// Rows writes the outputs for codes row-major: dst[row*stride+m].
func (t *Tables) Rows(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	t.scan(codes, rows, &sink{floats: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu})
}

// ColsInt8 writes outputs times 1/unit, rounded half to even and clipped, feature-major.
func (t *Tables) ColsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32, relu bool) {
	t.scan(codes, rows, &sink{small: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu, inverse: 1 / unit})
}

// RowsInt8 is ColsInt8 row-major.
func (t *Tables) RowsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32, relu bool) {
	t.scan(codes, rows, &sink{small: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu, inverse: 1 / unit})
}

// ArgMax writes the index of the largest output, the first of equals.
func (t *Tables) ArgMax(dst []int32, codes []byte, rows int, scale, offset []float32) {
	t.scan(codes, rows, &sink{index: dst, row: 1, scale: scale, offset: offset})
}

// Sums writes the sums themselves, feature-major.
func (t *Tables) Sums(dst []int32, stride int, codes []byte, rows int) {
	t.scan(codes, rows, &sink{sums: dst, row: 1, output: stride})
}

// sink is where results go: one of its slices, at row*row + m*output.
type sink struct {
	floats        []float32
	small         []int8
	index         []int32
	sums          []int32
	row, output   int
	scale, offset []float32
	relu          bool
	inverse       float32
	best          [Block]float32
}

// put takes the sums of output m for rows from first on.
func (s *sink) put(m, first int, sums []int32) {
	at := first*s.row + m*s.output
	switch {
	case s.floats != nil:
		for _, sum := range sums {
			s.floats[at] = s.value(m, sum)
			at += s.row
		}
	case s.small != nil:
		for _, sum := range sums {
			s.small[at] = int8(max(math.MinInt8, min(math.MaxInt8, math.RoundToEven(float64(s.value(m, sum)*s.inverse)))))
			at += s.row
		}
	case s.index != nil:
		for r, sum := range sums {
			if v := s.value(m, sum); m == 0 || v > s.best[r] {
				s.best[r], s.index[first+r] = v, int32(m)
			}
		}
	default:
		copy(s.sums[at:], sums)
	}
}

func (s *sink) value(m int, sum int32) float32 {
	v := float32(float32(sum)*s.scale[m]) + s.offset[m]
	if s.relu && v < 0 {
		v = 0
	}
	return v
}

// scan adds up the entries of each block of rows and output.
func (t *Tables) scan(codes []byte, rows int, to *sink) {
	for first := 0; first < rows; first += Block {
		n := min(Block, rows-first)
		block := codes[first*t.codebooks:][:Block*t.codebooks]
		for m := range t.outputs {
			var sums [Block]int32
			entries := t.entries[m*t.codebooks*16:][:t.codebooks*16]
			if t.group == 0 {
				exact(&sums, block, entries)
			} else {
				t.grouped(&sums, block, entries)
			}
			to.put(m, first, sums[:n])
		}
	}
}

func exact(sums *[Block]int32, block []byte, entries []int16) {
	for len(entries) > 0 {
		table, codes := (*[16]int16)(entries), (*[Block]byte)(block)
		for r, k := range codes {
			sums[r] += int32(table[k&15])
		}
		entries, block = entries[16:], block[Block:]
	}
}

func (t *Tables) grouped(sums *[Block]int32, block []byte, entries []int16) {
	var group [256]int32
	for r := range sums {
		for first := 0; first < t.codebooks; first += t.group {
			values := group[:t.group]
			for c := range values {
				k := first + c
				values[c] = int32(entries[16*k+int(block[Block*k+r]&15)])
			}
			sums[r] += t.combined(values)
		}
	}
}

// combined is what a group adds to the sum.
func (t *Tables) combined(values []int32) int32 {
	if t.clip {
		sum := int32(0)
		for _, v := range values {
			sum += v
		}
		return min(sum, math.MaxUint8)
	}
	for len(values) > 1 {
		for i := range len(values) / 2 {
			values[i] = (values[2*i] + values[2*i+1] + 1) >> 1
		}
		values = values[:len(values)/2]
	}
	return values[0] * int32(t.group)
}
