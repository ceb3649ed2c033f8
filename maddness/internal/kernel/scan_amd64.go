//go:build amd64 && !purego && !noasm

package kernel

import (
	"math"
	"unsafe"
)

//go:generate sh -c "cd _gen && go run . -out ../scan_amd64.s -stubs ../scan_stubs_amd64.go -pkg kernel"

// tile is four outputs of a block of rows, feature-major.
type tile [4][Block]float32

// scan4 computes the four outputs from m on for blocks of rows; scale and offset have four elements.
func (t *Tables) scan4(blocks int, codes []byte, m int, scale, offset *float32, floor float32, dst *float32, stride int) {
	switch {
	case blocks == 0:
	case t.path == avx512:
		groups := upTo4(t.codebooks) / 4
		scanCols512(blocks, &codes[0], groups, &t.signed[m*groups*64], scale, offset, floor, dst, stride)
	case t.narrow:
		scan6AVX2(blocks, &codes[0], t.codebooks, &t.raised[m*t.codebooks*16], scale, offset, floor, t.excess, dst, stride)
	default:
		scan8AVX2(blocks, &codes[0], t.codebooks, &t.raised[m*t.codebooks*16], scale, offset, floor, t.excess, dst, stride)
	}
}

// four computes the sums of the four outputs from m on. They are below 2^24, where float32 is exact.
func (t *Tables) four(sums *[4][Block]int32, block []byte, m int) {
	var v tile
	one, zero := [4]float32{1, 1, 1, 1}, [4]float32{}
	t.scan4(1, block, m, &one[0], &zero[0], float32(math.Inf(-1)), &v[0][0], Block)
	for i := range v {
		for r, x := range v[i] {
			sums[i][r] = int32(x)
		}
	}
}

// ends are scale and offset of the last outputs, filled up to four.
func ends(m int, scale, offset []float32, filling float32) (s, o [4]float32) {
	o = [4]float32{filling, filling, filling, filling}
	copy(s[:], scale[m:])
	copy(o[:], offset[m:])
	return s, o
}

func floorOf(relu bool) float32 {
	if relu {
		return 0
	}
	return float32(math.Inf(-1))
}

// streamFrom is how large a result in bytes must be to be written past the caches: more than a core's share of the last.
const streamFrom = 8 << 20

func (t *Tables) vectorCols(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	if rows == 0 {
		return
	}
	full, floor := rows/Block, floorOf(relu)
	rest := codes[CodesLen(full*Block, t.codebooks):]
	stream := t.path == avx512 && full > 0 && 4*stride*t.outputs >= streamFrom && stride%16 == 0 && uintptr(unsafe.Pointer(&dst[0]))%64 == 0
	var v tile
	m := 0
	for ; m+4 <= t.outputs; m += 4 {
		if stream {
			groups := upTo4(t.codebooks) / 4
			scanStream512(full, &codes[0], groups, &t.signed[m*groups*64], &scale[m], &offset[m], floor, &dst[m*stride], stride)
		} else {
			t.scan4(full, codes, m, &scale[m], &offset[m], floor, &dst[m*stride], stride)
		}
		if n := rows - full*Block; n > 0 {
			t.scan4(1, rest, m, &scale[m], &offset[m], floor, &v[0][0], Block)
			for i := range v {
				copy(dst[(m+i)*stride+full*Block:][:n], v[i][:])
			}
		}
	}
	if m == t.outputs {
		return
	}
	s, o := ends(m, scale, offset, 0)
	for first := 0; first < rows; first += Block {
		t.scan4(1, codes[CodesLen(first, t.codebooks):], m, &s[0], &o[0], floor, &v[0][0], Block)
		for i := range t.outputs - m {
			copy(dst[(m+i)*stride+first:][:min(Block, rows-first)], v[i][:])
		}
	}
}

func (t *Tables) vectorRows(dst []float32, stride int, codes []byte, rows int, scale, offset []float32, relu bool) {
	groups, floor := upTo4(t.codebooks)/4, floorOf(relu)
	var v [Block][4]float32
	for first := 0; first < rows; first += Block {
		n, block, out := min(Block, rows-first), codes[CodesLen(first, t.codebooks):], dst[first*stride:]
		for m := 0; m < t.outputs; m += 4 {
			if n == Block && m+4 <= t.outputs {
				scanRows512(1, &block[0], groups, &t.signed[m*groups*64], &scale[m], &offset[m], floor, &out[m], stride)
				continue
			}
			s, o := ends(m, scale, offset, 0)
			scanRows512(1, &block[0], groups, &t.signed[m*groups*64], &s[0], &o[0], floor, &v[0][0], 4)
			for r := range n {
				copy(out[r*stride+m:][:min(4, t.outputs-m)], v[r][:])
			}
		}
	}
}

func (t *Tables) vectorBytes(dst []int8, stride int, codes []byte, rows int, scale, offset []float32, inverse float32, relu bool) {
	groups, floor := upTo4(t.codebooks)/4, floorOf(relu)
	var v [4][Block]int8
	for first := 0; first < rows; first += Block {
		n, block := min(Block, rows-first), codes[CodesLen(first, t.codebooks):]
		for m := 0; m < t.outputs; m += 4 {
			if n == Block && m+4 <= t.outputs {
				scanBytes512(1, &block[0], groups, &t.signed[m*groups*64], &scale[m], &offset[m], floor, &dst[m*stride+first], stride, inverse)
				continue
			}
			s, o := ends(m, scale, offset, 0)
			scanBytes512(1, &block[0], groups, &t.signed[m*groups*64], &s[0], &o[0], floor, &v[0][0], Block, inverse)
			for i := range min(4, t.outputs-m) {
				copy(dst[(m+i)*stride+first:][:n], v[i][:])
			}
		}
	}
}

func (t *Tables) vectorMax(dst []int32, codes []byte, rows int, scale, offset []float32) {
	groups := upTo4(t.codebooks) / 4
	least := float32(math.Inf(-1))
	var best [Block]float32
	var last [Block]int32
	for first := 0; first < rows; first += Block {
		n, block, index := min(Block, rows-first), codes[CodesLen(first, t.codebooks):], &last
		if n == Block {
			index = (*[Block]int32)(dst[first:])
		}
		clear(index[:])
		for r := range best {
			best[r] = least
		}
		if t.outputs >= 4 {
			scanMax512(t.outputs/4, &block[0], groups, &t.signed[0], &scale[0], &offset[0], &best[0], &index[0], 0)
		}
		if m := t.outputs &^ 3; m < t.outputs {
			s, o := ends(m, scale, offset, least)
			scanMax512(1, &block[0], groups, &t.signed[m*groups*64], &s[0], &o[0], &best[0], &index[0], m)
		}
		copy(dst[first:first+n], index[:])
	}
}
