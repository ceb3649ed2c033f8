package maddness

import (
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

const (
	addedPerRow = 3   // rows that are added for each training row at most
	addedSpread = 0.3 // of the difference of two rows that is added to a third
	enoughRows  = 16  // for a leaf of few codebooks: rows that are added would only distort what is known well
)

// extended is the problem with rows added while there are fewer than the options ask for. Where the matrix is known,
// so are the products of any row: trees and tables see a smoother distribution than that of the few rows.
func (p problem) extended(o *config) problem {
	n := p.a.Rows
	total := min(o.added, n+addedPerRow*n)
	enough := o.codebooks < fewCodebooks && n >= enoughRows*16*o.codebooks && !o.given.Has("WithAddedRows")
	if p.supervised || enough || total <= n {
		return p
	}
	q := p
	q.a = withAdded(p.a, total, o.seed)
	if p.b.Rows == 0 {
		q.y = tensor.Convert[float64](q.a)
		return q
	}
	var err error
	if q.y, err = product(q.a, p.b); err != nil {
		return p // products of the rows themselves are finite, those of new ones need not be
	}
	return q
}

// withAdded is the rows of a, and then rows plus a fraction of the difference of two others, each column kept between
// its least and its greatest value in a.
func withAdded(a tensor.Matrix[float32], total int, seed uint64) tensor.Matrix[float32] {
	n := a.Rows
	out := tensor.NewMatrix[float32](total, a.Cols)
	lo, hi := slices.Clone(a.Row(0)), slices.Clone(a.Row(0))
	for i := range n {
		copy(out.Row(i), a.Row(i))
		for j, v := range a.Row(i) {
			lo[j], hi[j] = min(lo[j], v), max(hi[j], v)
		}
	}
	r := tensor.Stream(seed, streamAdded)
	for i := n; i < total; i++ {
		x, y, z, row := a.Row(i%n), a.Row(r.IntN(n)), a.Row(r.IntN(n)), out.Row(i)
		for j := range row {
			row[j] = min(max(x[j]+addedSpread*(y[j]-z[j]), lo[j]), hi[j])
		}
	}
	return out
}
