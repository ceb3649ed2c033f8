package secondorder

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// layer is a layer while it is pruned: its weights are written back when all is done.
type layer[T tensor.Float] struct {
	config
	ctx       context.Context
	out       tensor.Matrix[T]
	w, before tensor.Matrix[float64]
	mask      *prune.Mask
	h         *hessian
}

// newLayer checks what is given. Weights that a prior mask prunes, and those of dead inputs, are zero in it.
func newLayer[T tensor.Float](ctx context.Context, w tensor.Matrix[T], g *Gram[T], c config, faults error) (*layer[T],
	error) {
	if ctx == nil {
		return nil, errors.Join(faults, fmt.Errorf("the context is nil: %w", tensor.ErrEmpty))
	}
	if err := errors.Join(faults, w.Validate(), ctx.Err()); err != nil {
		return nil, err
	}
	if w.Rows == 0 || w.Cols == 0 {
		return nil, fmt.Errorf("w is %dx%d: %w", w.Rows, w.Cols, tensor.ErrEmpty)
	}
	l := &layer[T]{config: c, ctx: ctx, out: w, w: tensor.Convert[float64](w), mask: prune.NewMask(w.Rows * w.Cols)}
	if p := c.prior; p != nil {
		if p.Len() != w.Rows*w.Cols {
			return nil, fmt.Errorf("a prior mask of %d elements for weights of %dx%d: %w", p.Len(), w.Rows, w.Cols,
				tensor.ErrShape)
		}
		l.mask = p.Clone()
	}
	prune.Apply(l.mask, l.w.Data)
	for i := range w.Rows {
		for j, v := range l.w.Row(i) {
			if v-v != 0 {
				return nil, fmt.Errorf("w[%d, %d] = %v: %w", i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	l.before = l.w.Clone()
	var err error
	if l.h, err = newHessian(g, w.Cols, c.damping); err != nil {
		return nil, err
	}
	for i := range w.Rows {
		for _, j := range l.h.dead {
			l.w.Row(i)[j] = 0
		}
	}
	return l, nil
}

// priorPrunes tells whether the prior mask prunes element j of row i.
func (l *layer[T]) priorPrunes(i, j int) bool { return l.prior != nil && !l.prior.Keep(i*l.w.Cols+j) }

// finish writes the weights back, after which nothing can fail.
func (l *layer[T]) finish() (*prune.Mask, Report) {
	prune.Apply(l.mask, l.w.Data)
	for i := range l.w.Rows {
		dst, row := l.out.Row(i), l.w.Row(i)
		for j, v := range row {
			dst[j] = T(v)
			row[j] = float64(dst[j]) - l.before.At(i, j)
		}
	}
	n := float64(l.w.Rows)
	r := Report{Rows: l.w.Rows, Cols: l.w.Cols, Pruned: l.mask.Len() - l.mask.Count(), Dead: l.h.dead,
		Damping: l.h.damping, MSE: l.h.quadratic(l.w) / n, NMSE: math.NaN()}
	if power := l.h.quadratic(l.before) / n; power > 0 {
		r.NMSE = r.MSE / power
	}
	return l.mask, r
}

func (l *layer[T]) step(done, total int) error {
	if l.progress != nil {
		l.progress(done, total)
	}
	return l.ctx.Err()
}

// checkSparsity is the fault of a fraction of weights to prune.
func checkSparsity(s float64) error { return option.Range(s >= 0 && s <= 1, "sparsity", s, "0 to 1") }
