package tensor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// someWindows covers strides, padding, dilation, groups, odd sizes, windows as large as the image and
// padding that holds whole windows.
func someWindows() []Window {
	ws := []Window{
		{N: 1, H: 1, W: 1, C: 1, KH: 1, KW: 1},
		{N: 2, H: 5, W: 4, C: 3, KH: 3, KW: 3, PadH: 1, PadW: 1},
		{N: 2, H: 4, W: 4, C: 2, KH: 2, KW: 2, StrideH: 2, StrideW: 2},
		{N: 1, H: 3, W: 2, C: 2, KH: 3, KW: 2},
		{N: 2, H: 2, W: 3, C: 2, KH: 2, KW: 2, PadH: 3, PadW: 4},
		{N: 1, H: 1, W: 1, C: 2, KH: 1, KW: 3, PadW: 5},
		{N: 0, H: 3, W: 3, C: 1, KH: 2, KW: 2},
		{N: 1, H: 6, W: 7, C: 6, KH: 3, KW: 3, Groups: 3, PadH: 1, PadW: 2, StrideW: 2},
		{N: 2, H: 5, W: 5, C: 4, KH: 2, KW: 3, Groups: 4, DilationH: 2, DilationW: 2},
		{N: 1, H: 2, W: 2, C: 1, KH: 3, KW: 3, DilationH: 3, DilationW: 3, PadH: 3, PadW: 3},
	}
	r := Stream(1)
	for len(ws) < 300 {
		groups := []int{1, 1, 1, 2, 3}[r.IntN(5)]
		w := Window{
			N: 1 + r.IntN(3), H: 1 + r.IntN(8), W: 1 + r.IntN(8), C: groups * (1 + r.IntN(3)),
			KH: 1 + r.IntN(4), KW: 1 + r.IntN(4), StrideH: r.IntN(4), StrideW: r.IntN(4),
			PadH: r.IntN(4), PadW: r.IntN(4), DilationH: r.IntN(4), DilationW: r.IntN(4), Groups: groups,
		}
		if w.Validate() == nil {
			ws = append(ws, w)
		}
	}
	return ws
}

// visit calls f for every output pixel and window position by the definition: pixel is that in the batch, or -1 in
// padding.
func (w Window) visit(f func(out, tap, pixel int)) {
	one := func(v int) int { return max(v, 1) }
	out := 0
	for n := range w.N {
		for top := -w.PadH; top+one(w.DilationH)*(w.KH-1) < w.H+w.PadH; top += one(w.StrideH) {
			for left := -w.PadW; left+one(w.DilationW)*(w.KW-1) < w.W+w.PadW; left += one(w.StrideW) {
				for tap := range w.KH * w.KW {
					y, x := top+tap/w.KW*one(w.DilationH), left+tap%w.KW*one(w.DilationW)
					pixel := -1
					if y >= 0 && y < w.H && x >= 0 && x < w.W {
						pixel = (n*w.H+y)*w.W + x
					}
					f(out, tap, pixel)
				}
				out++
			}
		}
	}
}

func TestWindowOut(t *testing.T) {
	for _, w := range someWindows() {
		rows, cols := w.Out()
		count := 0
		w.visit(func(out, _, _ int) { count = out + 1 })
		require.Equal(t, count, w.N*rows*cols, "%+v", w)
	}
}

func TestWindowRefuses(t *testing.T) {
	good := Window{N: 1, H: 4, W: 5, C: 6, KH: 3, KW: 3}
	require.NoError(t, good.Validate())
	for _, x := range []struct {
		set  func(*Window)
		says string
	}{
		{func(w *Window) { w.N = -1 }, "N is -1"},
		{func(w *Window) { w.H = 0 }, "H is 0"},
		{func(w *Window) { w.W = -2 }, "W is -2"},
		{func(w *Window) { w.C = 0 }, "C is 0"},
		{func(w *Window) { w.KH = 0 }, "KH is 0"},
		{func(w *Window) { w.KW = -1 }, "KW is -1"},
		{func(w *Window) { w.StrideH = -1 }, "StrideH is -1"},
		{func(w *Window) { w.StrideW = -1 }, "StrideW is -1"},
		{func(w *Window) { w.PadH = -1 }, "PadH is -1"},
		{func(w *Window) { w.PadW = -3 }, "PadW is -3"},
		{func(w *Window) { w.DilationH = -1 }, "DilationH is -1"},
		{func(w *Window) { w.DilationW = -1 }, "DilationW is -1"},
		{func(w *Window) { w.Groups = -1 }, "Groups is -1"},
		{func(w *Window) { w.Groups = 4 }, "6 channels do not divide into 4 groups"},
		{func(w *Window) { w.KH = 5 }, "5 rows of window over 4 padded rows"},
		{func(w *Window) { w.DilationW = 4; w.PadW = 1 }, "9 columns of window over 7 padded columns"},
	} {
		w := good
		x.set(&w)
		err := w.Validate()
		require.ErrorIs(t, err, ErrRange, x.says)
		require.ErrorContains(t, err, x.says)
		// Every function that takes a window says the same and writes nothing.
		dst, arg, m := []float64{7}, []int32{7}, Of(1, 1, []float64{7})
		for name, f := range map[string]func(){
			"Im2Col":      func() { Im2Col(m, []float64{1}, w) },
			"Col2Im":      func() { Col2Im(dst, m, w) },
			"MaxPool":     func() { MaxPool(dst, arg, []float64{1}, w) },
			"MaxPoolGrad": func() { MaxPoolGrad(dst, []float64{1}, arg, w) },
			"AvgPool":     func() { AvgPool(dst, []float64{1}, w, true) },
			"AvgPoolGrad": func() { AvgPoolGrad(dst, []float64{1}, w, true) },
		} {
			err := panics(t, f)
			require.ErrorIs(t, err, ErrRange)
			require.ErrorContains(t, err, name+": ")
			require.ErrorContains(t, err, x.says)
		}
		require.Equal(t, []any{[]float64{7}, []int32{7}, 7.0}, []any{dst, arg, m.Data[0]})
	}
	both := Window{N: -1, H: 1, W: 1, C: 1, KH: 0, KW: 1}.Validate()
	require.ErrorContains(t, both, "N is -1", "everything wrong is reported at once")
	require.ErrorContains(t, both, "KH is 0")
}
