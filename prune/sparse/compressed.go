package sparse

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// compressed is the storage of format Compressed. Columns are in narrow if there are at most 65536 and in wide
// otherwise.
type compressed[T tensor.Float] struct {
	starts []uint32
	narrow []uint16
	wide   []uint32
	values []T
}

func newCompressed[T tensor.Float](e *CSR[T]) (*compressed[T], error) {
	if uint64(len(e.Data)) > math.MaxUint32 || uint64(e.Cols) > 1<<32 {
		return nil, fmt.Errorf("%d elements in %d columns need more than 32 bits to count: %w", len(e.Data), e.Cols,
			tensor.ErrRange)
	}
	s := &compressed[T]{starts: make([]uint32, len(e.Indptr)), values: e.Data}
	for i, k := range e.Indptr {
		s.starts[i] = uint32(k)
	}
	if e.Cols <= 1<<16 {
		s.narrow = make([]uint16, len(e.Indices))
		for k, j := range e.Indices {
			s.narrow[k] = uint16(j)
		}
		return s, nil
	}
	s.wide = make([]uint32, len(e.Indices))
	for k, j := range e.Indices {
		s.wide[k] = uint32(j)
	}
	return s, nil
}

func (s *compressed[T]) bytes() int {
	return 4*len(s.starts) + 2*len(s.narrow) + 4*len(s.wide) + sizeOf[T]()*len(s.values)
}

func (s *compressed[T]) appendRows(c *CSR[T], lo, hi int) {
	a, b, n := s.starts[lo], s.starts[hi], len(c.Indices)
	c.Indices = slices.Grow(c.Indices, int(b-a))[:n+int(b-a)]
	if s.wide != nil {
		widen(c.Indices[n:], s.wide[a:b])
	} else {
		widen(c.Indices[n:], s.narrow[a:b])
	}
	c.Data = append(c.Data, s.values[a:b]...)
	for _, end := range s.starts[lo+1 : hi+1] {
		c.Indptr = append(c.Indptr, n+int(end-a))
	}
}

func widen[I uint16 | uint32](dst []int, src []I) {
	for k, v := range src {
		dst[k] = int(v)
	}
}
