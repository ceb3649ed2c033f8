package tensor

// Clone returns a contiguous copy.
func (m Matrix[T]) Clone() Matrix[T] { return Convert[T](m) }

// Transposed returns a contiguous copy with rows and columns exchanged: features as rows, for functions that want
// them so.
func (m Matrix[T]) Transposed() Matrix[T] {
	const tile = 32 // of both matrices in the first-level cache
	t := NewMatrix[T](m.Cols, m.Rows)
	for i0 := 0; i0 < m.Rows; i0 += tile {
		for j0 := 0; j0 < m.Cols; j0 += tile {
			for i := i0; i < min(i0+tile, m.Rows); i++ {
				row := m.Row(i)
				for j := j0; j < min(j0+tile, m.Cols); j++ {
					t.Data[j*t.Stride+i] = row[j]
				}
			}
		}
	}
	return t
}

// Convert returns a contiguous copy with elements of another type, rounded to the nearest if it is the narrower.
func Convert[To, From Float](m Matrix[From]) Matrix[To] {
	c := NewMatrix[To](m.Rows, m.Cols)
	if m.Cols == 0 {
		return c
	}
	for i := range m.Rows {
		dst := c.Row(i)
		for j, v := range m.Row(i) {
			dst[j] = To(v)
		}
	}
	return c
}
