//go:build amd64 && !purego && !noasm

package kernel

import (
	"unsafe"

	"github.com/espalier-ml/espalier/internal/cpu"
)

// available is the paths of this processor, the fastest first.
func available() []path {
	var p []path
	if cpu.VNNI {
		p = append(p, avx512)
	}
	if cpu.AVX2 {
		p = append(p, avx2)
	}
	return append(p, plain)
}

// together is how many codebooks a kernel encodes at once, 0 if there is none for the type and these thresholds.
func (e *Encoder) together(k kind) int {
	fits := [...]bool{float32s: true, int8s: e.fits8, uint8s: e.fitsU8, int16s: e.fits16}[k]
	switch {
	case fits && current == avx512:
		return 4
	case fits && current == avx2 && k != int16s:
		return 1
	}
	return 0
}

// blocks encodes blocks of rows with codebooks from c on.
func (e *Encoder) blocks(k kind, c, blocks int, x unsafe.Pointer, offsets *[16]int, codes *byte) {
	step := CodesLen(Block, e.codebooks)
	wide, few := current == avx512, (*[4]int)(offsets[:])
	switch {
	case k == float32s && wide:
		encode512(blocks, (*float32)(x), offsets, &e.thresholds[c][0], codes, step)
	case k == float32s:
		encode2(blocks, (*float32)(x), few, &e.thresholds[c][0], codes, step)
	case k == int8s && wide:
		encodeBytes512(blocks, (*byte)(x), offsets, (*[64]byte)(unsafe.Pointer(&e.int8[c])), codes, step, 0)
	case k == int8s:
		encodeBytes2(blocks, (*byte)(x), few, &e.int8[c], codes, step, 0)
	case k == uint8s && wide:
		encodeBytes512(blocks, (*byte)(x), offsets, (*[64]byte)(unsafe.Pointer(&e.uint8[c])), codes, step, 0x80)
	case k == uint8s:
		encodeBytes2(blocks, (*byte)(x), few, &e.uint8[c], codes, step, 0x80)
	default:
		encodeWords512(blocks, (*int16)(x), offsets, (*[64]int16)(unsafe.Pointer(&e.int16[c])), codes, step)
	}
}

// strips encodes row-major rows, 16 at a time, and returns how many it did.
func (e *Encoder) strips(codes []byte, x []float32, stride, rows int) int {
	const strip, panelGroups = 16, 8 // rows, and groups of four codebooks that pass over them together
	var panel [panelGroups * 16 * strip]float32
	groups := len(e.dims) / 4
	done := 0
	for ; done+strip <= rows; done += strip {
		for g := 0; g < groups; g += panelGroups {
			encodeRows512(min(panelGroups, groups-g), &x[done*stride], 4*stride, &e.bytes[16*g], &e.thresholds[4*g][0],
				&codes[index(e.codebooks, done, 4*g)], &panel[0])
		}
	}
	return done
}

// run has the results of n outputs from m on written for blocks of rows; stride is in bytes.
func (t *Tables) run(m, n, blocks int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32,
	inverse float32, how mode) {
	var s, o *float32
	if how != raw {
		s, o = &scale[m], &offset[m]
	}
	out := (*byte)(dst)
	if t.permuted != nil {
		groups := padded(t.codebooks) / 4
		tables := &t.permuted[m/4*groups*256+m%4*64]
		switch n {
		case 4:
			scan512x4(blocks, groups, &codes[0], tables, out, stride, s, o, inverse, int(how))
		case 2:
			scan512x2(blocks, groups, &codes[0], tables, out, stride, s, o, inverse, int(how))
		default:
			scan512x1(blocks, groups, &codes[0], tables, out, stride, s, o, inverse, int(how))
		}
		return
	}
	codebooks := padded(t.codebooks)
	tables, starts := &t.shuffled[(m/4*codebooks*4+m%4)*16], &t.starts[2*m]
	switch [2]int{n, t.groups[m/4]} {
	case [2]int{4, 4}:
		scan2x4x4(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{4, 2}:
		scan2x4x2(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{4, 1}:
		scan2x4x1(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{2, 4}:
		scan2x2x4(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{2, 2}:
		scan2x2x2(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{2, 1}:
		scan2x2x1(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{1, 4}:
		scan2x1x4(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	case [2]int{1, 2}:
		scan2x1x2(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	default:
		scan2x1x1(blocks, codebooks, &codes[0], tables, starts, out, stride, s, o, int(how))
	}
}

// lines has the results of n outputs from m on, a multiple of 16, written row-major; stride is in bytes.
func (t *Tables) lines(m, n, rows int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32,
	inverse float32, how mode) {
	groups := padded(t.codebooks) / 4
	tables, s, o, out := &t.permuted[m/4*groups*256], &scale[m], &offset[m], (*byte)(dst)
	mask := uint16(1<<n - 1)
	switch (n + 3) / 4 {
	case 4:
		rows512x16(rows, groups, &codes[0], tables, groups*256, out, stride, s, o, mask, inverse, int(how))
	case 3:
		rows512x12(rows, groups, &codes[0], tables, groups*256, out, stride, s, o, mask, inverse, int(how))
	case 2:
		rows512x8(rows, groups, &codes[0], tables, groups*256, out, stride, s, o, mask, inverse, int(how))
	default:
		rows512x4(rows, groups, &codes[0], tables, groups*256, out, stride, s, o, mask, inverse, int(how))
	}
}

// argMax has the index of the largest result written for blocks of rows.
func (t *Tables) argMax(dst *int32, blocks int, codes []byte, scale, offset []float32) {
	argMax512(blocks, padded(t.codebooks)/4, t.outputs, &codes[0], &t.permuted[0], dst, &scale[0], &offset[0])
}

// takeVectors is takeAll where vectors can do it.
func (s *sink) takeVectors(m, outputs, first, n int, values *[some * Block]float32) bool {
	switch {
	case s.index != nil:
		argMax2(outputs, m, &values[0], &s.best[0], &s.which[0])
		copy(s.index[first:][:n], s.which[:])
		return true
	case s.small != nil:
		for i := range outputs {
			at := first*s.row + (m+i)*s.output
			bytes2(&values[i*Block], &s.bytes[0], s.inverse)
			for _, v := range s.bytes[:n] {
				s.small[at] = v
				at += s.row
			}
		}
		return true
	case s.floats != nil && s.output == 1 && outputs == some:
		out := s.floats[first*s.row+m:]
		strips := n / 8
		if strips > 0 {
			transpose2(strips, &values[0], &out[0], 4*s.row)
		}
		for r := 8 * strips; r < n; r++ {
			for i := range some {
				out[r*s.row+i] = values[i*Block+r]
			}
		}
		return true
	}
	return false
}
