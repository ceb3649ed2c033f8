package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
)

// columnSize is the shape of the column matrix.
func (w Window) columnSize() (rows, cols int) {
	r, c := w.Out()
	return w.N * r * c, w.KH * w.KW * w.C
}

// column is the column of the matrix that holds a channel at a window position.
func (w Window) column(tap, channel int) int {
	depth := w.C / max(1, w.Groups)
	return (channel/depth*w.KH*w.KW+tap)*depth + channel%depth
}

func checkColumns[T Float](t *testing.T, w Window, gap int) {
	t.Helper()
	name := fmt.Sprintf("%+v gap %d", w, gap)
	rows, cols := w.columnSize()
	x := random[T](1, 1, w.N*w.H*w.W*w.C, 0).Data
	m := random[T](2, rows, cols, gap)
	want := make([]T, rows*cols)
	w.visit(func(out, tap, pixel int) {
		for c := 0; pixel >= 0 && c < w.C; c++ {
			want[out*cols+w.column(tap, c)] = x[pixel*w.C+c]
		}
	})
	Im2Col(m, x, w)
	require.Equal(t, want, append([]T{}, elementsOf(m)...), name)
	for i := range rows {
		for _, v := range m.Data[i*m.Stride+cols : (i+1)*m.Stride] {
			require.Equal(t, T(sentinel), v, "%s: wrote beyond the row", name)
		}
	}

	// The transpose, by the definition and by <Im2Col(x), c> = <x, Col2Im(c)>.
	c := random[T](3, rows, cols, gap)
	dx, sums := random[T](4, 1, len(x), 0).Data, make([]float64, len(x))
	w.visit(func(out, tap, pixel int) {
		for ch := 0; pixel >= 0 && ch < w.C; ch++ {
			sums[pixel*w.C+ch] += float64(c.At(out, w.column(tap, ch)))
		}
	})
	Col2Im(dx, c, w)
	golden.Close(t, name, dx, sums, 1e-5, 1e-5)
	var left, right float64
	for i, v := range elementsOf(c) {
		left += float64(v) * float64(want[i])
	}
	for i, v := range dx {
		right += float64(v) * float64(x[i])
	}
	require.InDelta(t, left, right, 1e-5*(1+math.Abs(left)+float64(len(want))), name)
}

func TestIm2ColAndCol2Im(t *testing.T) {
	for i, w := range someWindows() {
		checkColumns[float64](t, w, i%3)
		checkColumns[float32](t, w, i%2)
	}
}

func TestIm2ColIsConvolution(t *testing.T) {
	// Known by hand: a 2x2 window of ones over a 3x3 image, two images.
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	cols, y := NewMatrix[float64](8, 4), NewMatrix[float64](8, 1)
	Im2Col(cols, x, Window{N: 2, H: 3, W: 3, C: 1, KH: 2, KW: 2})
	Gemm(NoTrans, NoTrans, 1, cols, Of(4, 1, []float64{1, 1, 1, 1}), 0, y)
	require.Equal(t, []float64{12, 16, 24, 28, 1, 1, 1, 1}, y.Data)
}

func TestColumnsRefuse(t *testing.T) {
	w := Window{N: 1, H: 3, W: 3, C: 2, KH: 2, KW: 2} // 4x8 columns of 18 elements
	all := make([]float64, 64)
	for i := range all {
		all[i] = sentinel
	}
	m := func(rows, cols int) Matrix[float64] { return Of(rows, cols, all[:rows*cols]) }
	for _, x := range []struct {
		f    func()
		want error
		says string
	}{
		{func() { Im2Col(m(4, 8), make([]float64, 17), w) }, ErrShape,
			"Im2Col: x has 17 elements, the window's images have 18"},
		{func() { Im2Col(m(3, 8), make([]float64, 18), w) }, ErrShape,
			"Im2Col: the column matrix is 3x8, the window needs 4x8"},
		{func() { Im2Col(m(4, 7), make([]float64, 18), w) }, ErrShape, "Im2Col: the column matrix is 4x7"},
		{func() { Im2Col(Matrix[float64]{4, 8, 7, all}, make([]float64, 18), w) }, ErrShape,
			"the column matrix: tensor: matrix is 4x8 with stride 7"},
		{func() { Im2Col(m(4, 8), all[20:38], w) }, ErrOverlap, "Im2Col: x overlaps the column matrix"},
		{func() { Col2Im(all[:19], NewMatrix[float64](4, 8), w) }, ErrShape,
			"Col2Im: dx has 19 elements, the window's images have 18"},
		{func() { Col2Im(all[:18], NewMatrix[float64](5, 8), w) }, ErrShape,
			"Col2Im: the column matrix is 5x8, the window needs 4x8"},
		{func() { Col2Im(all[31:49], m(4, 8), w) }, ErrOverlap, "Col2Im: dx overlaps the column matrix"},
	} {
		err := panics(t, x.f)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		for _, v := range all {
			require.EqualValues(t, sentinel, v, "modified by a refused call")
		}
	}
}

func TestWindowFunctionsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, w := range []Window{
		{N: 2, H: 6, W: 6, C: 4, KH: 3, KW: 3, PadH: 1, PadW: 1},
		{N: 2, H: 6, W: 6, C: 4, KH: 2, KW: 2, Groups: 2, StrideH: 2, StrideW: 2},
	} {
		rows, cols := w.columnSize()
		x, m := make([]float32, w.N*w.H*w.W*w.C), NewMatrix[float32](rows, cols)
		y, arg := make([]float32, rows*w.C), make([]int32, rows*w.C)
		require.Zero(t, testing.AllocsPerRun(5, func() {
			Im2Col(m, x, w)
			Col2Im(x, m, w)
			MaxPool(y, arg, x, w)
			MaxPoolGrad(x, y, arg, w)
			AvgPool(y, x, w, true)
			AvgPoolGrad(x, y, w, false)
		}))
	}
}

func FuzzColumns(f *testing.F) {
	f.Add(uint64(1), uint8(0))
	f.Add(uint64(0xfedcba9876543210), uint8(3))
	f.Fuzz(func(t *testing.T, bits uint64, gap uint8) {
		take := func(n int) int { // of 2^n values
			v := int(bits & (1<<n - 1))
			bits >>= n
			return v
		}
		groups := 1 + take(2)
		w := Window{
			N: take(2), H: 1 + take(4), W: 1 + take(4), C: groups * (1 + take(2)), Groups: groups,
			KH: 1 + take(2), KW: 1 + take(2), StrideH: take(2), StrideW: take(2),
			PadH: take(2), PadW: take(3), DilationH: take(2), DilationW: take(2),
		}
		if w.Validate() != nil {
			t.Skip()
		}
		checkColumns[float32](t, w, int(gap%5))
		checkColumns[float64](t, w, int(gap%3))
		checkPools[float32](t, w)
	})
}
