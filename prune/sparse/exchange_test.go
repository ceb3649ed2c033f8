package sparse_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

func TestMalformedCSR(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		csr  sparse.CSR[float32]
		is   error
		text string
	}{
		"columns of none": {sparse.CSR[float32]{Rows: 3, Indptr: []int{0, 3, 3, 3}, Indices: []int{0, 0, 0},
			Data: []float32{1, 1, 1}}, tensor.ErrRange, "row 0: Indices[0] = 0 of 0 columns"},
		"twice": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{0, 2}, Indices: []int{1, 1}, Data: []float32{1, 1}},
			tensor.ErrRange, "row 0: column 1 is there twice"},
		"unsorted": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{0, 2}, Indices: []int{2, 1}, Data: []float32{1, 1}},
			tensor.ErrRange, "row 0: column 1 after 2"},
		"negative": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{0, 1}, Indices: []int{-1}, Data: []float32{1}},
			tensor.ErrRange, "Indices[0] = -1"},
		"no row starts": {sparse.CSR[float32]{Rows: 1, Cols: 3}, tensor.ErrShape, "0 row starts"},
		"too few row starts": {sparse.CSR[float32]{Rows: 2, Cols: 4, Indptr: []int{0, 1}, Indices: []int{0},
			Data: []float32{1}}, tensor.ErrShape, "2 rows with 2 row starts"},
		"begins late": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{1, 1}, Indices: []int{0}, Data: []float32{1}},
			tensor.ErrRange, "from 1 to 1"},
		"falls": {sparse.CSR[float32]{Rows: 3, Cols: 3, Indptr: []int{0, 2, 1, 2}, Indices: []int{0, 1},
			Data: []float32{1, 1}}, tensor.ErrRange, "Indptr[2] = 1 after 2"},
		"beyond": {sparse.CSR[float32]{Rows: 2, Cols: 3, Indptr: []int{0, 9, 2}, Indices: []int{0, 1},
			Data: []float32{1, 1}}, tensor.ErrRange, "Indptr[1] = 9"},
		"lengths": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{0, 1}, Indices: []int{0, 1}, Data: []float32{1}},
			tensor.ErrShape, "2 columns and 1 elements"},
		"not finite": {sparse.CSR[float32]{Rows: 1, Cols: 3, Indptr: []int{0, 1}, Indices: []int{0}, Data: []float32{nan}},
			tensor.ErrNotFinite, "Data[0] = NaN"},
		"negative size": {sparse.CSR[float32]{Rows: -1, Cols: 3}, tensor.ErrRange, "-1x3"},
		"too large":     {sparse.CSR[float32]{Rows: math.MaxInt, Cols: 3}, tensor.ErrRange, "CSR of"},
	} {
		_, err := sparse.FromCSR(c.csr)
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.text, name)
		require.ErrorContains(t, err, "sparse: FromCSR: ", name)
	}
	wide := sparse.CSR[float32]{Rows: 1, Cols: math.MaxInt, Indptr: []int{0, 1}, Indices: []int{5}, Data: []float32{1}}
	_, err := sparse.FromCSR(wide)
	require.NoError(t, err, "few elements take little, however many columns there are")
	_, err = sparse.FromCSR(wide, sparse.WithFormat(sparse.Bitmask))
	require.ErrorIs(t, err, tensor.ErrRange, "and no crash where each has a place")
}

func TestCSRIsCopied(t *testing.T) {
	w := tensor.Of(2, 4, []float32{3, 0, 0, 0, 0, 0, 0, 0})
	m, err := sparse.New(w, nil)
	require.NoError(t, err)
	c := m.CSR()
	require.Equal(t, []int{0, 1, 1}, c.Indptr)
	again, err := sparse.FromCSR(*c, sparse.WithFormat(sparse.Compressed))
	require.NoError(t, err)
	c.Data[0], c.Indices[0] = 9, 2
	require.Equal(t, w, again.Dense())
	require.Equal(t, w, m.Dense())
}

func TestONNX(t *testing.T) {
	w, mask := normal[float32](1, 5, 7), some(2, 35, 0.4)
	m, err := sparse.New(w, mask)
	require.NoError(t, err)
	o := m.ONNX()
	require.Equal(t, []int64{5, 7}, o.Dims)
	require.Len(t, o.Indices, 2*m.Kept())
	linear := sparse.ONNX[float32]{Dims: o.Dims, Values: o.Values}
	for k := range o.Values {
		linear.Indices = append(linear.Indices, 7*o.Indices[2*k]+o.Indices[2*k+1])
	}
	for _, form := range []sparse.ONNX[float32]{o, linear} {
		again, err := sparse.FromONNX(form)
		require.NoError(t, err)
		require.True(t, mask.Equal(again.Mask()))
		require.Equal(t, m.Dense(), again.Dense())
	}
	empty, err := sparse.FromONNX(sparse.ONNX[float32]{Dims: []int64{3, 2}})
	require.NoError(t, err)
	require.Equal(t, 3, empty.Rows())
	for name, c := range map[string]struct {
		o  sparse.ONNX[float32]
		is error
	}{
		"one dimension": {sparse.ONNX[float32]{Dims: []int64{5}}, tensor.ErrShape},
		"negative":      {sparse.ONNX[float32]{Dims: []int64{-1, 2}}, tensor.ErrRange},
		"huge":          {sparse.ONNX[float32]{Dims: []int64{1 << 40, 1}}, tensor.ErrRange},
		"overflowing":   {sparse.ONNX[float32]{Dims: []int64{1 << 40, 1 << 40}}, tensor.ErrRange},
		"indices": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1}, Indices: []int64{0, 0, 0}},
			tensor.ErrShape},
		"row":    {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1}, Indices: []int64{2, 0}}, tensor.ErrRange},
		"column": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1}, Indices: []int64{0, 2}}, tensor.ErrRange},
		"linear": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1}, Indices: []int64{4}}, tensor.ErrRange},
		"below":  {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1}, Indices: []int64{-1}}, tensor.ErrRange},
		"no columns": {sparse.ONNX[float32]{Dims: []int64{2, 0}, Values: []float32{1}, Indices: []int64{0}},
			tensor.ErrRange},
		"order of rows": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1, 1}, Indices: []int64{1, 0, 0, 0}},
			tensor.ErrRange},
		"order of columns": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1, 1}, Indices: []int64{1, 1, 1, 0}},
			tensor.ErrRange},
		"twice": {sparse.ONNX[float32]{Dims: []int64{2, 2}, Values: []float32{1, 1}, Indices: []int64{1, 1, 1, 1}},
			tensor.ErrRange},
		"not finite": {sparse.ONNX[float32]{Dims: []int64{1, 1}, Values: []float32{float32(math.Inf(-1))},
			Indices: []int64{0, 0}}, tensor.ErrNotFinite},
	} {
		_, err := sparse.FromONNX(c.o)
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, "sparse: FromONNX: ", name)
	}
}

func TestMarshal(t *testing.T) {
	w := normal[float64](1, 5, 70)
	for _, f := range append(formats, sparse.Dense) {
		for _, density := range []float64{0, 0.05, 0.5, 1} {
			m := in(t, f, w, some(2, len(w.Data), density))
			b, err := m.MarshalBinary()
			require.NoError(t, err)
			size := 9*m.Kept() + m.Rows()
			if f != sparse.Panels && f != sparse.Compressed {
				size = 8*m.Kept() + len(w.Data)/8 + 8
			}
			require.LessOrEqual(t, len(b), size+32, "%v", f)
			var read sparse.Matrix[float64]
			require.NoError(t, read.UnmarshalBinary(b))
			require.Equal(t, f, read.Format())
			require.Equal(t, m.Bytes(), read.Bytes())
			require.Equal(t, m.CSR(), read.CSR())
			for n := range b {
				require.ErrorIs(t, read.UnmarshalBinary(b[:n]), tensor.ErrRange, "cut to %d bytes", n)
			}
			require.Equal(t, m.CSR(), read.CSR(), "unchanged")
			var other sparse.Matrix[float32]
			require.ErrorContains(t, other.UnmarshalBinary(b), "values of 8 bytes, want 4")
		}
	}
}

func TestHostileSizes(t *testing.T) {
	for _, format := range []byte{0, 1, 2, 3, 4, 5, 255} {
		for _, sizes := range [][3]uint64{{1 << 31, 1 << 31, 0}, {1<<31 - 1, 0, 0}, {1<<31 - 1, 1, 0}, {0, math.MaxInt, 0},
			{1, math.MaxInt, 1}, {1, math.MaxUint64, 1}, {3, 3, math.MaxUint64}} {
			b := append([]byte("prune.sparse\x01"), 4, format, 2, 4)
			for _, v := range sizes {
				b = binary.AppendUvarint(b, v)
			}
			var m sparse.Matrix[float32]
			if err := m.UnmarshalBinary(blob.Seal(append(b, 0, 0, 0, 0, 0, 0))); err != nil {
				require.ErrorIs(t, err, tensor.ErrRange)
			}
		}
	}
}

// Whatever is read multiplies like the same elements in another format, and is written back as it was.
func FuzzUnmarshal(f *testing.F) {
	for _, format := range append(formats, sparse.Dense) {
		b, err := in(f, format, normal[float32](1, 5, 11), some(2, 55, 0.4)).MarshalBinary()
		require.NoError(f, err)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, data := range [][]byte{b, blob.Seal(append([]byte(nil), b...))} {
			var m, again sparse.Matrix[float32]
			if m.UnmarshalBinary(data) != nil {
				continue
			}
			out, err := m.MarshalBinary()
			require.NoError(t, err)
			require.NoError(t, again.UnmarshalBinary(out))
			require.Equal(t, m.CSR(), again.CSR())
			if m.Rows() > 1000 || m.Cols() > 1000 || m.Format() == sparse.Dense {
				continue
			}
			x := normal[float32](1, 3, m.Cols())
			got, want := tensor.NewMatrix[float32](3, m.Rows()), tensor.NewMatrix[float32](3, m.Rows())
			require.NoError(t, m.MulBatch(got, x))
			other, err := m.Convert(sparse.WithFormat(sparse.Bitmask))
			require.NoError(t, err)
			require.NoError(t, other.MulBatch(want, x))
			for i, v := range want.Data {
				require.Equal(t, math.Float32bits(v), math.Float32bits(got.Data[i]))
			}
		}
	})
}

// Compressed rows from anywhere are refused or multiply like the matrix they are.
func FuzzCSR(f *testing.F) {
	f.Add(uint8(3), uint8(4), []byte{0, 1, 1, 2}, []byte{0, 3}, uint8(2))
	f.Fuzz(func(t *testing.T, rows, cols uint8, indptr, indices []byte, elements uint8) {
		c := sparse.CSR[float64]{Rows: int(rows), Cols: int(cols), Data: make([]float64, elements)}
		for _, v := range indptr {
			c.Indptr = append(c.Indptr, int(int8(v)))
		}
		for _, v := range indices {
			c.Indices = append(c.Indices, int(int8(v)))
		}
		for k := range c.Data {
			c.Data[k] = float64(k + 1)
		}
		m, err := sparse.FromCSR(c)
		if err != nil {
			return
		}
		x := normal[float64](2, 1, int(cols)).Data
		dst := make([]float64, rows)
		require.NoError(t, m.MulVec(dst, x))
		for i := range dst {
			sum := 0.0
			for k := c.Indptr[i]; k < c.Indptr[i+1]; k++ {
				sum = math.FMA(c.Data[k], x[c.Indices[k]], sum)
			}
			require.Equal(t, sum, dst[i])
		}
	})
}

// Indices from anywhere are refused or come back as they were.
func FuzzONNX(f *testing.F) {
	f.Add(int64(2), int64(3), []byte{0, 0, 1, 2}, uint8(2))
	f.Add(int64(2), int64(3), []byte{0, 5}, uint8(2))
	f.Fuzz(func(t *testing.T, rows, cols int64, indices []byte, values uint8) {
		o := sparse.ONNX[float32]{Dims: []int64{rows % 1000, cols % 1000}, Values: make([]float32, values)}
		for _, v := range indices {
			o.Indices = append(o.Indices, int64(int8(v)))
		}
		m, err := sparse.FromONNX(o)
		if err != nil {
			return
		}
		again := m.ONNX()
		require.Equal(t, o.Dims, again.Dims)
		require.Len(t, again.Values, int(values))
		for k := range o.Values {
			i, j := again.Indices[2*k], again.Indices[2*k+1]
			if len(o.Indices) == len(o.Values) {
				require.Equal(t, o.Indices[k], i*o.Dims[1]+j)
			} else {
				require.Equal(t, o.Indices[2*k:2*k+2], []int64{i, j})
			}
		}
	})
}
