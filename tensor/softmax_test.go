package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func softmaxOf[T Float](x []T) (p []float64, logSum float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, float64(v))
	}
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	for _, v := range x {
		p = append(p, math.Exp(float64(v)-top)/sum)
	}
	return p, top + math.Log(sum)
}

func TestSoftmax(t *testing.T) {
	t.Run("float32", func(t *testing.T) { softmaxes[float32](t, 5e-7) })
	t.Run("float64", func(t *testing.T) { softmaxes[float64](t, 1e-15) })
}

func softmaxes[T Float](t *testing.T, tol float64) {
	for _, n := range []int{1, 2, 7, 8, 9, 31, 130, 700} {
		x, _ := framed[T](t, uint64(n), n)
		for _, shift := range []T{0, 1e4, -1e4} {
			for i := range x {
				x[i] += shift
			}
			p, logSum := softmaxOf(x)
			got, intact := framed[T](t, 1, n)
			Softmax(got, x)
			golden.Close(t, fmt.Sprint("Softmax of ", n), got, p, 4*tol, tol)
			intact()
			require.InDelta(t, logSum, LogSumExp(x), math.Abs(logSum)*tol+4*tol)
			rows := make([]T, 1)
			LogSumExpRows(rows, Of(1, n, x))
			require.InDelta(t, logSum, float64(rows[0]), math.Abs(logSum)*tol+4*tol)
		}
	}
}

func TestSoftmaxExtremes(t *testing.T) {
	inf := float32(math.Inf(1))
	y := make([]float32, 3)
	Softmax(y, []float32{-3e38, 3e38, -inf})
	require.Equal(t, []float32{0, 1, 0}, y)
	for _, x := range [][]float32{{-inf, -inf, -inf}, {inf, 0, 0}, {0, float32(math.NaN()), 0}} {
		Softmax(y, x)
		for _, v := range y {
			require.True(t, math.IsNaN(float64(v)), "%v", x)
		}
	}
	Softmax[float32](nil, nil)
	require.Equal(t, math.Inf(-1), LogSumExp[float32](nil))
	require.Equal(t, math.Inf(1), LogSumExp([]float32{1, inf}))
	require.Equal(t, math.Inf(-1), LogSumExp([]float64{math.Inf(-1), math.Inf(-1)}))
	require.True(t, math.IsNaN(LogSumExp([]float64{math.NaN(), math.Inf(1)})))
	require.ErrorIs(t, panics(t, func() { Softmax(y[:2], y[1:]) }), ErrOverlap)
	require.ErrorIs(t, panics(t, func() { SoftmaxRows(NewMatrix[float32](2, 3), NewMatrix[float32](3, 2)) }), ErrShape)
	require.ErrorIs(t, panics(t, func() { LogSumExpRows(y, NewMatrix[float32](2, 3)) }), ErrShape)
}

// slope is the central difference of f in x[i].
func slope(x []float64, i int, f func() float64) float64 {
	const h = 1e-6
	old := x[i]
	x[i] = old + h
	up := f()
	x[i] = old - h
	down := f()
	x[i] = old
	return (up - down) / (2 * h)
}

func TestSoftmaxGradient(t *testing.T) {
	x, r := random[float64](1, 3, 5, 2), random[float64](2, 3, 5, 1)
	y, got := NewMatrix[float64](3, 5), NewMatrix[float64](3, 5)
	f := func() float64 {
		SoftmaxRows(y, x)
		return Dot(y.Data, elementsOf(r))
	}
	f()
	SoftmaxGradRows(got, y, r)
	for i := range 3 {
		for j := range 5 {
			require.InDelta(t, slope(x.Data, i*x.Stride+j, f), got.At(i, j), 1e-8)
		}
	}
	f()
	SoftmaxGradRows(y, y, r) // in place
	require.Equal(t, got.Data, y.Data)
}

func TestSoftmaxCrossEntropy(t *testing.T) {
	for _, smoothing := range []float64{0, 0.1} {
		z, g := random[float64](3, 4, 6, 1), random[float64](4, 4, 6, 0)
		labels := []int{5, -1, 0, 2}
		loss, err := SoftmaxCrossEntropy(g, z, labels, smoothing)
		require.NoError(t, err)
		var want float64
		for i, label := range labels {
			if label < 0 {
				continue
			}
			p, _ := softmaxOf(z.Row(i))
			for j, q := range p {
				target := smoothing / 6
				if j == label {
					target += 1 - smoothing
				}
				want -= target * math.Log(q) / 3
			}
		}
		require.InDelta(t, want, loss, 1e-14)
		for i := range 4 {
			for j := range 6 {
				f := func() float64 { l, _ := SoftmaxCrossEntropy(Matrix[float64]{}, z, labels, smoothing); return l }
				require.InDelta(t, slope(z.Data, i*z.Stride+j, f), g.At(i, j), 1e-8)
			}
		}
		require.Equal(t, make([]float64, 6), g.Row(1), "an ignored row has no gradient")
	}
}

func TestSoftmaxCrossEntropyRefuses(t *testing.T) {
	z, g := NewMatrix[float64](2, 3), random[float64](1, 2, 3, 0)
	before := append([]float64(nil), g.Data...)
	bad := z
	bad.Data = []float64{0, 0, 0, 0, math.NaN(), 0}
	for _, c := range []struct {
		grad, logits Matrix[float64]
		labels       []int
		smoothing    float64
		want         error
		says         string
	}{
		{g, z, []int{0}, 0, ErrShape, "1 labels for 2 rows"},
		{g, z, []int{0, 3}, 0, ErrRange, "labels[1] is 3 of 3"},
		{g, z, []int{-1, -2}, 0, ErrEmpty, "no row with a label"},
		{g, z, []int{0, 1}, 1, ErrRange, "smoothing is 1"},
		{g, z, []int{0, 1}, math.NaN(), ErrRange, "smoothing is NaN"},
		{g, bad, []int{0, 1}, 0, ErrNotFinite, "row 1 of logits"},
		{g.Slice(0, 1, 0, 3), z, []int{0, 1}, 0, ErrShape, "grad is 1x3"},
		{g, Matrix[float64]{2, 3, 3, z.Data[:5]}, []int{0, 1}, 0, ErrShape, "logits"},
	} {
		_, err := SoftmaxCrossEntropy(c.grad, c.logits, c.labels, c.smoothing)
		require.ErrorIs(t, err, c.want)
		require.ErrorContains(t, err, c.says)
		require.Equal(t, before, g.Data, "modified by a refused call")
	}
	loss, err := SoftmaxCrossEntropy(z, z, []int{0, 2}, 0)
	require.NoError(t, err, "grad may be logits itself")
	require.InDelta(t, math.Log(3), loss, 1e-15)
}
