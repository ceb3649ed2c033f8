package kernel

import "math"

// plain adds up without vectors: four outputs in a word where sums are exact.
func (t *Tables) plain(codes []byte, rows int, to *sink) {
	for first := 0; first < rows; first += Block {
		n := min(Block, rows-first)
		block := codes[CodesLen(first, t.codebooks):]
		if t.words != nil {
			t.blockOfWords(block, first, n, to)
			continue
		}
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

// blockOfWords adds up eight words, of four outputs each, at a time. Entries are raised by 128, so that neighbours in a
// word do not borrow from each other, and sums of as many codebooks as there may be stay within 16 bits.
func (t *Tables) blockOfWords(block []byte, first, n int, to *sink) {
	var sums [wordOutputs][Block]int32
	bias := int32(128 * t.codebooks)
	for m := 0; m < t.outputs; m += wordOutputs {
		tables := t.words[m*t.codebooks*16*8/wordOutputs:][:t.codebooks*16*8]
		outputs := min(wordOutputs, t.outputs-m)
		for r := range n {
			var w [8]uint64
			if outputs <= wordOutputs/2 {
				w = half(tables, block[r:])
			} else {
				w = whole(tables, block[r:])
			}
			for i := 0; i < outputs; i += 4 {
				v := w[i/4]
				sums[i][r] = int32(v&0xffff) - bias
				sums[i+1][r] = int32(v>>16&0xffff) - bias
				sums[i+2][r] = int32(v>>32&0xffff) - bias
				sums[i+3][r] = int32(v>>48) - bias
			}
		}
		for i := range outputs {
			to.put(m+i, first, sums[i][:n])
		}
	}
}

// whole adds up the tables' words for a row, whose codes are Block bytes apart.
func whole(tables []uint64, codes []byte) [8]uint64 {
	var w0, w1, w2, w3, w4, w5, w6, w7 uint64
	for at := 0; len(tables) >= 16*8; at += Block {
		e := (*[8]uint64)(tables[int(codes[at]&15)*8:])
		w0, w1, w2, w3 = w0+e[0], w1+e[1], w2+e[2], w3+e[3]
		w4, w5, w6, w7 = w4+e[4], w5+e[5], w6+e[6], w7+e[7]
		tables = tables[16*8:]
	}
	return [8]uint64{w0, w1, w2, w3, w4, w5, w6, w7}
}

// half is whole for the first four words.
func half(tables []uint64, codes []byte) (w [8]uint64) {
	var w0, w1, w2, w3 uint64
	for at := 0; len(tables) >= 16*8; at += Block {
		e := (*[4]uint64)(tables[int(codes[at]&15)*8:])
		w0, w1, w2, w3 = w0+e[0], w1+e[1], w2+e[2], w3+e[3]
		tables = tables[16*8:]
	}
	return [8]uint64{w0, w1, w2, w3}
}

// exact adds up the entries of an output.
func exact(sums *[Block]int32, block []byte, entries []int16) {
	for len(entries) > 0 {
		table, codes := (*[16]int16)(entries), (*[Block]byte)(block)
		for r, k := range codes {
			sums[r] += int32(table[k&15])
		}
		entries, block = entries[16:], block[Block:]
	}
}

// grouped adds up what groups of codebooks make of their entries.
func (t *Tables) grouped(sums *[Block]int32, block []byte, entries []int16) {
	var group [256]int32
	for r := range sums {
		for first := 0; first < t.codebooks; first += t.group {
			values := group[:t.group]
			for c := range values {
				k := first + c
				values[c] = int32(entries[16*k+CodeAt(block, Block, t.codebooks, r, k)])
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
