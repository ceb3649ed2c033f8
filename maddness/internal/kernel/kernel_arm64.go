//go:build arm64 && !purego && !noasm

package kernel

import "unsafe"

// available is the paths of this processor, the fastest first.
func available() []path { return []path{neon, plain} }

// together is how many codebooks a kernel encodes at once, 0 if there is none for the type.
func (e *Encoder) together(k kind) int {
	if current == neon && k == float32s {
		return 1
	}
	return 0
}

// blocks encodes blocks of rows with a codebook.
func (e *Encoder) blocks(_ kind, c, blocks int, x unsafe.Pointer, offsets *[16]int, codes *byte) {
	encodeNEON(blocks, (*float32)(x), (*[4]int)(offsets[:]), &e.thresholds[c][0], codes, CodesLen(Block, e.codebooks))
}

// run has the results of n outputs from m on written for blocks of rows; stride is in bytes.
func (t *Tables) run(m, n, blocks int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32, _ float32,
	how mode) {
	var s, o *float32
	if how != raw {
		s, o = &scale[m], &offset[m]
	}
	codebooks := padded(t.codebooks)
	tables, starts, out := &t.shuffled[(m/4*codebooks*4+m%4)*16], &t.starts[2*m], (*byte)(dst)
	switch n {
	case 4:
		scanNEON4(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case 2:
		scanNEON2(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	default:
		scanNEON1(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	}
}

// takeVectors is takeAll where vectors can do it.
func (s *sink) takeVectors(m, outputs, first, n int, values *[some * Block]float32) bool {
	return false
}

const no512 = "kernel: no AVX-512 on this processor"

func (e *Encoder) strips(codes []byte, x []float32, stride, rows int) int { panic(no512) }

func (t *Tables) lines(m, n, rows int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32,
	inverse float32, how mode) {
	panic(no512)
}

func (t *Tables) argMax(dst *int32, blocks int, codes []byte, scale, offset []float32) { panic(no512) }

// encodeNEON writes the codes of a codebook for blocks of 64 rows, feature-major; offsets in bytes per level, step
// between blocks of codes.
//
//go:noescape
func encodeNEON(blocks int, x *float32, offsets *[4]int, thresholds *float32, codes *byte, step int)

// scanNEON4 writes the results of 4 outputs for blocks of 64 rows, feature-major; stride in bytes.
//
//go:noescape
func scanNEON4(blocks, codebooks int, codes *byte, tables *uint8, starts *int16, dst *byte, stride int, scale,
	offset *float32, mode int)

// scanNEON2 is scanNEON4 for 2 outputs.
//
//go:noescape
func scanNEON2(blocks, codebooks int, codes *byte, tables *uint8, starts *int16, dst *byte, stride int, scale,
	offset *float32, mode int)

// scanNEON1 is scanNEON4 for an output.
//
//go:noescape
func scanNEON1(blocks, codebooks int, codes *byte, tables *uint8, starts *int16, dst *byte, stride int, scale,
	offset *float32, mode int)
