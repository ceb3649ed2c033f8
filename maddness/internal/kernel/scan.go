package kernel

import "math"

// scan adds up the entries of each block of rows and output, whatever the path.
func (t *Tables) scan(codes []byte, rows int, to *sink) {
	if t.words != nil {
		t.scanWords(codes, rows, to)
		return
	}
	var sums [4][Block]int32
	for first := 0; first < rows; first += Block {
		n := min(Block, rows-first)
		block := codes[CodesLen(first, t.codebooks):][:CodesLen(Block, t.codebooks)]
		for m := 0; m < t.outputs; m += 4 {
			outputs := min(4, t.outputs-m)
			if t.path != generic {
				t.four(&sums, block, m)
			} else {
				for i := range outputs {
					t.one(&sums[i], block, m+i)
				}
			}
			for i := range outputs {
				to.put(m+i, first, sums[i][:n])
			}
		}
	}
}

// one adds up the entries of one output in the order of codebooks.
func (t *Tables) one(sums *[Block]int32, block []byte, m int) {
	entries := t.entries[m*t.codebooks*16:][:t.codebooks*16]
	if t.group > 0 {
		t.grouped(sums, block, entries)
		return
	}
	clear(sums[:])
	for c := range t.codebooks {
		for r := range sums {
			sums[r] += int32(entries[16*c+int(block[index(t.codebooks, r, c)]&15)])
		}
	}
}

func (t *Tables) grouped(sums *[Block]int32, block []byte, entries []int16) {
	var group [256]int32
	for r := range sums {
		sums[r] = 0
		for first := 0; first < t.codebooks; first += t.group {
			values := group[:t.group]
			for c := range values {
				k := first + c
				values[c] = int32(entries[16*k+int(block[index(t.codebooks, r, k)]&15)])
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
