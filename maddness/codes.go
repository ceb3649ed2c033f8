package maddness

import (
	"fmt"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Codes holds the codes of rows, C of 4 bits each, in the order that table lookup reads them. The zero value is empty
// and takes rows of any operator; afterwards, until Reset, only of those with as many codebooks. Appending, by
// [Operator.Encode] and its relatives, is not safe for concurrent use; lookups are.
type Codes struct {
	rows, codebooks int
	packed          []byte
}

// Rows returns how many rows are held.
func (c *Codes) Rows() int { return c.rows }

// Codebooks returns the number of codes per row, 0 if nothing is held.
func (c *Codes) Codebooks() int { return c.codebooks }

// At returns the code, 0 to 15, of a row in a codebook. Like a slice index it panics when either is out of range.
func (c *Codes) At(row, codebook int) int {
	if row < 0 || row >= c.rows || codebook < 0 || codebook >= c.codebooks {
		panic(fmt.Errorf("maddness: Codes.At(%d, %d) of %d rows and %d codebooks: %w",
			row, codebook, c.rows, c.codebooks, tensor.ErrRange))
	}
	return kernel.CodeAt(c.packed, c.rows, c.codebooks, row, codebook)
}

// Reset forgets all rows and keeps the memory.
func (c *Codes) Reset() { c.rows, c.codebooks = 0, 0 }

// extend makes room for more rows after the ones that are there.
func (c *Codes) extend(rows int) {
	old, n := kernel.CodesLen(c.rows, c.codebooks), kernel.CodesLen(c.rows+rows, c.codebooks)
	c.packed = slices.Grow(c.packed[:old], n-old)[:n]
	c.rows += rows
}

// unpack writes the codes of rows [lo, hi) to memory of b, row after row.
func (c *Codes) unpack(b *buffer, lo, hi int) []uint8 {
	out := b.bytes((hi - lo) * c.codebooks)[:0]
	for i := lo; i < hi; i++ {
		for k := range c.codebooks {
			out = append(out, uint8(kernel.CodeAt(c.packed, c.rows, c.codebooks, i, k)))
		}
	}
	return out
}

// buffer is memory for codes on their way.
type buffer struct{ memory []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) bytes(n int) []byte {
	if cap(b.memory) < n {
		b.memory = make([]byte, n)
	}
	return b.memory[:n]
}
