package kernel

import "unsafe"

// Cols writes the outputs for codes feature-major: dst[m*stride+row].
func (t *Tables) Cols(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	if t.vectors() {
		featureMajor(t, dst, stride, codes, rows, scale, offset, 0, choose(around(dst, stride, t.outputs), relu))
		return
	}
	t.plain(codes, rows, &sink{floats: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu})
}

// Rows writes the outputs for codes row-major: dst[row*stride+m].
func (t *Tables) Rows(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	if t.permuted != nil {
		rowMajor(t, dst, stride, codes, rows, scale, offset, 0, choose(floats, relu))
		return
	}
	t.scan(codes, rows, &sink{floats: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu})
}

// ColsInt8 writes outputs times 1/unit, rounded half to even and clipped, feature-major. NaN is -128.
func (t *Tables) ColsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32,
	relu bool) {
	if t.permuted != nil {
		featureMajor(t, dst, stride, codes, rows, scale, offset, 1/unit, choose(integers, relu))
		return
	}
	t.scan(codes, rows, &sink{small: dst, row: 1, output: stride, scale: scale, offset: offset, relu: relu,
		inverse: 1 / unit})
}

// RowsInt8 is ColsInt8 row-major.
func (t *Tables) RowsInt8(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, unit float32,
	relu bool) {
	if t.permuted != nil {
		rowMajor(t, dst, stride, codes, rows, scale, offset, 1/unit, choose(integers, relu))
		return
	}
	t.scan(codes, rows, &sink{small: dst, row: stride, output: 1, scale: scale, offset: offset, relu: relu,
		inverse: 1 / unit})
}

// ArgMax writes the index of the largest output, the first of equals.
func (t *Tables) ArgMax(dst []int32, codes []byte, rows int, scale, offset []float32) {
	if t.permuted == nil || t.outputs > 1<<16 { // the kernel keeps indices as words
		t.scan(codes, rows, &sink{index: dst, row: 1, scale: scale, offset: offset})
		return
	}
	blocks, rest, tail := split(codes, rows, t.codebooks)
	if blocks > 0 {
		t.argMax(&dst[0], blocks, codes, scale, offset)
	}
	if rest > 0 {
		var scratch [Block]int32
		t.argMax(&scratch[0], 1, tail, scale, offset)
		copy(dst[blocks*Block:rows], scratch[:])
	}
}

// Sums writes the sums themselves, feature-major.
func (t *Tables) Sums(dst []int32, stride int, codes []byte, rows int) {
	if t.vectors() {
		featureMajor(t, dst, stride, codes, rows, nil, nil, 0, raw)
		return
	}
	t.plain(codes, rows, &sink{sums: dst, row: 1, output: stride})
}

// vectors tells whether tables are packed for a vector kernel.
func (t *Tables) vectors() bool { return t.permuted != nil || t.shuffled != nil }

// featureMajor has a kernel write feature-major results: of full blocks to where they belong, of the rest to memory
// of its own.
func featureMajor[T float32 | int8 | int32](t *Tables, dst []T, stride int, codes []byte, rows int, scale,
	offset []float32, inverse float32, how mode) {
	if rows == 0 {
		return
	}
	size := int(unsafe.Sizeof(dst[0]))
	var scratch [4 * Block]T
	near := how
	if how != raw {
		near &^= streamed
	}
	blocks, rest, tail := split(codes, rows, t.codebooks)
	for m := 0; m < t.outputs; {
		n := t.together(m)
		out := dst[m*stride:]
		if blocks > 0 {
			t.run(m, n, blocks, codes, unsafe.Pointer(&out[0]), size*stride, scale, offset, inverse, how)
		}
		if rest > 0 {
			t.run(m, n, 1, tail, unsafe.Pointer(&scratch), size*Block, scale, offset, inverse, near)
			for i := range n {
				copy(out[i*stride+blocks*Block:][:rest], scratch[i*Block:])
			}
		}
		m += n
	}
}

// split divides rows into full blocks and a rest, whose codes are in tail.
func split(codes []byte, rows, codebooks int) (blocks, rest int, tail []byte) {
	blocks = rows / Block
	return blocks, rows % Block, codes[CodesLen(blocks*Block, codebooks):]
}

// together is how many outputs from m on go through a kernel: 4, 2 or 1.
func (t *Tables) together(m int) int {
	switch left := t.outputs - m; {
	case left >= 4:
		return 4
	case left >= 2:
		return 2
	}
	return 1
}

// manyBytes is the size of results from which writing around the caches is faster: they would not stay there.
const manyBytes = 8 << 20

// around is how to write results to dst. Around the caches only whole vectors can go.
func around(dst []float32, stride, outputs int) mode {
	if 4*outputs*stride >= manyBytes && stride%16 == 0 && uintptr(unsafe.Pointer(unsafe.SliceData(dst)))%64 == 0 {
		return streamed
	}
	return floats
}

// rowMajor has a kernel write row-major results, for 16 outputs at a time.
func rowMajor[T float32 | int8](t *Tables, dst []T, stride int, codes []byte, rows int, scale, offset []float32,
	inverse float32, how mode) {
	if rows == 0 {
		return
	}
	size := int(unsafe.Sizeof(dst[0]))
	for m := 0; m < t.outputs; m += 16 {
		t.lines(m, min(16, t.outputs-m), rows, codes, unsafe.Pointer(&dst[m]), size*stride, scale, offset, inverse, how)
	}
}

// scan goes through all results by way of some of them, feature-major.
func (t *Tables) scan(codes []byte, rows int, to *sink) {
	if !t.vectors() {
		t.plain(codes, rows, to)
		return
	}
	how := choose(floats, to.relu)
	var scratch [some * Block]float32
	for first := 0; first < rows; first += Block {
		block := codes[CodesLen(first, t.codebooks):]
		n := min(Block, rows-first)
		for m := 0; m < t.outputs; m += some {
			outputs := min(some, t.outputs-m)
			for i := 0; i < outputs; {
				few := t.together(m + i)
				t.run(m+i, few, 1, block, unsafe.Pointer(&scratch[i*Block]), 4*Block, to.scale, to.offset, 0, how)
				i += few
			}
			to.takeAll(m, outputs, first, n, &scratch)
		}
	}
}
