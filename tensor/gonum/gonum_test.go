package gonum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

func refuses(t *testing.T, want error, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, _ := recover().(error)
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, "gonum: ToMat: ")
	}()
	f()
}

func TestGonumViews(t *testing.T) {
	d := mat.NewDense(3, 4, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	part := d.Slice(1, 3, 1, 3).(*mat.Dense)
	m := gonum.FromBlas64(part.RawMatrix())
	require.Equal(t, 6.0, m.At(0, 1))
	m.Set(1, 0, -1)
	require.Equal(t, -1.0, d.At(2, 1), "a view, not a copy")
	require.Equal(t, part.RawMatrix(), gonum.Blas64(m))

	back := gonum.ToMat(m)
	back.Set(0, 0, 50)
	require.Equal(t, 50.0, d.At(1, 1))

	g := blas32.General{Rows: 2, Cols: 2, Stride: 3, Data: make([]float32, 5)}
	require.Equal(t, g, gonum.Blas32(gonum.FromBlas32(g)))
	require.Equal(t, g, blas32.General(gonum.FromBlas32(g)), "the layouts convert")
}

func TestFromMat(t *testing.T) {
	d := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	v := gonum.FromMat(d)
	v.Set(0, 0, 9)
	require.Equal(t, 9.0, d.At(0, 0), "a Dense is viewed")

	tr := gonum.FromMat(d.T())
	require.Equal(t, []float64{9, 4, 2, 5, 3, 6}, tr.Data, "a transpose is copied")
	tr.Set(0, 0, 0)
	require.Equal(t, 9.0, d.At(0, 0))

	sym := gonum.FromMat(mat.NewSymDense(2, []float64{1, 2, 2, 3}))
	require.Equal(t, []float64{1, 2, 2, 3}, sym.Data)

	refuses(t, tensor.ErrEmpty, func() { gonum.ToMat(tensor.Matrix[float64]{}) })
	refuses(t, tensor.ErrShape, func() { gonum.ToMat(tensor.Matrix[float64]{Rows: 2, Cols: 2, Stride: 1}) })
}
