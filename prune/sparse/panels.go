package sparse

import (
	"slices"

	"github.com/espalier-ml/espalier/prune/sparse/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

const (
	// blockRows is the number of rows that one goroutine works on: their sums stay in the second-level cache.
	blockRows = 256
	// narrowPanel is the number of columns whose tile stays in the first-level cache.
	narrowPanel = 128
	// wideDensity is the share of elements below which reading and writing the sums of every panel takes longer than
	// fetching the tile from the second-level cache.
	wideDensity = 0.03
)

// panels is the storage of format Panels.
type panels[T tensor.Float] []block[T] // each of blockRows rows, the last of fewer

// block is some rows, in panels of neighbouring columns.
type block[T tensor.Float] struct {
	rows           int
	panels         []panel // those with elements, from left to right
	heads, offsets []uint16
	values         []T
	position       []int // scratch of fill: by row, the next element
	counts, starts []int // scratch of add
}

// panel begins at a column and ends where its heads and elements end.
type panel struct{ column, heads, elements int }

func newPanels[T tensor.Float](e *CSR[T]) panels[T] {
	p := make(panels[T], 0, (e.Rows+blockRows-1)/blockRows)
	width := panelWidth(len(e.Data), e.Rows, e.Cols)
	for lo := 0; lo < e.Rows; lo += blockRows {
		var b block[T]
		hi := min(lo+blockRows, e.Rows)
		kept := e.Indptr[hi] - e.Indptr[lo]
		b.offsets, b.values = make([]uint16, 0, kept), make([]T, 0, kept)
		b.fill(e, lo, hi, width)
		p = append(p, block[T]{rows: b.rows, panels: slices.Clone(b.panels), heads: slices.Clone(b.heads),
			offsets: b.offsets, values: b.values})
	}
	return p
}

func panelWidth(kept, rows, cols int) int {
	if float64(kept) < wideDensity*float64(rows)*float64(cols) {
		return kernel.MostColumns
	}
	return narrowPanel
}

func (p panels[T]) bytes() int {
	n := 0
	for i := range p {
		b := &p[i]
		n += 24*len(b.panels) + 2*len(b.heads) + 2*len(b.offsets) + sizeOf[T]()*len(b.values)
	}
	return n
}

// fill makes b rows [lo, hi) of e. The first panel has a head for every row, so that it begins their sums.
func (b *block[T]) fill(e *CSR[T], lo, hi, width int) {
	b.rows = hi - lo
	b.panels, b.heads, b.offsets, b.values = b.panels[:0], b.heads[:0], b.offsets[:0], b.values[:0]
	b.position = append(b.position[:0], e.Indptr[lo:hi]...)
	for {
		next := -1
		for i, k := range b.position {
			if k < e.Indptr[lo+i+1] && (next < 0 || e.Indices[k]/width < next) {
				next = e.Indices[k] / width
			}
		}
		if next < 0 {
			return
		}
		b.add(e, lo, next*width, width)
	}
}

// add appends the panel from column to column+width of rows from lo on. Rows come by falling number of elements: then
// the processor can predict where the next row ends.
func (b *block[T]) add(e *CSR[T], lo, column, width int) {
	first := len(b.panels) == 0
	b.panels = append(b.panels, panel{column, len(b.heads), len(b.values)})
	if len(b.starts) < width+2 {
		b.starts = make([]int, width+2)
	}
	starts := b.starts[:width+2] // by width-count+1, how many rows there are; then where the next of them goes
	clear(starts)
	b.counts = b.counts[:0]
	for i, k := range b.position {
		columns := e.Indices[k:e.Indptr[lo+i+1]]
		count := len(columns)
		if count > 0 && columns[count-1]-column >= width {
			for count = 0; columns[count]-column < width; {
				count++
			}
		}
		b.counts = append(b.counts, count)
		starts[width-count+1]++
	}
	for k := range width {
		starts[k+1] += starts[k]
	}
	rows := starts[width] // those with elements
	if first {
		rows = b.rows
	}
	at := len(b.heads)
	b.heads = slices.Grow(b.heads, 2*rows)[:at+2*rows]
	for i, count := range b.counts {
		if count > 0 || first {
			to := at + 2*starts[width-count]
			starts[width-count]++
			b.heads[to], b.heads[to+1] = uint16(i), uint16(count)
		}
	}
	for h := at; h < len(b.heads); h += 2 {
		i, count := b.heads[h], int(b.heads[h+1])
		k := b.position[i]
		b.position[i] += count
		n := len(b.offsets)
		b.offsets = slices.Grow(b.offsets, count)[:n+count]
		for k, j := range e.Indices[k : k+count] {
			b.offsets[n+k] = uint16((j - column) * kernel.OffsetUnit)
		}
		b.values = append(b.values, e.Data[k:k+count]...)
	}
}

// bounds are the heads and elements of panel p.
func (b *block[T]) bounds(p int) (heads, headsEnd, elements, elementsEnd int) {
	at := b.panels[p]
	if p+1 < len(b.panels) {
		return at.heads, b.panels[p+1].heads, at.elements, b.panels[p+1].elements
	}
	return at.heads, len(b.heads), at.elements, len(b.values)
}

// mul multiplies the rows with a tile of so many lanes and writes their sums, whatever was in y before.
func (b *block[T]) mul(y, x []T, lanes int) {
	if len(b.panels) == 0 {
		clear(y[:b.rows*lanes])
	}
	for p, at := range b.panels {
		h0, h1, e0, e1 := b.bounds(p)
		kernel.Panel(lanes, b.heads[h0:h1], b.offsets[e0:e1], b.values[e0:e1], x[at.column*lanes:], y, p == 0)
	}
}

func (p panels[T]) appendRows(c *CSR[T], lo, hi int) {
	b := &p[lo/blockRows]
	starts := make([][]panel, hi-lo) // by row, its pieces: column, elements and, in heads, how many
	for k, at := range b.panels {
		h0, h1, from, _ := b.bounds(k)
		for h := h0; h < h1; h += 2 {
			i, count := int(b.heads[h]), int(b.heads[h+1])
			if i < hi-lo {
				starts[i] = append(starts[i], panel{at.column, count, from})
			}
			from += count
		}
	}
	for _, pieces := range starts {
		for _, at := range pieces {
			for k := at.elements; k < at.elements+at.heads; k++ {
				c.add(at.column+int(b.offsets[k])/kernel.OffsetUnit, b.values[k])
			}
		}
		c.endRow()
	}
}
