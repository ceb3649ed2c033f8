package sparse

import (
	"fmt"
	"math/bits"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
)

// nm is the storage of format NM: every group has n values and their places in it. Groups that keep fewer are listed;
// what fills them up is no element.
type nm[T tensor.Float] struct {
	n, m, cols int
	width      int // bits of a place
	values     []T
	places     []uint64
	short      []shortGroup // in order
}

type shortGroup struct{ group, kept uint32 }

func newNM[T tensor.Float](e *CSR[T], n, m int) (*nm[T], error) {
	m = min(m, max(e.Cols, 1))
	n = min(n, m)
	s := &nm[T]{n: n, m: m, cols: e.Cols, width: bits.Len(uint(m - 1))}
	perRow := s.groups()
	if uint64(e.Rows)*uint64(perRow) > 1<<32 || !fits(e.Rows*perRow, n*8) {
		return nil, fmt.Errorf("%d rows of %d groups are too many: %w", e.Rows, perRow, tensor.ErrRange)
	}
	s.values = make([]T, e.Rows*perRow*n)
	s.places = make([]uint64, (len(s.values)*s.width+63)/64)
	for i := range e.Rows {
		k, end := e.Indptr[i], e.Indptr[i+1]
		for g := range perRow {
			from, at := k, (i*perRow+g)*n
			for ; k < end && e.Indices[k] < (g+1)*m; k++ {
				if k-from < n {
					s.values[at+k-from] = e.Data[k]
					s.setPlace(at+k-from, e.Indices[k]-g*m)
				}
			}
			switch kept := k - from; {
			case kept > n:
				return nil, fmt.Errorf("row %d, group %d keeps %d of %d elements, want at most %d: %w", i, g, kept, m, n,
					tensor.ErrRange)
			case kept < n:
				s.short = append(s.short, shortGroup{uint32(i*perRow + g), uint32(kept)})
			}
		}
	}
	return s, nil
}

// groups is the number of groups in a row.
func (s *nm[T]) groups() int { return (s.cols + s.m - 1) / s.m }

func (s *nm[T]) setPlace(k, place int) {
	if s.width == 0 {
		return
	}
	bit := k * s.width
	s.places[bit/64] |= uint64(place) << (bit % 64)
	if over := bit%64 + s.width - 64; over > 0 {
		s.places[bit/64+1] |= uint64(place) >> (s.width - over)
	}
}

func (s *nm[T]) place(k int) int {
	if s.width == 0 {
		return 0
	}
	bit := k * s.width
	p := s.places[bit/64] >> (bit % 64)
	if over := bit%64 + s.width - 64; over > 0 {
		p |= s.places[bit/64+1] << (s.width - over)
	}
	return int(p & (1<<s.width - 1))
}

func (s *nm[T]) bytes() int { return sizeOf[T]()*len(s.values) + 8*len(s.places) + 8*len(s.short) }

func (s *nm[T]) appendRows(c *CSR[T], lo, hi int) {
	perRow := s.groups()
	next := sort.Search(len(s.short), func(k int) bool { return int(s.short[k].group) >= lo*perRow })
	for i := lo; i < hi; i++ {
		for g := range perRow {
			kept, group := s.n, i*perRow+g
			if next < len(s.short) && int(s.short[next].group) == group {
				kept = int(s.short[next].kept)
				next++
			}
			for k := group * s.n; k < group*s.n+kept; k++ {
				c.add(g*s.m+s.place(k), s.values[k])
			}
		}
		c.endRow()
	}
}
