package secondorder

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Target is how much of a layer [SparseGPT] prunes: [Sparsity] or [NM].
type Target struct {
	sparsity   float64
	keep, of   int
	structured bool
}

// Sparsity prunes a fraction of all weights, rounded half to even, 0 to 1.
func Sparsity(fraction float64) Target { return Target{sparsity: fraction} }

// NM keeps n of every m neighbours in a row, as prune.NM does, 1 <= n <= m. The number of inputs must be a multiple
// of m.
func NM(n, m int) Target { return Target{keep: n, of: m, structured: true} }

// String is the fraction or n:m.
func (t Target) String() string {
	if t.structured {
		return fmt.Sprintf("%d:%d", t.keep, t.of)
	}
	return fmt.Sprint(t.sparsity)
}

func (t Target) check(in, block int) error {
	if !t.structured {
		return checkSparsity(t.sparsity)
	}
	if t.keep < 1 || t.keep > t.of {
		return option.Range(false, "NM", fmt.Sprintf("%d, %d", t.keep, t.of), "1 <= n <= m")
	}
	if in%t.of != 0 {
		return fmt.Errorf("NM(%d, %d) of %d inputs: %w", t.keep, t.of, in, prune.ErrDivisible)
	}
	if block%t.of != 0 {
		return fmt.Errorf("WithBlock(%d) cuts groups of %d: %w", block, t.of, prune.ErrDivisible)
	}
	return nil
}

// SparseGPT prunes a layer in one pass over its columns (Frantar and Alistarh 2023): what each weight costs is judged
// by the inputs that g has seen, and the weights to the right of one that is pruned take over for it. w, outputs by
// inputs, is modified; the mask says what is kept. Exactly the target is pruned, block by block: the paper's code
// prunes one more in each. Inputs that are always zero get weights of zero and do not count in the damping, so that
// scaling the inputs changes nothing.
//
// Errors are those of [OBS], and wrap prune.ErrDivisible where groups of m do not fit; w is unchanged then.
func SparseGPT[T tensor.Float](ctx context.Context, w tensor.Matrix[T], g *Gram[T], target Target,
	opts ...Option) (*prune.Mask, Report, error) {
	const call = "secondorder: SparseGPT"
	c := defaults()
	err := option.Apply(call, &c, opts)
	if err == nil {
		err = target.check(w.Cols, c.block)
	}
	l, err := newLayer(ctx, w, g, c, err)
	if err == nil {
		err = l.sweep(target)
	}
	if err != nil {
		return nil, Report{}, option.Call(call, err)
	}
	mask, r := l.finish()
	return mask, r, nil
}

// sweep prunes the blocks from left to right.
func (l *layer[T]) sweep(target Target) error {
	u, err := l.h.upper()
	if err != nil {
		return err
	}
	counts, err := l.counts(target)
	if err != nil {
		return err
	}
	in := l.w.Cols
	for k, lo := 0, 0; lo < in; k, lo = k+1, lo+l.block {
		b := sweepBlock[T]{layer: l, u: u, lo: lo, hi: min(lo+l.block, in)}
		b.errors = tensor.NewMatrix[float64](l.w.Rows, b.hi-lo)
		if target.structured {
			err = b.groups(target)
		} else if err = b.choose(lo, b.hi, prune.Unstructured{}, counts[k]); err == nil {
			b.columns(lo, b.hi)
		}
		if err != nil {
			return err
		}
		if b.hi < in {
			rest := l.w.Slice(0, l.w.Rows, b.hi, in)
			tensor.Gemm(tensor.NoTrans, tensor.NoTrans, -1, b.errors, u.Slice(lo, b.hi, b.hi, in), 1, rest)
		}
		if err := l.step(b.hi, in); err != nil {
			return err
		}
	}
	return nil
}

// counts are how many weights each block loses: what the columns so far should have lost, rounded, less what they
// have, but no fewer than the prior mask prunes, and not so many that nothing is left for a prior mask to the right.
func (l *layer[T]) counts(target Target) ([]int, error) {
	if target.structured {
		return nil, nil
	}
	rows, in := l.w.Rows, l.w.Cols
	var prior []int
	later := 0 // weights pruned before in the blocks to come
	for lo := 0; lo < in; lo += l.block {
		n := 0
		for j := lo; j < min(lo+l.block, in); j++ {
			for i := range rows {
				if l.priorPrunes(i, j) {
					n++
				}
			}
		}
		prior = append(prior, n)
		later += n
	}
	all := int(math.RoundToEven(target.sparsity * float64(rows) * float64(in)))
	if later > all {
		return nil, option.Conflict("the prior mask prunes %d of %d weights, the target %d", later, rows*in, all)
	}
	counts, done := make([]int, len(prior)), 0
	for k := range counts {
		end := min((k+1)*l.block, in)
		size := rows * (end - k*l.block)
		later -= prior[k]
		due := int(math.RoundToEven(target.sparsity*float64(rows)*float64(end))) - done
		counts[k] = min(max(due, prior[k]), size, all-done-later)
		done += counts[k]
	}
	return counts, nil
}

// sweepBlock is columns [lo, hi) of a layer while they are pruned.
type sweepBlock[T tensor.Float] struct {
	*layer[T]
	u      tensor.Matrix[float64]
	lo, hi int
	errors tensor.Matrix[float64] // of each weight, over the diagonal of u
}

// groups prunes every m columns by themselves: those to the left have changed them by then.
func (b *sweepBlock[T]) groups(target Target) error {
	pattern := prune.NM(target.keep, target.of)
	for lo := b.lo; lo < b.hi; lo += target.of {
		if err := b.choose(lo, lo+target.of, pattern, 0); err != nil {
			return err
		}
		b.columns(lo, lo+target.of)
	}
	return nil
}

// choose prunes n weights of columns [lo, hi), or as many as the pattern has it, in the mask.
func (b *sweepBlock[T]) choose(lo, hi int, pattern prune.Pattern, n int) error {
	rows, cols := b.w.Rows, hi-lo
	scores := make([]float64, rows*cols)
	prior := prune.NewMask(len(scores))
	for i := range rows {
		for j := lo; j < hi; j++ {
			s := b.w.At(i, j) / b.u.At(j, j)
			k := i*cols + j - lo
			if scores[k] = s * s; math.IsNaN(scores[k]) {
				return fmt.Errorf("row %d, column %d: %w", i, j, ErrSingular)
			}
			if b.priorPrunes(i, j) {
				prior.Set(k, false)
			}
		}
	}
	mask, err := pattern.Select(scores, prune.Info{Name: "w", Shape: []int{rows, cols}, In: 1},
		float64(n)/float64(len(scores)), prior)
	if err != nil {
		return err
	}
	for k := range scores {
		b.mask.Set(k/cols*b.w.Cols+lo+k%cols, mask.Keep(k))
	}
	return nil
}

// columns makes weights of [lo, hi) that are pruned zero, and lets those up to the end of the block take over.
func (b *sweepBlock[T]) columns(lo, hi int) {
	const grain = 16 // rows
	tensor.ParallelWorkers(b.workers, b.w.Rows, grain, func(first, last int) {
		for i := first; i < last; i++ {
			row, errors := b.w.Row(i), b.errors.Row(i)
			for j := lo; j < hi; j++ {
				if b.mask.Keep(i*b.w.Cols + j) {
					continue
				}
				e := row[j] / b.u.At(j, j)
				errors[j-b.lo] = e
				tensor.Axpy(row[j:b.hi], -e, b.u.Row(j)[j:b.hi])
				row[j] = 0
			}
		}
	})
}
