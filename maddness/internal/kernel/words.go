package kernel

// The generic path adds four outputs at a time: entries are raised by 128, and those of four outputs are the lanes of 16
// bits of a word, of which up to 257 can be added without overflow. A row's entries for 16 or 32 outputs are neighbours.

// lanes is how many words a row's entries have in a stripe of outputs: 8, or 4 if there are at most 16 outputs.
func (t *Tables) lanes() int {
	if t.outputs <= 16 {
		return 4
	}
	return 8
}

// packWords lays entries out as [stripe][C][16][lanes] words.
func (t *Tables) packWords(q []int8) {
	lanes := t.lanes()
	stripes := (t.outputs + 4*lanes - 1) / (4 * lanes)
	t.words = make([]uint64, stripes*t.codebooks*16*lanes)
	for m := range t.outputs {
		stripe, lane := m/(4*lanes), m%(4*lanes)
		for i, v := range q[m*t.codebooks*16:][:t.codebooks*16] {
			t.words[(stripe*t.codebooks*16+i)*lanes+lane/4] |= uint64(uint8(v)^128) << (16 * (lane % 4))
		}
	}
}

func (t *Tables) scanWords(codes []byte, rows int, to *sink) {
	lanes := t.lanes()
	size := t.codebooks * 16 * lanes
	excess := 128 * int32(t.codebooks)
	var sums [32][Block]int32
	for first := 0; first < rows; first += Block {
		n := min(Block, rows-first)
		block := codes[first*t.codebooks:][:Block*t.codebooks]
		for stripe := 0; stripe*4*lanes < t.outputs; stripe++ {
			words := t.words[stripe*size:][:size]
			for r := range n {
				var acc [8]uint64
				if lanes == 8 {
					add8(&acc, block[r:], words)
				} else {
					add4(&acc, block[r:], words)
				}
				for i, w := range acc[:lanes] {
					sums[4*i][r] = int32(w&0xffff) - excess
					sums[4*i+1][r] = int32(w>>16&0xffff) - excess
					sums[4*i+2][r] = int32(w>>32&0xffff) - excess
					sums[4*i+3][r] = int32(w>>48) - excess
				}
			}
			m := stripe * 4 * lanes
			for i := range min(4*lanes, t.outputs-m) {
				to.put(m+i, first, sums[i][:n])
			}
		}
	}
}

// add8 adds up the entries of a row for 32 outputs. Its codes are 64 bytes apart.
func add8(acc *[8]uint64, codes []byte, words []uint64) {
	var a0, a1, a2, a3, a4, a5, a6, a7 uint64
	for c := 0; len(words) >= 128; c += Block {
		t := (*[8]uint64)(words[codes[c]&15*8:])
		a0 += t[0]
		a1 += t[1]
		a2 += t[2]
		a3 += t[3]
		a4 += t[4]
		a5 += t[5]
		a6 += t[6]
		a7 += t[7]
		words = words[128:]
	}
	*acc = [8]uint64{a0, a1, a2, a3, a4, a5, a6, a7}
}

// add4 is add8 for 16 outputs.
func add4(acc *[8]uint64, codes []byte, words []uint64) {
	var a0, a1, a2, a3 uint64
	for c := 0; len(words) >= 64; c += Block {
		t := (*[4]uint64)(words[codes[c]&15*4:])
		a0 += t[0]
		a1 += t[1]
		a2 += t[2]
		a3 += t[3]
		words = words[64:]
	}
	acc[0], acc[1], acc[2], acc[3] = a0, a1, a2, a3
}
