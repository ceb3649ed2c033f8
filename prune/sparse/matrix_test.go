package sparse_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// formats are those whose products have the same bits.
var formats = []sparse.Format{sparse.Panels, sparse.Compressed, sparse.Bitmask, sparse.NM}

func floats[T tensor.Float](x []float64) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

func matrixOf[T tensor.Float](t golden.Tensor) tensor.Matrix[T] {
	return tensor.Of(t.Shape[0], t.Shape[1], floats[T](t.Data))
}

// in makes a matrix in any format: of NM, as many of as many as it takes.
func in[T tensor.Float](t testing.TB, f sparse.Format, w tensor.Matrix[T], mask *prune.Mask,
	opts ...sparse.Option) *sparse.Matrix[T] {
	choice := sparse.WithFormat(f)
	if f == sparse.NM {
		choice = sparse.WithNM(6, 6)
	}
	m, err := sparse.New(w, mask, append([]sparse.Option{choice}, opts...)...)
	require.NoError(t, err)
	return m
}

func TestGoldenFormats(t *testing.T) {
	var data struct {
		Cases []struct {
			W, X, Y golden.Tensor
			CSR     struct {
				Indptr, Indices []int
				Data            []float64
			}
			Bitmask []int `json:"bitmask_msb_first_bytes"`
			NNZ     int
		}
	}
	golden.JSON(t, "testdata/sparse_formats.json.gz", &data)
	require.Len(t, data.Cases, 4)
	for _, c := range data.Cases {
		w, x := matrixOf[float32](c.W), matrixOf[float32](c.X)
		for _, f := range append(formats, sparse.Dense) {
			m := in(t, f, w, nil)
			require.Equal(t, c.NNZ, m.Kept())
			csr := m.CSR()
			require.Equal(t, c.CSR.Indptr, csr.Indptr)
			require.Equal(t, c.CSR.Indices, append([]int{}, csr.Indices...))
			require.Equal(t, floats[float32](c.CSR.Data), append([]float32{}, csr.Data...))
			dst := tensor.NewMatrix[float32](x.Rows, w.Rows)
			require.NoError(t, m.MulBatch(dst, x))
			golden.Close(t, "Y", dst.Data, c.Y.Data, 1e-5, 1e-5)
			bits := make([]int, (len(w.Data)+7)/8)
			for i := range w.Data {
				if m.Mask().Keep(i) {
					bits[i/8] |= 128 >> (i % 8)
				}
			}
			require.Equal(t, c.Bitmask, bits)
		}
	}
}

func TestStorageKit(t *testing.T) {
	for _, f := range formats {
		prunetest.CheckStorage(t, func(w tensor.Matrix[float32], mask *prune.Mask) (sparse.Storage[float32], error) {
			return in(t, f, w, mask), nil
		})
	}
	prunetest.CheckStorage(t, func(w tensor.Matrix[float64], mask *prune.Mask) (sparse.Storage[float64], error) {
		return in(t, sparse.Panels, w, mask), nil
	})
}

// Products have the same bits in any format, for any number of workers and any batch.
func TestSameBits(t *testing.T) {
	sameBits[float32](t)
	sameBits[float64](t)
}

func sameBits[T tensor.Float](t *testing.T) {
	defer sharing.Everything()()
	for _, s := range []struct {
		rows, cols, batch int
		density           float64
	}{{300, 130, 66, 0.1}, {270, 2100, 20, 0.02}, {9, 260, 1100, 0.1}} {
		w, x := normal[T](1, s.rows, s.cols), normal[T](2, s.batch, s.cols)
		mask := some(3, s.rows*s.cols, s.density)
		want := tensor.NewMatrix[T](s.batch, s.rows)
		require.NoError(t, in(t, sparse.Panels, w, mask, sparse.WithWorkers(1)).MulBatch(want, x))
		for _, f := range formats {
			for _, workers := range []int{0, 3} {
				got := tensor.NewMatrix[T](s.batch, s.rows)
				require.NoError(t, in(t, f, w, mask, sparse.WithWorkers(workers)).MulBatch(got, x))
				require.Equal(t, want.Data, got.Data, "%v, %d workers", f, workers)
			}
		}
	}
}

// A sum goes from left to right, each step rounded once: in float64 that is math.FMA.
func TestOrderOfSums(t *testing.T) {
	w, x := normal[float64](1, 50, 400), normal[float64](2, 9, 400)
	mask := some(3, len(w.Data), 0.3)
	dst := tensor.NewMatrix[float64](9, 50)
	require.NoError(t, in(t, sparse.Panels, w, mask).MulBatch(dst, x))
	for b := range x.Rows {
		for i := range w.Rows {
			sum := 0.0
			for j, v := range w.Row(i) {
				if mask.Keep(i*w.Cols + j) {
					sum = math.FMA(v, x.At(b, j), sum)
				}
			}
			require.Equal(t, sum, dst.At(b, i))
		}
	}
}

func TestPrunedInfinityIsNotMultiplied(t *testing.T) {
	mask, err := prune.ParseMask("01")
	require.NoError(t, err)
	for _, f := range formats {
		m, dst := in(t, f, tensor.Of(1, 2, []float32{0, 2}), mask), make([]float32, 1)
		require.NoError(t, m.MulVec(dst, []float32{float32(math.Inf(1)), 3}))
		require.Equal(t, []float32{6}, dst)
	}
}

func TestGarbageInDst(t *testing.T) {
	nan := float32(math.NaN())
	for _, f := range append(formats, sparse.Dense) {
		m, dst := in(t, f, tensor.Of(2, 2, []float32{1, 0, 0, 0}), nil), []float32{nan, nan}
		require.NoError(t, m.MulVec(dst, []float32{2, 3}))
		require.Equal(t, []float32{2, 0}, dst)
		dst = []float32{nan, nan}
		require.NoError(t, in(t, f, tensor.Of(2, 2, make([]float32, 4)), nil).MulVec(dst, []float32{2, 3}))
		require.Equal(t, []float32{0, 0}, dst)
		dst = []float32{nan, nan}
		require.NoError(t, in(t, f, tensor.Of(2, 0, []float32{}), nil).MulVec(dst, nil))
		require.Equal(t, []float32{0, 0}, dst)
	}
}

func TestKeptZeros(t *testing.T) {
	mask, err := prune.ParseMask("1101")
	require.NoError(t, err)
	for _, f := range append(formats, sparse.Dense) {
		m := in(t, f, tensor.Of(1, 4, []float32{1, 0, 3, 5}), mask)
		require.Equal(t, 3, m.Kept())
		dst := make([]float32, 1)
		require.NoError(t, m.MulVec(dst, []float32{1, 1, 1, 1}))
		require.Equal(t, []float32{6}, dst)
		b, err := m.MarshalBinary()
		require.NoError(t, err)
		var read sparse.Matrix[float32]
		require.NoError(t, read.UnmarshalBinary(b))
		require.True(t, mask.Equal(read.Mask()))
		require.Equal(t, 3, read.Kept())
	}
}

func TestMoreInputsThan16Bits(t *testing.T) {
	const n = 70000
	w, x := tensor.NewMatrix[float32](1, n), make([]float32, n)
	w.Data[65536], w.Data[69999] = 2, 3
	for k := range x {
		x[k] = float32(k) / 1000
	}
	for _, f := range append(formats, sparse.Dense) {
		dst := make([]float32, 1)
		require.NoError(t, in(t, f, w, nil).MulVec(dst, x))
		require.InDelta(t, 341.069, dst[0], 1e-3, "%v", f)
	}
}

func TestTwoOfFour(t *testing.T) {
	w := tensor.Of(2, 8, []float32{0, 0, 0, 5, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0})
	m, err := sparse.New(w, nil, sparse.WithFormat(sparse.NM))
	require.NoError(t, err)
	require.Equal(t, w, m.Dense())
	_, err = sparse.New(tensor.Of(2, 4, []float32{0, 1, 2, 0, 1, 2, 3, 0}), nil, sparse.WithFormat(sparse.NM))
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "row 1, group 0 keeps 3 of 4 elements, want at most 2")
	for _, c := range [][4]int{{1, 1, 5, 5}, {1, 4, 3, 7}, {3, 5, 4, 17}, {9, 100, 2, 250}, {256, 256, 3, 300}} {
		pattern := prune.NM(c[0], c[1]).WithTail()
		w := normal[float32](uint64(c[1]), c[2], c[3])
		scores := make([]float64, len(w.Data))
		for i, v := range w.Data {
			scores[i] = float64(v)
		}
		mask, err := pattern.Select(scores, prune.Info{Shape: []int{c[2], c[3]}, In: 1}, 0, nil)
		require.NoError(t, err)
		m, err := sparse.New(w, mask, sparse.WithNM(c[0], c[1]))
		require.NoError(t, err)
		require.True(t, mask.Equal(m.Mask()), "%v", c)
		require.Equal(t, in(t, sparse.Panels, w, mask).Dense(), m.Dense())
	}
}

func TestBytes(t *testing.T) {
	const n = 1024
	mask := prune.NewMask(n * n)
	for i := range n * n {
		mask.Set(i, i%10 < 7)
	}
	for i := n*n - 1; mask.Count() > 734003; i-- {
		mask.Set(i, false)
	}
	for i := n*n - 1; mask.Count() < 734003; i-- {
		mask.Set(i, true)
	}
	w := normal[float32](1, n, n)
	require.Equal(t, 4408118, in(t, sparse.Compressed, w, mask).Bytes(), "more than dense")
	require.Equal(t, 3067084, in(t, sparse.Bitmask, w, mask).Bytes())
	require.Equal(t, 4194304, in(t, sparse.Dense, w, mask).Bytes())
	for i := range n * n {
		mask.Set(i, i%4 < 2)
	}
	m, err := sparse.New(w, mask, sparse.WithFormat(sparse.NM))
	require.NoError(t, err)
	require.InDelta(t, 1.88, 4194304/float64(m.Bytes()), 0.005)
	p := in(t, sparse.Panels, w, mask)
	require.Equal(t, 24*32+n*8*4+6*n*n/2, p.Bytes(), "four blocks of eight panels, and a head for each row in each")
}

func TestConvert(t *testing.T) {
	w, mask := normal[float32](1, 70, 66), some(2, 70*66, 0.3)
	m := in(t, sparse.Panels, w, mask)
	for _, f := range append(formats, sparse.Dense, sparse.Panels) {
		choice := sparse.WithFormat(f)
		if f == sparse.NM {
			choice = sparse.WithNM(8, 9)
		}
		var err error
		if m, err = m.Convert(choice); f == sparse.NM && err != nil {
			require.ErrorContains(t, err, "keeps 9 of 9")
			m = in(t, f, w, mask)
		}
		require.Equal(t, f, m.Format())
		require.True(t, mask.Equal(m.Mask()))
		again, err := m.Convert(sparse.WithWorkers(2))
		require.NoError(t, err)
		require.Equal(t, m.Dense(), again.Dense())
		require.Equal(t, f, again.Format())
	}
	_, err := m.Convert(sparse.WithWorkers(-1), sparse.WithFormat(17))
	require.ErrorContains(t, err, "sparse: Convert: WithWorkers(-1)")
	require.ErrorContains(t, err, "sparse: Convert: WithFormat(17)")
}

func TestZeroMatrix(t *testing.T) {
	var m sparse.Matrix[float32]
	require.NoError(t, m.MulVec(nil, nil))
	require.NoError(t, m.MulBatch(tensor.NewMatrix[float32](3, 0), tensor.NewMatrix[float32](3, 0)))
	require.Zero(t, m.Bytes()+m.Kept()+m.Rows()+m.Cols()+m.Mask().Len()+len(m.CSR().Data)+len(m.ONNX().Values))
	b, err := m.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, m.UnmarshalBinary(b))
	_, err = m.Convert(sparse.WithFormat(sparse.Bitmask))
	require.NoError(t, err)
}

func TestRefusals(t *testing.T) {
	w := tensor.Of(2, 2, []float32{1, 2, 3, 4})
	for name, c := range map[string]struct {
		make func() error
		is   error
		text string
	}{
		"options": {func() error {
			_, err := sparse.New(w, nil, sparse.WithNM(3, 2), nil, sparse.WithWorkers(-1))
			return err
		}, tensor.ErrRange, "sparse: New: WithNM(3, 2): want 1 <= n <= m <= 256: out of range\n" +
			"sparse: New: option 1 is nil: empty input\nsparse: New: WithWorkers(-1): want 0 or more: out of range"},
		"mask": {func() error { _, err := sparse.New(w, prune.NewMask(3)); return err }, tensor.ErrShape,
			"sparse: New: a mask of 3 elements for w of 2x2: shape mismatch"},
		"weights": {func() error {
			_, err := sparse.New(tensor.Of(1, 2, []float32{1, float32(math.Inf(1))}), nil)
			return err
		}, tensor.ErrNotFinite, "sparse: New: w[0, 1] = +Inf: not finite"},
		"view": {func() error {
			_, err := sparse.New(tensor.Matrix[float32]{Rows: 2, Cols: 2, Stride: 1}, nil)
			return err
		}, tensor.ErrShape, "stride"},
		"Auto": {func() error { _, _, err := sparse.Auto(w, nil, 0); return err }, tensor.ErrRange,
			"sparse: Auto: 0 examples, want 1 or more"},
		"Auto's weights": {func() error {
			_, _, err := sparse.Auto(tensor.Of(1, 1, []float32{float32(math.NaN())}), nil, 1)
			return err
		}, tensor.ErrNotFinite, "sparse: Auto: w[0, 0] = NaN"},
	} {
		err := c.make()
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.text, name)
	}
}

func TestMulDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations mean nothing under the race detector")
	}
	check := func(f sparse.Format, rows int) {
		m := in(t, f, normal[float32](1, rows, 64), some(2, rows*64, 0.2))
		x, dst := normal[float32](3, 66, 64), tensor.NewMatrix[float32](66, rows)
		require.Zero(t, allocs.PerCall(func() {
			if m.MulBatch(dst, x) != nil || m.MulVec(dst.Row(0), x.Row(0)) != nil {
				panic(f)
			}
		}), "%v", f)
	}
	for _, f := range append(formats, sparse.Dense) {
		check(f, 20)
	}
	check(sparse.Panels, 520) // on several goroutines
}

func TestAuto(t *testing.T) {
	w, mask := normal[float32](1, 64, 64), some(2, 64*64, 0.1)
	m, r, err := sparse.Auto(w, mask, 8)
	require.NoError(t, err)
	require.Equal(t, r.Best, m.Format())
	require.Equal(t, mask.Count(), r.Kept)
	fastest := slices.MinFunc(r.Lines, func(a, b sparse.Line) int { return int(a.Nanoseconds - b.Nanoseconds) })
	require.Equal(t, fastest.Format, r.Best)
	require.Equal(t, sparse.Dense, r.Lines[0].Format)
	require.Equal(t, 1.0, r.Lines[0].Speedup)
	require.Contains(t, r.String(), "64 outputs, 64 inputs")
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"best":"`+r.Best.String()+`"`)
	var again sparse.Report
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, r, again)
	require.Len(t, r.Lines, 4, "the mask keeps three of four somewhere")
	for i := range 64 * 64 {
		mask.Set(i, i%4 == 0)
	}
	_, r, err = sparse.Auto(w, mask, 1)
	require.NoError(t, err)
	require.Len(t, r.Lines, 5)
}
