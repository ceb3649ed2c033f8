package kernel

// Tables are lookup tables in the form that scanning takes. They are immutable.
//
// Results are float32(sum)*scale[m] + offset[m] with a single rounding, as a fused multiply-add has it, and have the
// same bits everywhere.
type Tables struct {
	codebooks, outputs int

	permuted []int8   // AVX-512: [M/4][C/4][4][64], four tables in a vector
	shuffled []uint8  // AVX2, NEON: [M/4][C][4][16] without sign
	starts   []int16  // for those: what sums begin with, in two forms per output
	groups   []int    // and how many codebooks add up to a byte at most, per four outputs
	words    []uint64 // plain: [M/32][C][16][8], four outputs in a word
	entries  []int16  // [M][C][16], where sums are not exact or too large for 16 bits

	group int  // codebooks that are averaged or clipped together; 0 if sums are exact
	clip  bool // clipped and not averaged
}

// NewTables packs entries [M][C][16] that are added up exactly.
func NewTables(codebooks, outputs int, q []int8) *Tables {
	t := &Tables{codebooks: codebooks, outputs: outputs}
	switch {
	case current == avx512:
		t.permute(q)
	case codebooks > mostIn16Bits:
		t.entries = widened(q)
	case current == plain:
		t.spread(q)
	default:
		t.shuffle(q)
	}
	return t
}

// mostIn16Bits is the number of codebooks whose sums of any entries fit 16 bits with sign.
const mostIn16Bits = 255

// NewAveraging packs entries that are averaged in pairs, rounding up, within groups of a power of two of codebooks; the
// sum is that of the groups' averages times the size of the group.
func NewAveraging(codebooks, outputs int, q []uint8, group int) *Tables {
	return &Tables{codebooks: codebooks, outputs: outputs, entries: widened(q), group: group}
}

// NewSaturating packs entries whose sums within groups of codebooks are clipped at 255.
func NewSaturating(codebooks, outputs int, q []uint8, group int) *Tables {
	return &Tables{codebooks: codebooks, outputs: outputs, entries: widened(q), group: group, clip: true}
}

func widened[T int8 | uint8](q []T) []int16 {
	w := make([]int16, len(q))
	for i, v := range q {
		w[i] = int16(v)
	}
	return w
}

// table is the 16 entries of an output and a codebook.
func table[T any](q []T, codebooks, m, c int) []T { return q[(m*codebooks+c)*16:][:16] }

func (t *Tables) permute(q []int8) {
	// Four times four outputs share a pass over row-major results.
	t.permuted = make([]int8, (t.outputs+15)&^15*padded(t.codebooks)*16)
	for m := range t.outputs {
		for c := range t.codebooks {
			copy(t.permuted[m&^3*padded(t.codebooks)*16+c/4*256+m%4*64+c%4*16:], table(q, t.codebooks, m, c))
		}
	}
}

func (t *Tables) shuffle(q []int8) {
	outputs, codebooks := padded(t.outputs), padded(t.codebooks)
	t.shuffled, t.starts, t.groups = make([]uint8, outputs*codebooks*16), make([]int16, 2*outputs), make([]int, outputs/4)
	widths := make([]int, codebooks)
	for four := range t.groups {
		together := 4
		for m := 4 * four; m < min(4*four+4, t.outputs); m++ {
			var bias int16 // what entries are raised by, in all codebooks
			for c := range t.codebooks {
				from := table(q, t.codebooks, m, c)
				low, high := from[0], from[0]
				for _, v := range from {
					low, high = min(low, v), max(high, v)
				}
				widths[c] = int(high) - int(low)
				bias -= int16(low)
				for i, v := range from {
					t.shuffled[(4*four*codebooks+4*c+m%4)*16+i] = uint8(v - low)
				}
			}
			together = min(together, fitting(widths))
			// Sums of even rows have those of odd rows above them.
			t.starts[2*m], t.starts[2*m+1] = -bias-bias<<8, -bias
		}
		t.groups[four] = together
	}
}

// fitting is how many neighbours among the widths add up to a byte at most: 4, 2 or 1.
func fitting(widths []int) int {
	for _, n := range []int{4, 2} {
		fits := true
		for c := 0; c < len(widths); c += n {
			sum := 0
			for _, w := range widths[c : c+n] {
				sum += w
			}
			fits = fits && sum <= 255
		}
		if fits {
			return n
		}
	}
	return 1
}

// wordOutputs is how many outputs the plain path adds up at once: eight words of four.
const wordOutputs = 32

func (t *Tables) spread(q []int8) {
	t.words = make([]uint64, (t.outputs+wordOutputs-1)/wordOutputs*t.codebooks*16*8)
	for m := range t.outputs {
		for c := range t.codebooks {
			for i, v := range table(q, t.codebooks, m, c) {
				word := ((m/wordOutputs*t.codebooks+c)*16+i)*8 + m%wordOutputs/4
				t.words[word] |= uint64(int(v)+128) << (m % 4 * 16)
			}
		}
	}
}
