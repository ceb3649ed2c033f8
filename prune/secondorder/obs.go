package secondorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// OBS prunes a layer by the Optimal Brain Surgeon (Hassibi and Stork 1993): from every row of w, outputs by inputs,
// it removes the given fraction of the weights, rounded half to even, one at a time. Each is the one whose removal
// raises the squared error of the output least, all others of the row being adjusted for it; the row ends at the
// least squares solution for the weights that it keeps, given those choices. w is modified; the mask says what is
// kept.
//
// The matrix of n inputs is copied for every row and updated for every weight, which takes n³ operations a row: it is
// for small layers, and as a yardstick. [SparseGPT] is the approximation for large ones.
//
// Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite for a weight, tensor.ErrRange, tensor.ErrConflict
// for a prior mask that prunes more already, [ErrDead], [ErrSingular] and that of the context; w is unchanged then.
func OBS[T tensor.Float](ctx context.Context, w tensor.Matrix[T], g *Gram[T], sparsity float64,
	opts ...RowOption) (*prune.Mask, Report, error) {
	const call = "secondorder: OBS"
	c := defaults()
	err := errors.Join(option.Apply(call, &c, opts), checkSparsity(sparsity))
	l, err := newLayer(ctx, w, g, c, err)
	if err != nil {
		return nil, Report{}, option.Call(call, err)
	}
	removals, err := l.surgery(int(math.RoundToEven(sparsity * float64(w.Cols))))
	if err != nil {
		return nil, Report{}, option.Call(call, err)
	}
	mask, r := l.finish()
	r.Removals = removals
	return mask, r, nil
}

// surgery removes n weights of every row.
func (l *layer[T]) surgery(n int) ([][]Removal, error) {
	for i := range l.w.Rows {
		already := 0
		for j := range l.w.Cols {
			if l.priorPrunes(i, j) {
				already++
			}
		}
		if already > n {
			return nil, option.Conflict("the prior mask prunes %d of %d weights of row %d, the target %d", already, l.w.Cols,
				i, n)
		}
	}
	inverse, err := l.h.inverse()
	if err != nil {
		return nil, err
	}
	removals := make([][]Removal, l.w.Rows)
	faults := make([]error, l.w.Rows)
	var failed atomic.Bool
	const group = 16 // rows between reports of progress
	for lo := 0; lo < l.w.Rows; lo += group {
		hi := min(lo+group, l.w.Rows)
		tensor.ParallelWorkers(l.workers, hi-lo, 1, func(a, b int) {
			for i := lo + a; i < lo+b && !failed.Load(); i++ {
				if removals[i], faults[i] = l.operate(i, n, inverse.Clone()); faults[i] != nil {
					failed.Store(true)
				}
			}
		})
		if err := errors.Join(faults[lo:hi]...); err != nil {
			return nil, err
		}
		if err := l.step(hi, l.w.Rows); err != nil {
			return nil, err
		}
	}
	for i, row := range removals {
		for _, r := range row {
			l.mask.Set(i*l.w.Cols+r.Column, false)
		}
	}
	return removals, nil
}

// operate removes n weights of row i, those of the prior mask first.
func (l *layer[T]) operate(i, n int, inverse tensor.Matrix[float64]) ([]Removal, error) {
	w := l.w.Row(i)
	var live []int
	for j := range w {
		if l.priorPrunes(i, j) {
			n--
		} else {
			live = append(live, j)
		}
	}
	for j := range w {
		if l.priorPrunes(i, j) {
			eliminate(inverse, j, live)
		}
	}
	removals := make([]Removal, 0, n)
	for range n {
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
		best, least := -1, math.Inf(1)
		for k, j := range live {
			if s := w[j] * w[j] / (2 * inverse.At(j, j)); s <= least { // of equals the last, as masks keep the first
				best, least = k, s
			}
		}
		if best < 0 || !(inverse.At(live[best], live[best]) > 0) {
			return nil, fmt.Errorf("row %d after %d of its weights: %w", i, len(removals), ErrSingular)
		}
		q := live[best]
		live = append(live[:best], live[best+1:]...)
		step := w[q] / inverse.At(q, q)
		for _, j := range live {
			w[j] -= step * inverse.At(j, q)
		}
		w[q] = 0
		eliminate(inverse, q, live)
		removals = append(removals, Removal{q, least})
	}
	return removals, nil
}

// eliminate makes m, the inverse of some matrix, that of the matrix without row and column q, in the rows and columns
// that live.
func eliminate(m tensor.Matrix[float64], q int, live []int) {
	pivot, across := m.At(q, q), m.Row(q)
	for _, i := range live {
		row := m.Row(i)
		f := row[q] / pivot
		for _, j := range live {
			row[j] -= f * across[j]
		}
	}
}
