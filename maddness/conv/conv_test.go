package conv_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/tensor"
)

func images(seed uint64, shape ...int) tensor.Dense[float32] {
	x := tensor.NewDense[float32](shape...)
	rng := tensor.Stream(seed)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}

// windows are convolutions of all kinds over images of 9x11 pixels.
var windows = []tensor.Window{
	{KH: 1, KW: 1, C: 3},
	{KH: 3, KW: 3, C: 1, PadH: 1, PadW: 1},
	{KH: 3, KW: 3, C: 3, PadH: 1, PadW: 1},
	{KH: 5, KW: 3, C: 2, StrideH: 2, StrideW: 3, PadH: 2, PadW: 1},
	{KH: 2, KW: 4, C: 4, StrideH: 1, StrideW: 2, PadH: 0, PadW: 3},
	{KH: 3, KW: 3, C: 1, DilationH: 2, DilationW: 3, PadH: 4, PadW: 7},
	{KH: 9, KW: 11, C: 1},
	{KH: 3, KW: 2, C: 1, StrideW: 1, StrideH: 4, DilationW: 4},
}

// columns are those of package tensor, channel after channel.
func columns(x tensor.Dense[float32], w tensor.Window) (tensor.Window, tensor.Matrix[float32]) {
	w.N, w.H, w.W = x.Shape[0], x.Shape[1], x.Shape[2]
	h, width := w.Out()
	m := tensor.NewMatrix[float32](w.N*h*width, w.KH*w.KW*w.C)
	tensor.Im2Col(m, x.Data, w)
	sorted := tensor.NewMatrix[float32](m.Rows, m.Cols)
	for i := range m.Rows {
		for k, v := range m.Row(i) {
			sorted.Set(i, k%w.C*w.KH*w.KW+k/w.C, v)
		}
	}
	return w, sorted
}

// A convolution is the operator on the columns of package tensor, to the bit, for any number of processors and
// images.
func TestApply(t *testing.T) {
	for _, w := range windows {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			weights := images(2, w.KH, w.KW, w.C, 5)
			c, err := conv.Fit(context.Background(), images(1, 6, 9, 11, w.C), weights, w,
				maddness.WithCodebooks(min(3, w.KH*w.KW*w.C)), maddness.WithReLU(), maddness.WithBias([]float32{1, 2, 3, 4, 5}))
			require.NoError(t, err)
			x := images(3, 4, 9, 11, w.C)
			x.Data[17] = float32(math.NaN())
			x.Data[61] = float32(math.Inf(-1))
			full, a := columns(x, w)
			want := tensor.NewMatrix[float32](a.Rows, 5)
			require.NoError(t, c.Operator().Mul(want, a))
			y := tensor.NewDense[float32](c.OutShape(x)...)
			for _, procs := range []int{1, 3} {
				before := runtime.GOMAXPROCS(procs)
				clear(y.Data)
				err := c.Apply(y, x)
				runtime.GOMAXPROCS(before)
				require.NoError(t, err)
				require.Equal(t, want.Data, y.Data)
			}
			h, width := full.Out()
			require.Equal(t, []int{4, h, width, 5}, c.OutShape(x))

			// One image at a time, and none.
			one := tensor.NewDense[float32](1, h, width, 5)
			require.NoError(t, c.Apply(one, tensor.DenseOf(x.Data[2*99*w.C:3*99*w.C], 1, 9, 11, w.C)))
			require.Equal(t, want.Data[2*h*width*5:3*h*width*5], one.Data)
			require.NoError(t, c.Apply(tensor.NewDense[float32](0, h, width, 5), tensor.NewDense[float32](0, 9, 11, w.C)))
		})
	}
}

// More pixels than a block holds, in lines that blocks cut.
func TestApplyBlocks(t *testing.T) {
	w := tensor.Window{PadH: 1, PadW: 2, StrideW: 2}
	c, err := conv.Fit(context.Background(), images(1, 1, 30, 41, 2), images(2, 3, 3, 2, 4), w, maddness.WithCodebooks(4))
	require.NoError(t, err)
	x := images(3, 2, 45, 77, 2) // another size than that of the fit
	_, a := columns(x, c.Window())
	require.Greater(t, a.Rows, 3*512)
	want, y := tensor.NewMatrix[float32](a.Rows, 4), tensor.NewDense[float32](c.OutShape(x)...)
	require.NoError(t, c.Operator().Mul(want, a))
	require.NoError(t, c.Apply(y, x))
	require.Equal(t, want.Data, y.Data)
}

func TestPatches(t *testing.T) {
	for _, w := range windows {
		x := images(1, 3, 9, 11, w.C)
		_, a := columns(x, w)
		got, err := conv.Patches(x, w, a.Rows, 1)
		require.NoError(t, err)
		require.Equal(t, a, got, w)
	}
	// Fewer are drawn without replacement, in order, all alike, by the seed.
	x := tensor.NewDense[float32](2, 5, 5, 1)
	for i := range x.Data {
		x.Data[i] = float32(i)
	}
	var count [50]float64
	const seeds = 4000
	for seed := range uint64(seeds) {
		a, err := conv.Patches(x, tensor.Window{KH: 1, KW: 1, C: 1}, 10, seed)
		require.NoError(t, err)
		require.Equal(t, 10, a.Rows)
		for i, v := range a.Data {
			count[int(v)]++
			if i > 0 {
				require.Greater(t, v, a.Data[i-1])
			}
		}
	}
	for p, n := range count {
		require.InDelta(t, 0.2, n/seeds, 5*math.Sqrt(0.2*0.8/seeds), p)
	}
	a, _ := conv.Patches(x, tensor.Window{KH: 2, KW: 2, C: 1}, 7, 3)
	again, _ := conv.Patches(x, tensor.Window{KH: 2, KW: 2, C: 1}, 7, 3)
	require.Equal(t, a, again)
}

func TestExact(t *testing.T) {
	for _, w := range windows {
		x, weights := images(1, 3, 9, 11, w.C), images(2, w.KH, w.KW, w.C, 5)
		full, a := columns(x, w)
		want := tensor.NewMatrix[float32](a.Rows, 5)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, conv.Weights(weights), 0, want)
		h, width := full.Out()
		y := tensor.NewDense[float32](3, h, width, 5)
		require.NoError(t, conv.Exact(y, x, weights, w))
		require.InDeltaSlice(t, want.Data, y.Data, 1e-4)
	}
}

// sobel reads the Sobel case: patches of 3x3 pixels of two photographs as images of that size, and horizontal and
// vertical filters over three colours.
func sobel(t *testing.T) (train, test, weights tensor.Dense[float32]) {
	var g struct {
		Rows int `json:"rows_train"`
		W    golden.Tensor
	}
	golden.JSON(t, "../testdata/img_sobel.json.gz", &g)
	a := golden.NPY(t, "../testdata/img_sobel_u8.npy.gz")
	// The file has channels first, as Patches have.
	hwc := func(j int) int { return j%9*3 + j/9 }
	x := tensor.NewDense[float32](a.Shape[0], 3, 3, 3)
	for i := range a.Shape[0] {
		for j := range 27 {
			x.Data[27*i+hwc(j)] = float32(a.Data[27*i+j])
		}
	}
	weights = tensor.NewDense[float32](3, 3, 3, 2)
	for j := range 27 {
		for m := range 2 {
			weights.Data[2*hwc(j)+m] = float32(g.W.Data[2*j+m])
		}
	}
	n := 27 * g.Rows
	return tensor.DenseOf(x.Data[:n], g.Rows, 3, 3, 3), tensor.DenseOf(x.Data[n:], a.Shape[0]-g.Rows, 3, 3, 3), weights
}

// Learned from one photograph, applied to another: NMSE at most 0.30 with 8 codebooks and 0.115 with 16. The
// reference's are 0.36 and 0.12.
func TestSobel(t *testing.T) {
	train, test, weights := sobel(t)
	exact := tensor.NewDense[float32](test.Shape[0], 1, 1, 2)
	require.NoError(t, conv.Exact(exact, test, weights, tensor.Window{}))
	for codebooks, bar := range map[int]float64{8: 0.30, 16: 0.115} {
		c, err := conv.Fit(context.Background(), train, weights, tensor.Window{}, maddness.WithCodebooks(codebooks))
		require.NoError(t, err)
		y := tensor.NewDense[float32](c.OutShape(test)...)
		require.NoError(t, c.Apply(y, test))
		e := nmse(y.Data, exact.Data)
		t.Logf("%d codebooks: NMSE %.3f", codebooks, e)
		require.LessOrEqual(t, e, bar)
	}
}

func nmse(got, exact []float32) float64 {
	mean := tensor.Sum(exact) / float64(len(exact))
	wrong, variance := 0.0, 0.0
	for i, v := range exact {
		wrong += math.Pow(float64(got[i])-float64(v), 2)
		variance += math.Pow(float64(v)-mean, 2)
	}
	return wrong / variance
}

func TestRefusals(t *testing.T) {
	w := tensor.Window{KH: 3, KW: 3, C: 2}
	x, weights := images(1, 2, 6, 6, 2), images(2, 3, 3, 2, 4)
	c, err := conv.Fit(context.Background(), x, weights, tensor.Window{}, maddness.WithCodebooks(2))
	require.NoError(t, err)
	require.Equal(t, tensor.Window{KH: 3, KW: 3, C: 2, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		c.Window())

	fit := func(x, weights tensor.Dense[float32], w tensor.Window, opts ...maddness.Option) error {
		_, err := conv.Fit(context.Background(), x, weights, w, opts...)
		return err
	}
	operate := func(op *maddness.Operator, w tensor.Window) error {
		_, err := conv.New(op, w)
		return err
	}
	patches := func(x tensor.Dense[float32], w tensor.Window, most int) error {
		_, err := conv.Patches(x, w, most, 0)
		return err
	}
	require.Panics(t, func() { conv.Weights(images(2, 3, 3, 8)) })
	dst := images(5, 2, 4, 4, 4)
	kept := append([]float32(nil), dst.Data...)
	shared := make([]float32, 200)
	nan := images(1, 2, 6, 6, 2)
	nan.Data[70] = float32(math.NaN())
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"weights of three axes": {fit(x, images(2, 3, 3, 8), w), tensor.ErrShape, "weights have the shape [3 3 8]"},
		"weights not whole":     {fit(x, tensor.Dense[float32]{Shape: []int{3, 3, 2, 4}}, w), tensor.ErrShape, "weights"},
		"contradicting weights": {fit(x, weights, tensor.Window{KH: 5}), tensor.ErrShape, "KH, KW or C 5"},
		"other channels": {fit(images(1, 2, 6, 6, 3), weights, w), tensor.ErrShape,
			"x has the shape [2 6 6 3], want [N, H, W, 2]"},
		"x not whole":  {fit(tensor.Dense[float32]{Shape: []int{2, 6, 6, 2}}, weights, w), tensor.ErrShape, "x"},
		"small images": {fit(images(1, 2, 2, 6, 2), weights, w), tensor.ErrRange, "rows of window"},
		"no images": {fit(tensor.NewDense[float32](0, 6, 6, 2), weights, w), tensor.ErrEmpty,
			"x has the shape [0 6 6 2]"},
		"NaN": {fit(nan, weights, w, maddness.WithCodebooks(2)), tensor.ErrNotFinite, "NaN"},
		"too many codebooks": {fit(x, weights, w, maddness.WithCodebooks(19)), maddness.ErrColumns,
			"18 columns for 19 codebooks"},
		"groups":          {fit(x, weights, tensor.Window{Groups: 2}), tensor.ErrRange, "2 groups"},
		"negative stride": {fit(x, weights, tensor.Window{StrideH: -1}), tensor.ErrRange, "StrideH is -1"},
		"no operator":     {operate(nil, w), tensor.ErrEmpty, "operator is nil"},
		"another operator": {operate(c.Operator(), tensor.Window{KH: 3, KW: 3, C: 1}), tensor.ErrShape,
			"takes 18 columns, the window has 3x3x1"},
		"no window":             {operate(c.Operator(), tensor.Window{}), tensor.ErrRange, "KH is 0"},
		"no patches":            {patches(x, w, 0), tensor.ErrRange, "most is 0"},
		"patches of nothing":    {patches(tensor.NewDense[float32](0, 6, 6, 2), w, 1), tensor.ErrEmpty, ""},
		"apply to channels":     {c.Apply(dst, images(1, 2, 6, 6, 3)), tensor.ErrShape, "want [N, H, W, 2]"},
		"apply to small images": {c.Apply(dst, images(1, 2, 2, 6, 2)), tensor.ErrRange, "rows of window"},
		"apply to a wrong shape": {c.Apply(images(5, 2, 4, 4, 3), x), tensor.ErrShape,
			"dst has the shape [2 4 4 3], want [2 4 4 4]"},
		"apply to no whole dst": {c.Apply(tensor.Dense[float32]{Shape: []int{2, 4, 4, 4}}, x), tensor.ErrShape, "dst"},
		"apply in place": {c.Apply(tensor.DenseOf(shared[:128], 2, 4, 4, 4), tensor.DenseOf(shared[56:], 2, 6, 6, 2)),
			tensor.ErrOverlap, "dst shares memory"},
		"exact in place": {conv.Exact(tensor.DenseOf(shared[:128], 2, 4, 4, 4),
			tensor.DenseOf(shared[56:], 2, 6, 6, 2), weights, w), tensor.ErrOverlap, ""},
		"exact of groups":        {conv.Exact(dst, x, weights, tensor.Window{Groups: 2}), tensor.ErrRange, "2 groups"},
		"exact to a wrong shape": {conv.Exact(images(5, 2, 4, 4, 3), x, weights, w), tensor.ErrShape, "dst has the shape"},
		"exact of channels":      {conv.Exact(dst, images(1, 2, 6, 6, 3), weights, w), tensor.ErrShape, "x has the shape"},
		"exact of no weights":    {conv.Exact(dst, x, images(2, 3, 3, 8), w), tensor.ErrShape, "weights"},
	} {
		require.ErrorIs(t, c.err, c.want, name)
		require.ErrorContains(t, c.err, c.text, name)
	}
	require.Equal(t, kept, dst.Data, "nothing is written")
	require.Nil(t, c.OutShape(images(1, 2, 6, 6, 3)))
}
