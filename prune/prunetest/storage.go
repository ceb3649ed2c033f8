package prunetest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckStorage fails the test for every property that a storage format of sparse matrices lacks. build makes one of the
// elements of w that mask keeps.
//
//   - the mask comes back, zeros that are kept among it, and so does the matrix with zeros for what is pruned;
//   - what is pruned is neither read, whatever it is, nor multiplied: an infinite input stays out of the rows that do
//     not keep its column;
//   - MulVec and MulBatch are the product up to rounding, each row of the one the bits of the other, for batches of 0
//     to 65, rows that are apart in memory, matrices without rows, columns or elements, and more columns than 16 bits
//     count;
//   - dst may hold anything before, and nothing is written beside it;
//   - shapes that do not fit wrap tensor.ErrShape, a dst that shares memory with x tensor.ErrOverlap, and then nothing
//     is written;
//   - several goroutines may multiply at once, and building and multiplying leave their inputs alone.
func CheckStorage[T tensor.Float](t testing.TB, build func(w tensor.Matrix[T], mask *prune.Mask) (sparse.Storage[T],
	error)) {
	t.Helper()
	for i, s := range [][3]float64{{1, 1, 1}, {7, 9, 0.5}, {33, 130, 0.1}, {5, 300, 0.9}, {515, 20, 0.3}, {4, 0, 0},
		{0, 4, 0}, {6, 20, 0}, {1, 70000, 0.001}} {
		c := newStorageCase[T](uint64(i), int(s[0]), int(s[1]), s[2])
		if err := c.check(build); err != nil {
			t.Errorf("a %dx%d matrix, %.1f %% kept: %v", c.w.Rows, c.w.Cols, 100*s[2], err)
			return
		}
	}
}

// storageCase is a matrix whose pruned elements are NaN and of whose kept ones some are zero.
type storageCase[T tensor.Float] struct {
	w    tensor.Matrix[T]
	mask *prune.Mask
	kept int
	at   [][]int // by row, the columns kept
}

func newStorageCase[T tensor.Float](seed uint64, rows, cols int, density float64) storageCase[T] {
	rng := tensor.Stream(seed, 5)
	c := storageCase[T]{w: tensor.NewMatrix[T](rows, cols+1), mask: prune.NewMask(rows * cols),
		at: make([][]int, rows)}
	c.w = c.w.Slice(0, rows, 0, cols)
	for i := range rows {
		for j, row := 0, c.w.Row(i); j < cols; j++ {
			keep := rng.Float64() < density
			c.mask.Set(i*cols+j, keep)
			if keep {
				c.at[i] = append(c.at[i], j)
			}
			switch {
			case !keep:
				row[j] = T(math.NaN())
			case rng.IntN(8) > 0:
				row[j] = T(rng.NormFloat64())
			}
		}
	}
	c.kept = c.mask.Count()
	return c
}

func (c *storageCase[T]) check(build func(tensor.Matrix[T], *prune.Mask) (sparse.Storage[T], error)) error {
	data, mask := slices.Clone(c.w.Data), c.mask.Clone()
	s, err := build(c.w, c.mask)
	if err != nil {
		return fmt.Errorf("building it: %w", err)
	}
	if !same([][]T{data}, [][]T{c.w.Data}) || !mask.Equal(c.mask) {
		return errors.New("building it changed the weights or the mask\nThey are the user's model")
	}
	for i := range c.w.Data {
		c.w.Data[i] = 99 // what was copied does not change
	}
	defer copy(c.w.Data, data)
	if s.Kept() != c.kept || !s.Mask().Equal(c.mask) {
		return fmt.Errorf("its Kept is %d and Mask keeps %d of %d elements, the mask was another\nZeros that are kept are "+
			"elements too: they may be trained on", s.Kept(), s.Mask().Count(), c.kept)
	}
	if least := c.kept * int(unsafe.Sizeof(T(0))); s.Bytes() < least {
		return fmt.Errorf("its Bytes is %d, but the values alone are %d", s.Bytes(), least)
	}
	copy(c.w.Data, data)
	if err := c.checkDense(s.Dense()); err != nil {
		return err
	}
	for _, batch := range []int{0, 1, 3, 15, 17, 65} {
		if batch > 3 && batch*c.w.Cols > 1<<18 {
			break // says no more
		}
		if err := c.checkProduct(s, batch); err != nil {
			return fmt.Errorf("%d examples: %w", batch, err)
		}
	}
	return errors.Join(c.checkInfinite(s), c.checkRefusals(s), c.checkTogether(s))
}

func (c *storageCase[T]) checkDense(d tensor.Matrix[T]) error {
	if d.Rows != c.w.Rows || d.Cols != c.w.Cols {
		return fmt.Errorf("its Dense is %dx%d", d.Rows, d.Cols)
	}
	for i := range c.w.Rows {
		for j, v := range c.w.Row(i) {
			if !c.mask.Keep(i*c.w.Cols + j) {
				v = 0
			}
			if d.At(i, j) != v {
				return fmt.Errorf("its Dense[%d, %d] is %v, want %v", i, j, d.At(i, j), v)
			}
		}
	}
	return nil
}

// inputs are random examples with a column between rows.
func (c *storageCase[T]) inputs(batch int) tensor.Matrix[T] {
	x, rng := tensor.NewMatrix[T](batch, c.w.Cols+1), tensor.Stream(uint64(batch), 6)
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
	return x.Slice(0, batch, 0, c.w.Cols)
}

// outputs are rows of garbage with three columns between them.
func (c *storageCase[T]) outputs(batch int) (dst, whole tensor.Matrix[T]) {
	whole = tensor.NewMatrix[T](batch, c.w.Rows+3)
	for i := range whole.Data {
		whole.Data[i] = T(math.NaN())
	}
	return whole.Slice(0, batch, 0, c.w.Rows), whole
}

func (c *storageCase[T]) checkProduct(s sparse.Storage[T], batch int) error {
	x := c.inputs(batch)
	before := slices.Clone(x.Data)
	dst, whole := c.outputs(batch)
	if err := s.MulBatch(dst, x); err != nil {
		return fmt.Errorf("MulBatch: %w", err)
	}
	if !slices.Equal(before, x.Data) {
		return errors.New("MulBatch changed x")
	}
	for b := range batch {
		for _, v := range whole.Row(b)[c.w.Rows:] {
			if v == v {
				return errors.New("MulBatch wrote beyond a row of dst\nStride may be more than Cols: dst may be some columns of " +
					"a larger matrix")
			}
		}
		single := slices.Repeat([]T{T(math.NaN())}, c.w.Rows)
		if err := s.MulVec(single, x.Row(b)); err != nil {
			return fmt.Errorf("MulVec: %w", err)
		}
		for i, got := range dst.Row(b) {
			want, bound := c.exact(i, x.Row(b))
			if d := math.Abs(float64(got) - want); !(d <= bound) {
				return fmt.Errorf("MulBatch[%d, %d] is %v, want %v up to rounding, %.2g\nWhatever is in dst before must not matter",
					b, i, got, want, bound)
			}
			if single[i] != got {
				return fmt.Errorf("MulVec[%d] is %v, but MulBatch %v\nAn example must have one result, whoever is in its batch",
					i, single[i], got)
			}
		}
	}
	return nil
}

// exact is an element of the product and how far rounding may lead away from it.
func (c *storageCase[T]) exact(i int, x []T) (sum, bound float64) {
	size, row := 0.0, c.w.Row(i)
	for _, j := range c.at[i] {
		sum += float64(row[j]) * float64(x[j])
		size += math.Abs(float64(row[j]) * float64(x[j]))
	}
	unit := 0x1p-24
	if unsafe.Sizeof(T(0)) == 8 {
		unit = 0x1p-53
	}
	return sum, 2 * float64(len(c.at[i])) * unit * size
}

func (c *storageCase[T]) checkInfinite(s sparse.Storage[T]) error {
	if c.w.Cols == 0 || c.w.Rows == 0 {
		return nil
	}
	x := c.inputs(1)
	column := c.w.Cols / 2
	x.Data[column] = T(math.Inf(1))
	dst := make([]T, c.w.Rows)
	if err := s.MulVec(dst, x.Row(0)); err != nil {
		return fmt.Errorf("MulVec of an infinite input: %w", err)
	}
	for i, v := range dst {
		if keep := c.mask.Keep(i*c.w.Cols + column); keep != (v-v != 0) {
			return fmt.Errorf("with x[%d] infinite, row %d is %v, and keeps that column: %v\nA pruned weight is not there, so "+
				"that it has no product; padding with zeros multiplies", column, i, v, keep)
		}
	}
	return nil
}

func (c *storageCase[T]) checkRefusals(s sparse.Storage[T]) error {
	rows, cols := c.w.Rows, c.w.Cols
	vector := func(n int) []T { return slices.Repeat([]T{T(7)}, n) }
	refused := func(what string, err, want error, dst []T) error {
		if !errors.Is(err, want) {
			return fmt.Errorf("%s: the error is %v, want one that wraps %q", what, err, want)
		}
		if slices.ContainsFunc(dst, func(v T) bool { return v != 7 }) {
			return fmt.Errorf("%s: dst was written to, beside an error", what)
		}
		return nil
	}
	long, wide := vector(rows+1), tensor.Matrix[T]{Rows: 2, Cols: rows, Stride: rows, Data: vector(2 * rows)}
	faults := []error{
		refused("MulVec with a dst too long", s.MulVec(long, make([]T, cols)), tensor.ErrShape, long),
		refused("MulVec with an x too long", s.MulVec(long[:rows], make([]T, cols+1)), tensor.ErrShape, long),
		refused("MulBatch with 3 examples and 2 results", s.MulBatch(wide, tensor.NewMatrix[T](3, cols)), tensor.ErrShape,
			wide.Data),
		refused("MulBatch with a column too many", s.MulBatch(wide, tensor.NewMatrix[T](2, cols+1)), tensor.ErrShape,
			wide.Data),
	}
	if rows > 0 && cols > 0 {
		both := vector(rows + cols - 1)
		faults = append(faults, refused("MulVec with the last of dst the first of x", s.MulVec(both[:rows], both[rows-1:]),
			tensor.ErrOverlap, both))
		at := func(d []T, n int) tensor.Matrix[T] { return tensor.Matrix[T]{Rows: 1, Cols: n, Stride: n, Data: d} }
		faults = append(faults, refused("MulBatch with the last of dst the first of x",
			s.MulBatch(at(both, rows), at(both[rows-1:], cols)), tensor.ErrOverlap, both))
	}
	return errors.Join(faults...)
}

func (c *storageCase[T]) checkTogether(s sparse.Storage[T]) error {
	const calls = 4
	batch := min(70, 1<<18/max(c.w.Cols, 1))
	x := c.inputs(batch)
	want, _ := c.outputs(batch)
	if err := s.MulBatch(want, x); err != nil {
		return err
	}
	equal := make([]bool, calls)
	together.Run(calls, func(k int) {
		got, _ := c.outputs(batch)
		err := s.MulBatch(got, x)
		equal[k] = err == nil && same([][]T{want.Data}, [][]T{got.Data})
	})
	if slices.Contains(equal, false) {
		return errors.New("results differ when several goroutines multiply\nKeep no scratch memory in the matrix: it is " +
			"served from many")
	}
	return nil
}
