package amm

import (
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// blockRows is how many rows a goroutine works on at a time: intermediate results of a block stay in its cache.
const blockRows = 256

// scratch is memory that calls use again.
var scratch = sync.Pool{New: func() any { return new([]float32) }}

// borrow calls f with a rows x cols matrix of arbitrary content.
func borrow(rows, cols int, f func(tensor.Matrix[float32])) {
	p := scratch.Get().(*[]float32)
	if cap(*p) < rows*cols {
		*p = make([]float32, rows*cols)
	}
	f(tensor.Of(rows, cols, (*p)[:rows*cols]))
	scratch.Put(p)
}

// rowsOf returns rows [lo, hi) of m.
func rowsOf(m tensor.Matrix[float32], lo, hi int) tensor.Matrix[float32] {
	return m.Slice(lo, hi, 0, m.Cols)
}
