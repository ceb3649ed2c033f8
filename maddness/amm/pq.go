package amm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// PQ is product quantisation (Jégou, Douze and Schmid 2011): each of C contiguous groups of columns is replaced by
// the nearest of 256 centroids, whose products with b are looked up in float32. Finding them takes 256*D
// multiplications, more than the exact product needs unless M is above 256.
type PQ struct {
	shape
	encoder
	tables []tensor.Matrix[float32] // by codebook, a row of M products for each centroid
}

// FitPQ learns C codebooks by k-means on the training rows a, N x D. Between rounds it looks whether ctx is
// over, and returns its error if so. Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and
// tensor.ErrRange (codebooks is not in 1 to D).
func FitPQ(ctx context.Context, a, b tensor.Matrix[float32], codebooks int, opts ...Option) (*PQ, error) {
	e, err := fitEncoder(ctx, "amm: FitPQ", a, b, codebooks, 256, opts)
	if err != nil {
		return nil, err
	}
	return &PQ{shapeOf(b), e, e.tables(b)}, nil
}

// Mul is described at [Approximator]. A row that holds a NaN gives arbitrary numbers; other rows are not affected.
func (q *PQ) Mul(dst, a tensor.Matrix[float32]) error {
	if err := q.check(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Rows, blockRows, func(lo, hi int) {
		codes := make([]int, hi-lo)
		for c, table := range q.tables {
			q.encode(codes, rowsOf(a, lo, hi), c)
			for i, k := range codes {
				if y := dst.Row(lo + i); c == 0 {
					copy(y, table.Row(k))
				} else {
					tensor.Add(y, y, table.Row(k))
				}
			}
		}
	})
	return nil
}

// Cost is 256*D multiplications and 256*C comparisons to encode, and C*M lookups.
func (q *PQ) Cost() Cost { return q.cost(q.outputs) }

// encoder finds the nearest centroid in each group of columns.
type encoder struct {
	start     []int // group c is columns [start[c], start[c+1])
	codebooks []centroids
}

func fitEncoder(ctx context.Context, call string, a, b tensor.Matrix[float32], codebooks, k int,
	opts []Option) (encoder, error) {
	var o config
	err := option.Apply(call, &o, opts)
	if ctx == nil {
		err = errors.Join(err, fmt.Errorf("%s: ctx is nil: %w", call, tensor.ErrEmpty))
	}
	size := checkSize("codebooks", codebooks, max(a.Cols, 1), "the columns of a")
	if err := errors.Join(err, checkPair(a, b), size); err != nil {
		return encoder{}, option.Call(call, err)
	}
	e := encoder{start: make([]int, codebooks+1), codebooks: make([]centroids, codebooks)}
	for c := range codebooks {
		e.start[c+1] = e.start[c] + a.Cols/codebooks
		if c < a.Cols%codebooks {
			e.start[c+1]++
		}
	}
	var mu sync.Mutex
	done := 0
	tensor.Parallel(codebooks, 1, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			e.codebooks[c] = kMeans(ctx, e.columns(a, c), k, tensor.Stream(o.seed, streamCentroids, uint64(c)))
			mu.Lock()
			if done++; o.progress != nil && ctx.Err() == nil {
				o.progress(done, codebooks)
			}
			mu.Unlock()
		}
	})
	return e, option.Call(call, ctx.Err())
}

func (e *encoder) columns(a tensor.Matrix[float32], c int) tensor.Matrix[float32] {
	return a.Slice(0, a.Rows, e.start[c], e.start[c+1])
}

// encode sets the codes of the rows of a in codebook c.
func (e *encoder) encode(codes []int, a tensor.Matrix[float32], c int) {
	e.codebooks[c].assign(codes, e.columns(a, c))
}

// tables are the products of the centroids with the rows of b in their group.
func (e *encoder) tables(b tensor.Matrix[float32]) []tensor.Matrix[float32] {
	tables := make([]tensor.Matrix[float32], len(e.codebooks))
	for c, k := range e.codebooks {
		tables[c] = tensor.NewMatrix[float32](k.points.Rows, b.Cols)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, k.points, rowsOf(b, e.start[c], e.start[c+1]), 0, tables[c])
	}
	return tables
}

func (e *encoder) cost(outputs int) Cost {
	c := Cost{Lookups: len(e.codebooks) * outputs}
	for _, k := range e.codebooks {
		c.Multiplies += k.points.Rows * k.points.Cols
		c.Compares += k.points.Rows
	}
	return c
}
