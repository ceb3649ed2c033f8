package tensor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCopies(t *testing.T) {
	for _, rows := range []int{0, 1, 5, 31, 32, 33, 70} {
		for _, cols := range []int{0, 1, 7, 32, 65} {
			frame := NewMatrix[float64](rows+2, cols+3)
			for i := range frame.Data {
				frame.Data[i] = float64(i) / 3
			}
			m := frame.Slice(1, 1+rows, 2, 2+cols)
			c, tr, narrow := m.Clone(), m.Transposed(), Convert[float32](m)
			require.Equal(t, [3]int{rows, cols, cols}, [3]int{c.Rows, c.Cols, c.Stride})
			require.Equal(t, [3]int{cols, rows, rows}, [3]int{tr.Rows, tr.Cols, tr.Stride})
			for i := range rows {
				for j := range cols {
					require.Equal(t, m.At(i, j), c.At(i, j))
					require.Equal(t, m.At(i, j), tr.At(j, i))
					require.Equal(t, float32(m.At(i, j)), narrow.At(i, j))
				}
			}
			if rows*cols > 0 {
				c.Set(0, 0, -1)
				tr.Set(0, 0, -1)
				require.NotEqual(t, -1.0, m.At(0, 0), "copies share nothing")
			}
		}
	}
}
