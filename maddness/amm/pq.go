package amm

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	offset []float32                // M, the product of what is taken off the columns
}

// FitPQ learns C codebooks by k-means on the training rows a, N x D. Between rounds it looks whether ctx is
// over, and returns its error if so. Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and
// tensor.ErrRange (codebooks is not in 1 to D).
func FitPQ(ctx context.Context, a, b tensor.Matrix[float32], codebooks int, opts ...Option) (*PQ, error) {
	e, err := fitEncoder(ctx, "amm: FitPQ", a, b, codebooks, 256, opts)
	if err != nil {
		return nil, err
	}
	offset := e.offset(b)
	if err := tensor.ValidateFinite("product of the mean row and b", offset); err != nil {
		return nil, fmt.Errorf("amm: FitPQ: %w", err)
	}
	return &PQ{shapeOf(b), e, e.tables(b), offset}, nil
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
					tensor.Add(y, q.offset, table.Row(k))
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

// encoder finds the nearest centroid in each group of columns. Means are taken off columns, and groups are scaled to
// about 1: distances in float32 are differences of squares, which large means would swamp and large scales overflow.
type encoder struct {
	start     []int     // group c is columns [start[c], start[c+1])
	scale     []float32 // by group, a power of two
	mean      []float32 // by column, times the scale of its group
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
	e.normalise(a)
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

// normalise sets means and scales by the rows of a.
func (e *encoder) normalise(a tensor.Matrix[float32]) {
	mean := make([]float64, a.Cols)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			mean[j] += float64(v) / float64(a.Rows)
		}
	}
	e.scale, e.mean = make([]float32, len(e.codebooks)), make([]float32, a.Cols)
	for c := range e.scale {
		widest := 0.0
		for i := range a.Rows {
			for j := e.start[c]; j < e.start[c+1]; j++ {
				widest = max(widest, math.Abs(float64(a.At(i, j))-mean[j]))
			}
		}
		_, exponent := math.Frexp(widest)
		e.scale[c] = float32(math.Ldexp(1, max(-126, min(126, -exponent))))
		for j := e.start[c]; j < e.start[c+1]; j++ {
			e.mean[j] = float32(mean[j] * float64(e.scale[c]))
		}
	}
}

// columns are those of group c, without their means and scaled.
func (e *encoder) columns(a tensor.Matrix[float32], c int) tensor.Matrix[float32] {
	x := tensor.NewMatrix[float32](a.Rows, e.start[c+1]-e.start[c])
	e.normalised(x, a, c)
	return x
}

func (e *encoder) normalised(dst, a tensor.Matrix[float32], c int) {
	lo, hi := e.start[c], e.start[c+1]
	scale, mean := e.scale[c], e.mean[lo:hi]
	for i := range a.Rows {
		y := dst.Row(i)
		for j, v := range a.Row(i)[lo:hi] {
			y[j] = v*scale - mean[j]
		}
	}
}

// encode sets the codes of the rows of a in codebook c.
func (e *encoder) encode(codes []int, a tensor.Matrix[float32], c int) {
	borrow(a.Rows, e.start[c+1]-e.start[c], func(x tensor.Matrix[float32]) {
		e.normalised(x, a, c)
		e.codebooks[c].assign(codes, x)
	})
}

// offset is the product of the means with b.
func (e *encoder) offset(b tensor.Matrix[float32]) []float32 {
	sum := make([]float64, b.Cols)
	for c, scale := range e.scale {
		for j := e.start[c]; j < e.start[c+1]; j++ {
			for m, v := range b.Row(j) {
				sum[m] += float64(e.mean[j]) / float64(scale) * float64(v)
			}
		}
	}
	offset := make([]float32, b.Cols)
	for m, v := range sum {
		offset[m] = float32(v)
	}
	return offset
}

// tables are the products of the centroids, less the means, with the rows of b in their group.
func (e *encoder) tables(b tensor.Matrix[float32]) []tensor.Matrix[float32] {
	tables := make([]tensor.Matrix[float32], len(e.codebooks))
	for c, k := range e.codebooks {
		tables[c] = tensor.NewMatrix[float32](k.points.Rows, b.Cols)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1/e.scale[c], k.points, rowsOf(b, e.start[c], e.start[c+1]), 0, tables[c])
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
