//go:build !purego && !noasm

package kernel

// scanNEON adds up the entries of one output for a block of 64 rows: codes [codebook][64], entries [codebook][16]. Sums fit 16
// bits.
//
//go:noescape
func scanNEON(codebooks int, codes, entries *byte, sums *[Block]uint16)

// four computes the sums of the four outputs from m on.
func (t *Tables) four(sums *[4][Block]int32, block []byte, m int) {
	var v [Block]uint16
	for i := range sums {
		scanNEON(t.codebooks, &block[0], &t.raised[(m+i)*t.codebooks*16], &v)
		for r, x := range v {
			sums[i][r] = int32(x) - t.excess
		}
	}
}
