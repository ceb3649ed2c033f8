package sparse

import (
	"math/bits"

	"github.com/espalier-ml/espalier/tensor"
)

// bitmask is the storage of format Bitmask: bit k%64 of words[k/64] tells whether element k, in row-major order, is
// kept.
type bitmask[T tensor.Float] struct {
	cols   int
	words  []uint64
	starts []int // where the elements of every blockRows rows begin
	values []T
}

func newBitmask[T tensor.Float](e *CSR[T]) *bitmask[T] {
	n := e.Rows * e.Cols
	s := &bitmask[T]{cols: e.Cols, words: make([]uint64, n/64+min(n%64, 1)), values: e.Data}
	for i := range e.Rows {
		if i%blockRows == 0 {
			s.starts = append(s.starts, e.Indptr[i])
		}
		for _, j := range e.Indices[e.Indptr[i]:e.Indptr[i+1]] {
			s.words[(i*e.Cols+j)/64] |= 1 << ((i*e.Cols + j) % 64)
		}
	}
	return s
}

func (s *bitmask[T]) bytes() int { return 8*len(s.words) + sizeOf[T]()*len(s.values) }

func (s *bitmask[T]) appendRows(c *CSR[T], lo, hi int) {
	from := len(c.Data)
	for i := lo; i < hi; i++ {
		c.Indices = appendBits(c.Indices, s.words, i*s.cols, (i+1)*s.cols)
		n := len(c.Indices) - len(c.Data)
		at := s.starts[lo/blockRows] + len(c.Data) - from
		c.Data = append(c.Data, s.values[at:at+n]...)
		c.endRow()
	}
}

// appendBits appends the places of the bits set in [lo, hi), counted from lo.
func appendBits(to []int, words []uint64, lo, hi int) []int {
	for k := lo / 64; k*64 < hi; k++ {
		w := words[k]
		if k*64 < lo {
			w &= ^uint64(0) << (lo % 64)
		}
		if hi < k*64+64 {
			w &= 1<<(hi%64) - 1
		}
		for ; w != 0; w &= w - 1 {
			to = append(to, k*64+bits.TrailingZeros64(w)-lo)
		}
	}
	return to
}
