package tensor

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func TestSegmentSum(t *testing.T) {
	x := random[float64](1, 6, 3, 2)
	offsets := []int{0, 2, 2, 5, 6}
	dst := random[float64](2, 4, 3, 1)
	require.NoError(t, SegmentSum(dst, x, offsets))
	for i := range 4 {
		for j := range 3 {
			var want float64
			for r := offsets[i]; r < offsets[i+1]; r++ {
				want += x.At(r, j)
			}
			require.InDelta(t, want, dst.At(i, j), 1e-15)
		}
	}
	require.NoError(t, SegmentSum(NewMatrix[float64](0, 3), NewMatrix[float64](0, 3), []int{0}), "no segments")
	require.NoError(t, SegmentSum(NewMatrix[float64](2, 0), NewMatrix[float64](3, 0), []int{0, 1, 3}), "no columns")
}

func TestSegmentSoftmax(t *testing.T) {
	x, _ := framed[float32](t, 3, 40)
	offsets := []int{0, 1, 1, 20, 40}
	y := make([]float32, 40)
	require.NoError(t, SegmentSoftmax(y, x, offsets))
	for i := 1; i < len(offsets); i++ {
		p, _ := softmaxOf(x[offsets[i-1]:offsets[i]])
		golden.Close(t, "segment", y[offsets[i-1]:offsets[i]], p, 2e-6, 1e-7)
	}
	require.NoError(t, SegmentSoftmax(x, x, offsets))
	require.Equal(t, y, x, "in place")
	require.NoError(t, SegmentSoftmax[float32](nil, nil, []int{0, 0}))
}

func TestSegmentsRefuse(t *testing.T) {
	for _, c := range []struct {
		offsets []int
		want    error
		says    string
	}{
		{nil, ErrEmpty, "no offsets"},
		{[]int{1, 4}, ErrRange, "offsets[0] is 1"},
		{[]int{0, 3, 2, 4}, ErrRange, "offsets[2] is 2, after 3"},
		{[]int{0, 3}, ErrRange, "offsets[1] is 3, want the number of elements 4"},
		{[]int{0, 5}, ErrRange, "offsets[1] is 5"},
	} {
		x, dst := random[float64](1, 4, 2, 0), random[float64](2, max(len(c.offsets)-1, 0), 2, 0)
		before := slices.Clone(dst.Data)
		for _, err := range []error{ValidateOffsets(c.offsets, 4), SegmentSum(dst, x, c.offsets),
			SegmentSoftmax(make([]float64, 4), x.Data[:4], c.offsets)} {
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
		}
		require.Equal(t, before, dst.Data)
	}
	x := NewMatrix[float64](4, 2)
	ok := []int{0, 4}
	require.ErrorIs(t, SegmentSum(NewMatrix[float64](2, 2), x, ok), ErrShape)
	require.ErrorIs(t, SegmentSum(NewMatrix[float64](1, 3), x, ok), ErrShape)
	require.ErrorIs(t, SegmentSum(x.Slice(0, 1, 0, 2), x, ok), ErrOverlap)
	require.ErrorIs(t, SegmentSum(Matrix[float64]{1, 2, 1, nil}, x, ok), ErrShape)
	require.ErrorIs(t, SegmentSoftmax(x.Data[:3], x.Data[1:4], []int{0, 3}), ErrOverlap)
	require.ErrorIs(t, SegmentSoftmax(x.Data[:3], x.Data[:4], ok), ErrShape)
}
