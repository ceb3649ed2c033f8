package maddness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Rows that are added come last, stay within the range of each column, and have exact products.
func TestAddedRows(t *testing.T) {
	a, b := layer(50, 6, 2)
	o, err := configure("test", []Option{WithAddedRows(170)})
	require.NoError(t, err)
	y, err := product(a, b)
	require.NoError(t, err)
	p := problem{a: a, b: b, y: y}
	q := p.extended(o)
	require.Equal(t, 170, q.a.Rows)
	require.Equal(t, a.Data, q.a.Data[:len(a.Data)])
	want, err := product(q.a, b)
	require.NoError(t, err)
	require.Equal(t, want, q.y)
	lo, hi := make([]float32, 6), make([]float32, 6)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			lo[j], hi[j] = min(lo[j], v), max(hi[j], v) // the layer has zeros in each column
		}
	}
	for i := range q.a.Rows {
		for j, v := range q.a.Row(i) {
			require.True(t, v >= lo[j] && v <= hi[j], "row %d, column %d: %v", i, j, v)
		}
	}
	for total, rows := range map[int]int{0: 50, 50: 50, 51: 51, 1 << 20: 200} {
		o.added = total
		require.Equal(t, rows, p.extended(o).a.Rows)
	}
	p.supervised = true
	require.Equal(t, 50, p.extended(o).a.Rows, "their targets are not known")
}

// Where rows that are added would overflow, there are none.
func TestAddedRowsThatOverflow(t *testing.T) {
	a, b := tensor.Of(2, 2, []float32{3e38, -3e38, -3e38, 3e38}), tensor.Of(2, 1, []float32{1, 1})
	_, err := Fit(background, a, b, WithCodebooks(1))
	require.NoError(t, err)
}

// Statistics count and measure the rows that were given.
func TestAddedRowsAreNotCounted(t *testing.T) {
	a, b := layer(100, 6, 2)
	op, err := Fit(background, a, b, WithCodebooks(2))
	require.NoError(t, err)
	s := op.Stats()
	require.Equal(t, 100, s.TrainRows)
	y, got := tensor.NewMatrix[float32](100, 2), tensor.NewMatrix[float32](100, 2)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y)
	require.NoError(t, op.Mul(got, a))
	require.InEpsilon(t, nmse(got.Data, y.Data), s.TrainNMSE, 1e-5)
	var codes Codes
	require.NoError(t, op.Encode(&codes, a))
	require.Equal(t, 100, codes.Rows())
	all := make([]uint8, 100)
	for i := range all {
		all[i] = uint8(op.Trees().Code(0, a.Row(i)))
	}
	require.Equal(t, entropy(all), s.Entropy[0])
}
