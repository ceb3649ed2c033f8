package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func checkPools[T Float](t *testing.T, w Window) {
	t.Helper()
	rows, _ := w.columnSize()
	x := random[T](1, 1, w.N*w.H*w.W*w.C, 0).Data
	r := Stream(2)
	for i := range x { // ties, infinities and NaN
		switch r.IntN(12) {
		case 0:
			x[i] = 1
		case 1:
			x[i] = T(math.Inf(1 - 2*r.IntN(2)))
		case 2:
			x[i] = T(math.NaN())
		}
	}
	checkMaxPool(t, w, rows, x)
	checkMaxPool(t, w, rows, random[T](3, 1, len(x), 0).Data)
	checkAvgPool[T](t, w, rows, true)
	checkAvgPool[T](t, w, rows, false)
}

func checkMaxPool[T Float](t *testing.T, w Window, rows int, x []T) {
	t.Helper()
	name := fmt.Sprintf("%+v", w)
	want, from := make([]T, rows*w.C), make([]int32, rows*w.C)
	for i := range want {
		want[i], from[i] = T(math.Inf(-1)), -1
	}
	w.visit(func(out, _, pixel int) {
		for c := 0; pixel >= 0 && c < w.C; c++ {
			o, v := out*w.C+c, x[pixel*w.C+c]
			if from[o] < 0 || v > want[o] || v != v && want[o] == want[o] {
				want[o], from[o] = v, int32(pixel*w.C+c)
			}
		}
	})
	y, arg := random[T](4, 1, len(want), 0).Data, make([]int32, len(want))
	MaxPool(y, arg, x, w)
	golden.Close(t, name, y, want, 0, 0)
	require.Equal(t, from, arg, name)

	dy, dx, sums := random[T](5, 1, len(want), 0).Data, random[T](6, 1, len(x), 0).Data, make([]float64, len(x))
	for i, a := range from {
		if a >= 0 {
			sums[a] += float64(dy[i])
		}
	}
	MaxPoolGrad(dx, dy, arg, w)
	golden.Close(t, name, dx, sums, 1e-5, 1e-5)
}

func checkAvgPool[T Float](t *testing.T, w Window, rows int, countPad bool) {
	t.Helper()
	name := fmt.Sprintf("%+v %v", w, countPad)
	x, dy := random[T](7, 1, w.N*w.H*w.W*w.C, 0).Data, random[T](8, 1, rows*w.C, 0).Data
	count := make([]float64, rows)
	w.visit(func(out, _, pixel int) {
		if countPad || pixel >= 0 {
			count[out]++
		}
	})
	want, back := make([]float64, rows*w.C), make([]float64, len(x))
	w.visit(func(out, _, pixel int) {
		for c := 0; pixel >= 0 && c < w.C; c++ {
			want[out*w.C+c] += float64(x[pixel*w.C+c]) / count[out]
			back[pixel*w.C+c] += float64(dy[out*w.C+c]) / count[out]
		}
	})
	y, dx := random[T](9, 1, rows*w.C, 0).Data, random[T](10, 1, len(x), 0).Data
	AvgPool(y, x, w, countPad)
	golden.Close(t, name, y, want, 1e-5, 1e-5)
	AvgPoolGrad(dx, dy, w, countPad)
	golden.Close(t, name, dx, back, 1e-5, 1e-5)
}

func TestPooling(t *testing.T) {
	for _, w := range someWindows() {
		checkPools[float64](t, w)
		checkPools[float32](t, w)
	}
}

func TestMaxPoolOfTwoByTwo(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	w := Window{N: 1, H: 2, W: 2, C: 1, KH: 2, KW: 2}
	for _, x := range []struct {
		in   []float64
		want float64
		arg  int32
	}{
		{[]float64{1, 2, 3, 4}, 4, 3},
		{[]float64{4, 3, 2, 1}, 4, 0},
		{[]float64{0, 5, 5, 0}, 5, 1},
		{[]float64{7, 7, 7, 7}, 7, 0},
		{[]float64{-3, -4, -1, -2}, -1, 2},
		{[]float64{math.Copysign(0, -1), 0, 0, 0}, 0, 0},
		{[]float64{1, nan, 3, nan}, nan, 1},
		{[]float64{1, inf, 3, 4}, inf, 1},
		{[]float64{-inf, -inf, -inf, -inf}, -inf, 0},
		{[]float64{inf, -inf, nan, 0}, nan, 2},
		{[]float64{math.MaxFloat64, math.MaxFloat64, 0, 1}, math.MaxFloat64, 0},
	} {
		y, arg := make([]float64, 1), make([]int32, 1)
		MaxPool(y, arg, x.in, w)
		golden.Close(t, fmt.Sprint(x.in), y, []float64{x.want}, 0, 0)
		require.Equal(t, x.arg, arg[0], "%v", x.in)
	}
}

func TestPoolingRefuses(t *testing.T) {
	w := Window{N: 1, H: 4, W: 4, C: 1, KH: 2, KW: 2, StrideH: 2, StrideW: 2} // 16 elements to 4
	buf, arg := make([]float64, 40), make([]int32, 4)
	for i := range buf {
		buf[i] = sentinel
	}
	in, out := make([]float64, 16), make([]float64, 4)
	for _, x := range []struct {
		f    func()
		want error
		says string
	}{
		{func() { MaxPool(buf[:4], arg, in[:15], w) }, ErrShape, "MaxPool: x has 15 elements, the window's images have 16"},
		{func() { MaxPool(buf[:5], arg, in, w) }, ErrShape, "MaxPool: dst has 5 elements, the window yields 4"},
		{func() { MaxPool(buf[:4], arg[:3], in, w) }, ErrShape, "MaxPool: lengths 3 and 4 differ"},
		{func() { MaxPool(buf[:4], arg, buf[3:19], w) }, ErrOverlap, "MaxPool: dst overlaps x"},
		{func() { MaxPoolGrad(buf[:16], out[:3], arg, w) }, ErrShape, "MaxPoolGrad: dy has 3 elements, the window yields 4"},
		{func() { MaxPoolGrad(buf[:17], out, arg, w) }, ErrShape, "MaxPoolGrad: dx has 17 elements"},
		{func() { MaxPoolGrad(buf[:16], out, arg[:2], w) }, ErrShape, "MaxPoolGrad: lengths 2 and 4 differ"},
		{func() { MaxPoolGrad(buf[:16], buf[15:19], arg, w) }, ErrOverlap, "MaxPoolGrad: dy overlaps dx"},
		{func() { MaxPoolGrad(buf[:16], out, []int32{0, 1, 16, 2}, w) }, ErrRange,
			"MaxPoolGrad: arg[2] is 16 of 16 elements"},
		{func() { AvgPool(buf[:4], in[:9], w, true) }, ErrShape, "AvgPool: x has 9 elements"},
		{func() { AvgPool(buf[:3], in, w, true) }, ErrShape, "AvgPool: dst has 3 elements"},
		{func() { AvgPool(buf[:4], buf[:16], w, true) }, ErrOverlap, "AvgPool: dst overlaps x"},
		{func() { AvgPoolGrad(buf[:16], out[:2], w, false) }, ErrShape, "AvgPoolGrad: dy has 2 elements"},
		{func() { AvgPoolGrad(buf[:15], out, w, false) }, ErrShape, "AvgPoolGrad: dx has 15 elements"},
		{func() { AvgPoolGrad(buf[:16], buf[12:16], w, false) }, ErrOverlap, "AvgPoolGrad: dy overlaps dx"},
	} {
		err := panics(t, x.f)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		for _, v := range buf {
			require.EqualValues(t, sentinel, v, "modified by a refused call")
		}
		require.Equal(t, make([]int32, 4), arg)
	}
}
