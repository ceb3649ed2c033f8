package tensor

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

// half is such that 1<<half squared is 0.
const half = bits.UintSize / 2

func TestMatrixViews(t *testing.T) {
	m := Of(3, 4, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	require.NoError(t, m.Validate())
	require.Equal(t, []float64{4, 5, 6, 7}, m.Row(1))
	s := m.Slice(1, 3, 1, 3)
	require.NoError(t, s.Validate())
	require.Equal(t, 4, s.Stride)
	require.Equal(t, 10.0, s.At(1, 1))
	s.Set(0, 0, -1)
	require.Equal(t, -1.0, m.At(1, 1), "slices share memory")
	require.Panics(t, func() { s.At(0, 2) })
	require.Panics(t, func() { _ = append(m.Row(0), 99)[4]; s.Row(2) })
	require.Equal(t, 4.0, m.At(1, 0), "appending to a row does not reach the next one")
	require.Empty(t, m.Slice(1, 1, 0, 4).Data)
	require.NoError(t, Matrix[float32]{}.Validate())
	require.Equal(t, []float64{0, 0}, NewMatrix[float64](1, 2).Data)
}

func TestMatrixRefuses(t *testing.T) {
	m := NewMatrix[float64](2, 3)
	for _, f := range []func(){
		func() { Of(2, 2, make([]float64, 3)) },
		func() { Of(-1, -1, make([]float64, 1)) },
		func() { NewMatrix[float32](-1, 2) },
		func() { m.Slice(0, 3, 0, 1) },
		func() { m.Slice(0, 1, 2, 1) },
		func() { m.Slice(-1, 1, 0, 1) },
		func() { NewDense[float64](2, -1) },
		func() { DenseOf(make([]float64, 3), 2, 2) },
		func() { NewDense[float64](2, 2).Matrix(3) },
	} {
		require.ErrorIs(t, panics(t, f), ErrShape)
	}
	for _, bad := range []Matrix[float64]{
		{Rows: -1, Cols: 1, Stride: 1},
		{Rows: 2, Cols: 3, Stride: 2, Data: make([]float64, 6)},
		{Rows: 2, Cols: 3, Stride: 4, Data: make([]float64, 6)},
		{Rows: 1, Cols: 3, Stride: 3},
		{Rows: math.MaxInt, Cols: 2, Stride: math.MaxInt, Data: make([]float64, 9)},
		{Rows: 1<<half + 1, Cols: 1, Stride: 1 << half, Data: make([]float64, 9)},
		{Rows: 2, Cols: 1, Stride: -1, Data: make([]float64, 9)},
	} {
		require.ErrorIs(t, bad.Validate(), ErrShape, "%v", bad)
		require.False(t, bad.valid(), "%v", bad)
	}
}

func TestMatrixOverlaps(t *testing.T) {
	m := NewMatrix[float64](4, 6)
	overlap := func(a, b Matrix[float64]) bool { return a.Overlaps(b) }
	left, right := m.Slice(0, 4, 0, 3), m.Slice(0, 4, 3, 6)
	require.False(t, overlap(left, right))
	require.False(t, overlap(right, left))
	require.True(t, overlap(m.Slice(0, 4, 2, 5), right))
	require.True(t, overlap(right, m.Slice(0, 4, 2, 4)))
	require.False(t, overlap(m.Slice(0, 2, 0, 6), m.Slice(2, 4, 0, 6)))
	require.True(t, overlap(left, Of(24, 1, m.Data)), "other strides are judged by their range")
	require.False(t, overlap(left, NewMatrix[float64](4, 3)))
	require.False(t, overlap(left, Matrix[float64]{}))
}

func TestDense(t *testing.T) {
	d := NewDense[float32](2, 3, 4)
	require.NoError(t, d.Validate())
	require.Len(t, d.Data, 24)
	m := d.Matrix(2)
	require.Equal(t, [2]int{6, 4}, [2]int{m.Rows, m.Cols})
	require.Equal(t, 1, d.Matrix(0).Rows)
	require.Equal(t, 1, d.Matrix(3).Cols)
	require.Equal(t, 1, len(NewDense[float64]().Data), "a scalar")
	require.ErrorIs(t, Dense[float64]{Shape: []int{2, -1}}.Validate(), ErrShape)
	require.ErrorIs(t, Dense[float64]{Shape: []int{2, 2}, Data: make([]float64, 3)}.Validate(), ErrShape)
	require.ErrorIs(t, Dense[float64]{Shape: []int{1 << half, 1 << half}}.Validate(), ErrShape,
		"a product that overflows is not none")
}

func TestParam(t *testing.T) {
	p := Param[float64]{Name: "fc1.weight", Shape: []int{2, 2}, Data: make([]float64, 4)}
	require.NoError(t, p.Validate())
	p.Grad = make([]float64, 3)
	err := p.Validate()
	require.ErrorIs(t, err, ErrShape)
	require.ErrorContains(t, err, `param "fc1.weight": 3 gradients for 4 values`)
	p.Data = nil
	require.ErrorContains(t, p.Validate(), `param "fc1.weight"`)
}

func TestCheckFinite(t *testing.T) {
	require.NoError(t, ValidateFinite("x", []float32{1, -1, math.MaxFloat32}))
	require.NoError(t, ValidateFinite[float64]("x", nil))
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		err := ValidateFinite("scores", []float64{0, 0, bad})
		require.ErrorIs(t, err, ErrNotFinite)
		require.ErrorContains(t, err, "tensor: scores[2] = ")
	}
	for n := range 70 { // at every place of every length
		x, y := make([]float32, n), make([]float64, n)
		for i := range n {
			x[i], y[i] = math.MaxFloat32, -math.MaxFloat64
		}
		require.NoError(t, ValidateFinite("x", x))
		require.NoError(t, ValidateFinite("y", y))
		for i := range n {
			x[i], y[i] = float32(math.Inf(-1)), math.NaN()
			require.ErrorContains(t, ValidateFinite("x", x), fmt.Sprintf("x[%d] = -Inf", i))
			require.ErrorContains(t, ValidateFinite("y", y), fmt.Sprintf("y[%d] = NaN", i))
			x[i], y[i] = 0, 0
		}
	}
}
