package amm

import (
	"errors"
	"math"
	"slices"
	"sort"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Columns multiplies d columns of a, drawn with replacement, with the rows of b that belong to them (Drineas, Kannan
// and Mahoney 2006). Column j is drawn with the probability p[j] proportional to |a_j||b_j|, which minimises the
// expected error, and weighs 1/(d*p[j]).
type Columns struct {
	shape
	index []int                  // distinct, increasing
	right tensor.Matrix[float32] // one row for each index, weighted
	dims  int
}

// FitColumns draws the columns with the norms |a_j| of the training rows a, N x D, since those of the rows to be
// multiplied are not known beforehand. The result is right on average over seeds where these norms are not zero.
// Options are WithSeed. Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and tensor.ErrRange (d is
// less than 1).
func FitColumns(a, b tensor.Matrix[float32], d int, opts ...SeedOption) (*Columns, error) {
	var c config
	err := option.Apply("amm: FitColumns", &c, opts)
	size := checkSize("d", d, math.MaxInt32, "what can be counted")
	if err := errors.Join(err, checkPair(a, b), size); err != nil {
		return nil, option.Call("amm: FitColumns", err)
	}
	norm := make([]float64, a.Cols)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			norm[j] += float64(v) * float64(v)
		}
	}
	cumulative, total := make([]float64, a.Cols), 0.0
	for j := range cumulative {
		norm[j] = math.Sqrt(norm[j]) * tensor.Norm2(b.Row(j))
		total += norm[j]
		cumulative[j] = total
	}
	s := &Columns{shape: shapeOf(b), dims: d}
	if total == 0 { // every product is zero
		s.right = tensor.NewMatrix[float32](0, b.Cols)
		return s, nil
	}
	rng := tensor.Stream(c.seed, streamColumns)
	times := map[int]int{}
	for range d {
		u := total * (1 - rng.Float64()) // in (0, total]: a column of probability zero is never drawn
		times[sort.SearchFloat64s(cumulative, u)]++
	}
	for j := range times {
		s.index = append(s.index, j)
	}
	slices.Sort(s.index)
	s.right = tensor.NewMatrix[float32](len(s.index), b.Cols)
	for t, j := range s.index {
		weight := float64(times[j]) * total / (float64(d) * norm[j])
		for m, v := range b.Row(j) {
			s.right.Set(t, m, float32(weight*float64(v)))
		}
	}
	return s, nil
}

// Mul is described at [Approximator]. Columns that were not drawn are not read.
func (s *Columns) Mul(dst, a tensor.Matrix[float32]) error {
	if err := s.check(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Rows, blockRows, func(lo, hi int) {
		borrow(hi-lo, len(s.index), func(x tensor.Matrix[float32]) {
			for i := range x.Rows {
				to, from := x.Row(i), a.Row(lo+i)
				for t, j := range s.index {
					to[t] = from[j]
				}
			}
			tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, x, s.right, 0, rowsOf(dst, lo, hi))
		})
	})
	return nil
}

// MulT is described at [Transposed].
func (s *Columns) MulT(dst, a tensor.Matrix[float32]) error {
	if err := s.checkT(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Cols, blockRows, func(lo, hi int) {
		borrow(len(s.index), hi-lo, func(x tensor.Matrix[float32]) {
			for t, j := range s.index {
				copy(x.Row(t), a.Row(j)[lo:hi])
			}
			tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, s.right, x, 0, dst.Slice(0, dst.Rows, lo, hi))
		})
	})
	return nil
}

// Cost is d*M multiplications.
func (s *Columns) Cost() Cost { return Cost{Multiplies: s.dims * s.outputs} }
