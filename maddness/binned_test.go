package maddness

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Bins are in the order of values, hold about equally many rows, and never divide equal values; a threshold above a bin
// divides its rows from those above.
func TestBins(t *testing.T) {
	r := tensor.Stream(5)
	for _, c := range []struct{ rows, values, most int }{{1, 0, 4}, {3, 0, 2}, {1000, 0, 16}, {1000, 10, 16},
		{1000, 100, 16}, {5000, 0, 0}} {
		x := make([]float32, c.rows)
		for i := range x {
			if x[i] = float32(r.NormFloat64()); c.values > 0 {
				x[i] = float32(r.IntN(c.values))
			}
		}
		most := c.most
		if most == 0 {
			most = mostBins
		}
		b := Binned{c.most}.binned(x, sortedRows(x))
		require.LessOrEqual(t, len(b.edges), most)
		require.Equal(t, float32(math.Inf(1)), b.edges[len(b.edges)-1])
		rows := make([]int, len(b.edges))
		for i, v := range b.of {
			rows[v]++
			require.LessOrEqual(t, x[i], b.edges[v])
			require.True(t, v == 0 || x[i] > b.edges[v-1])
		}
		for v, n := range rows {
			require.Positive(t, n, "bin %d of %+v", v, c)
			require.True(t, c.values > 0 || n <= 2*(c.rows/most+1), "bin %d of %+v has %d rows", v, c, n)
		}
	}
}

// Where every value has a bin, the split is that of an exhaustive search; with more values it is hardly worse.
func TestBinnedIsNearlyExhaustive(t *testing.T) {
	for seed := range uint64(20) {
		r := tensor.Stream(6, seed)
		values := []int{2, 9, 200, 1 << 20}[seed%4]
		const n = 2000
		l := &Level{Columns: tensor.NewMatrix[float32](3, n), Metric: tensor.NewMatrix[float64](n, 1+int(seed%3)),
			Candidates: []int{0, 1, 2}, Bucket: make([]uint8, n), Buckets: 4}
		for i := range l.Columns.Data {
			l.Columns.Data[i] = float32(r.IntN(values))
		}
		for i := range n {
			l.Bucket[i] = uint8(r.IntN(4))
			for k := range l.Metric.Cols {
				l.Metric.Set(i, k, math.Sin(3*float64(l.Columns.At(k%3, i))/float64(values))+r.NormFloat64())
			}
		}
		centre(l.Metric)
		got, want := Binned{}.Split(l), Exhaustive{}.Split(l)
		if values <= mostBins {
			require.Equal(t, want.Column, got.Column)
			require.Equal(t, want.Thresholds, got.Thresholds)
			require.InEpsilon(t, want.Loss, got.Loss, 1e-9)
		}
		require.InEpsilon(t, want.Loss, got.Loss, 5e-3)
		require.GreaterOrEqual(t, got.Loss, want.Loss*(1-1e-9))
	}
}
