package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// shortest returns a view whose data end with its last element, NaN standing between its rows.
func shortest(seed uint64, rows, cols, gap int) Matrix[float64] {
	r := Stream(seed)
	m := Matrix[float64]{Rows: rows, Cols: cols, Stride: cols + gap}
	if rows == 0 || cols == 0 {
		return m
	}
	m.Data = make([]float64, (rows-1)*m.Stride+cols)
	for i := range m.Data {
		if m.Data[i] = math.NaN(); i%m.Stride < cols {
			m.Data[i] = float64(r.IntN(9) - 4)
		}
	}
	return m
}

// plain is a contiguous copy.
func plain(m Matrix[float64]) Matrix[float64] {
	c := NewMatrix[float64](m.Rows, m.Cols)
	for i := range m.Rows {
		if m.Cols > 0 {
			copy(c.Row(i), m.Row(i))
		}
	}
	return c
}

// Every function of matrices reads the shortest legal view, and no gap between rows; whole numbers make sums exact, so
// that the results are those of contiguous copies to the bit.
func TestShortestViews(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 4, 5, 8, 17}
	for _, rows := range sizes {
		for _, cols := range sizes {
			for gap := range 4 {
				a := shortest(1, rows, cols, gap)
				t.Run(fmt.Sprintf("%dx%d+%d", rows, cols, gap), func(t *testing.T) { viewsAgree(t, a, gap) })
			}
		}
	}
}

func viewsAgree(t *testing.T, a Matrix[float64], gap int) {
	rows, cols := a.Rows, a.Cols
	copied := plain(a)
	for _, alpha := range []float64{0, 1, -2} {
		for _, beta := range []float64{0, 1, 3} {
			for _, trans := range []Transpose{NoTrans, Trans} {
				n, m := cols, rows
				if trans {
					n, m = m, n
				}
				x := shortest(2, 1, n, 0).Data
				got, want := shortest(3, 1, m, 0).Data, shortest(3, 1, m, 0).Data
				if beta == 0 {
					fillNaN(got)
				}
				if alpha == 0 {
					fillNaN(x)
				}
				Gemv(trans, alpha, a, x, beta, got)
				for i := range want {
					sum := 0.0
					for j := range x {
						v := copied.Data
						if trans {
							sum += v[j*cols+i] * x[j]
						} else {
							sum += v[i*cols+j] * x[j]
						}
					}
					if alpha == 0 {
						sum = 0
					}
					want[i] = alpha*sum + beta*want[i]
				}
				require.Equal(t, want, got, "Gemv %v %v %v", trans, alpha, beta)
			}
			b := shortest(4, cols, 3, gap)
			got, want := shortest(5, rows, 3, gap), plain(shortest(5, rows, 3, gap))
			Gemm(NoTrans, NoTrans, alpha, a, b, beta, got)
			Gemm(NoTrans, NoTrans, alpha, copied, plain(b), beta, want)
			require.Equal(t, want, plain(got), "Gemm %v %v", alpha, beta)
		}
	}
	sums, of := make([]float64, cols), make([]float64, cols)
	AddColumnSums(sums, a)
	AddColumnSums(of, copied)
	require.Equal(t, of, sums)
	added, want := shortest(6, rows, cols, gap), plain(shortest(6, rows, cols, gap))
	row := shortest(7, 1, cols, 0).Data
	AddRow(added, row)
	AddRow(want, row)
	require.Equal(t, want, plain(added))
	if cols == 0 {
		return // no softmax of nothing
	}
	soft, softOf := shortest(8, rows, cols, gap), NewMatrix[float64](rows, cols)
	SoftmaxRows(soft, a)
	SoftmaxRows(softOf, copied)
	require.Equal(t, softOf, plain(soft))
	log, logOf := make([]float64, rows), make([]float64, rows)
	LogSumExpRows(log, a)
	LogSumExpRows(logOf, copied)
	require.Equal(t, logOf, log)
	far, farOf := shortest(9, rows, rows, gap), NewMatrix[float64](rows, rows)
	SquaredDistances(far, a, a)
	SquaredDistances(farOf, copied, copied)
	require.Equal(t, farOf, plain(far))
}

func fillNaN(x []float64) {
	for i := range x {
		x[i] = math.NaN()
	}
}

// A one-row slice of a wider matrix ends with its columns.
func TestGemvOfOneRowSlice(t *testing.T) {
	m := Of(2, 5, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	y := []float64{math.NaN(), math.NaN()}
	Gemv(Trans, 2, m.Slice(1, 2, 3, 5), []float64{1}, 0, y)
	require.Equal(t, []float64{18, 20}, y)
	a := Of(1, 2, []float64{math.NaN(), math.Inf(1)})
	y = []float64{7}
	Gemv(NoTrans, 0, a, []float64{1, 1}, 1, y)
	require.Equal(t, []float64{7}, y)
}

// The range of Exp in float64 is that of float64.
func TestExpRange(t *testing.T) {
	for _, c := range [][2]float64{
		{709.436, 1.270983941812912e308}, {709.78, 1.7928227943945155e308}, {709.0001, 8.219229343394329e307},
		{709.7827128933839, 1.7976931348620688e308}, {709.7827128933841, math.Inf(1)}, {710, math.Inf(1)},
		{math.Inf(1), math.Inf(1)}, {-745.2, 0},
	} {
		y := make([]float64, 1)
		Exp(y, []float64{c[0]})
		if math.IsInf(c[1], 0) || c[1] == 0 {
			require.Equal(t, c[1], y[0], "%v", c[0])
		} else {
			require.InEpsilon(t, c[1], y[0], 1e-15, "%v", c[0])
		}
	}
}
