package maddness

import (
	"encoding"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

var (
	_ encoding.BinaryMarshaler   = (*Operator)(nil)
	_ encoding.BinaryUnmarshaler = (*Operator)(nil)
	_ encoding.BinaryMarshaler   = (*Encoder)(nil)
	_ encoding.BinaryUnmarshaler = (*Encoder)(nil)
)

// What is read computes the same bits and is written as it was.
func TestSaveAndLoad(t *testing.T) {
	a, b := layer(300, 16, 5)
	for name, opts := range map[string][]Option{
		"default": nil,
		"few bits": {WithLUTBits(5), WithReLU(), WithBias([]float32{1, 2, 3, 4, 5}), WithGrouping(OutputCovariance),
			WithRefine(1)},
		"averaging":  {WithPaper()},
		"saturating": {WithAggregation(Saturate(2)), WithValidation(0.3)},
	} {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(4))...)
		require.NoError(t, err, name)
		blob, err := op.MarshalBinary()
		require.NoError(t, err, name)
		require.Equal(t, cap(blob), len(blob), "%s: sized at once", name)
		var loaded Operator
		require.NoError(t, loaded.UnmarshalBinary(blob), name)
		again, err := loaded.MarshalBinary()
		require.NoError(t, err, name)
		require.Equal(t, blob, again, name)
		require.Equal(t, op.Trees(), loaded.Trees(), name)
		require.Equal(t, op.LUT(), loaded.LUT(), name)
		require.Equal(t, op.Stats().String(), loaded.Stats().String(), name)
		want, got := tensor.NewMatrix[float32](300, 5), tensor.NewMatrix[float32](300, 5)
		require.NoError(t, op.Mul(want, a), name)
		require.NoError(t, loaded.Mul(got, a), name)
		require.Equal(t, want, got, name)
	}
	e, err := FitEncoder(background, a, WithCodebooks(3))
	require.NoError(t, err)
	blob, err := e.MarshalBinary()
	require.NoError(t, err)
	var loaded Encoder
	require.NoError(t, loaded.UnmarshalBinary(blob))
	require.Equal(t, e.Prototypes(), loaded.Prototypes())
	want, err := e.Bind(b)
	require.NoError(t, err)
	got, err := loaded.Bind(b)
	require.NoError(t, err)
	require.Equal(t, want.LUT(), got.LUT())
	var op Operator
	require.ErrorIs(t, op.UnmarshalBinary(blob), ErrFormat, "an encoder is no operator")
}

// No byte can be changed or lost unnoticed, and settings out of range are refused behind a good checksum.
func TestLoadRefuses(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	blob, err := op.MarshalBinary()
	require.NoError(t, err)
	refused := func(b []byte, text string) {
		t.Helper()
		loaded := *op
		err := loaded.UnmarshalBinary(b)
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, text)
		require.Same(t, op.lut, loaded.lut, "unchanged")
		require.Same(t, op.tables, loaded.tables, "unchanged")
	}
	for i := range blob {
		refused(blob[:i], "")
		bad := append([]byte(nil), blob...)
		bad[i] ^= 0x10
		refused(bad, "")
	}
	refused(append(append([]byte(nil), blob...), 0), "checksum")
	header := len(operatorMagic)
	patch := func(at int, v uint32) []byte {
		bad := append([]byte(nil), blob...)
		binary.LittleEndian.PutUint32(bad[at:], v)
		return seal(bad)
	}
	for _, c := range []struct {
		at   int
		v    uint32
		text string
	}{
		{0, 0, "0 columns"}, {0, math.MaxUint32, "columns"}, {0, 1, "trees: Dims"}, {4, 0, "0 outputs"}, {4, 3, "3 outputs"},
		{4, math.MaxUint32, "outputs"},
		{8, 0, "0 codebooks"}, {8, 1, "1 codebooks"}, {8, math.MaxUint32, "codebooks"}, {12, 1, "1 bits"}, {12, 9, "9 bits"},
		{16, 3, "aggregation 3"},
		{16, 1, "aggregation 1"}, {16, uint32(Average(4)), "aggregation 17"}, {20, 3, "grouping 3"},
		{24, math.MaxUint32, "settings"}, {28, 2, "flags 2"},
		{36, 1, "settings"}, {44, 0xfff80000, "ridge NaN"}, {44, 0xbff00000, "ridge -1"}, {44, 0x7ff00000, "ridge +Inf"},
		{headerBytes + 16, 99, "column 99"},
		{headerBytes + 32, math.Float32bits(float32(math.NaN())), "Thresholds[0][1] is NaN"},
		{len(blob) - header - 8, math.Float32bits(float32(math.Inf(1))), "LUT.Offset[1] = +Inf"},
		{headerBytes + 2*treeBytes, math.Float32bits(float32(math.Inf(-1))), "LUT.Table[0] = -Inf"},
	} {
		refused(patch(header+c.at, c.v), c.text)
	}
}

// An encoder's tables are prototypes of rows: others are refused before a matrix is bound to them.
func TestLoadRefusesEncoderOfOtherRows(t *testing.T) {
	var e Encoder
	for _, outputs := range []int{2, 4} {
		err := e.UnmarshalBinary(randomOperator(t, 1, 3, outputs, 2).marshal(encoderMagic))
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, "prototypes of")
	}
	require.NoError(t, e.UnmarshalBinary(randomOperator(t, 1, 3, 3, 2).marshal(encoderMagic)))
}

// seal replaces the last four bytes by the checksum of the others, which a fuzzer does not find.
func seal(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	body := append([]byte(nil), b[:len(b)-4]...)
	return binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

// Whatever is read as an operator works and is written back as it was.
func FuzzUnmarshalBinary(f *testing.F) {
	for _, op := range []*Operator{randomOperator(f, 1, 3, 2, 2),
		randomOperator(f, 2, 1, 1, 1, WithReLU(), WithLUTBits(4)),
		randomOperator(f, 3, 2, 3, 4, WithAggregation(Average(2)))} {
		blob, err := op.MarshalBinary()
		require.NoError(f, err)
		f.Add(blob)
	}
	small, err := randomOperator(f, 4, 3, 2, 2).MarshalServing()
	require.NoError(f, err)
	f.Add(small)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, data := range [][]byte{b, seal(b)} {
			var op Operator
			if op.UnmarshalBinary(data) != nil {
				continue
			}
			out, err := op.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, data, out)
			if op.Columns() < 1000 {
				require.NoError(t, op.Mul(tensor.NewMatrix[float32](3, op.Outputs()), tensor.NewMatrix[float32](3, op.Columns())))
			}
		}
	})
}

// Whatever is read as an encoder can be bound, and is written back as it was.
func FuzzUnmarshalEncoder(f *testing.F) {
	for _, op := range []*Operator{randomOperator(f, 1, 3, 3, 2), randomOperator(f, 2, 1, 2, 1)} {
		f.Add(op.marshal(encoderMagic))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, data := range [][]byte{b, seal(b)} {
			var e Encoder
			if e.UnmarshalBinary(data) != nil {
				continue
			}
			out, err := e.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, data, out)
			op, err := e.Bind(tensor.NewMatrix[float32](e.Stats().Columns, 2))
			require.NoError(t, err)
			require.NoError(t, op.Mul(tensor.NewMatrix[float32](3, 2), tensor.NewMatrix[float32](3, op.Columns())))
		}
	})
}

// FuzzMul holds products against the definition for any shape, aggregation, rounding and activation, and any bits of
// the rows.
func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint8(70), uint8(5), uint8(3), uint8(4), uint8(0), []byte{1, 2, 3})
	f.Add(uint64(2), uint8(130), uint8(1), uint8(40), uint8(67), uint8(1), []byte("\x00\x00\xc0\x7f\x00\x00\x80\xff"))
	f.Add(uint64(3), uint8(35), uint8(9), uint8(17), uint8(31), uint8(2), []byte{})
	f.Add(uint64(4), uint8(33), uint8(9), uint8(17), uint8(15), uint8(3+4*5), []byte{})
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, outputs, codebooks, kind uint8, bits []byte) {
		d, m, c := 1+int(columns)%30, 1+int(outputs)%20, 1+int(codebooks)%70
		opts := []TableOption{WithWorkers(1)}
		if kind&1 != 0 {
			opts = append(opts, WithReLU())
		}
		group := 1
		for group < 16 && c%(2*group) == 0 {
			group *= 2
		}
		switch kind >> 1 % 3 {
		case 0:
			opts = append(opts, WithLUTBits(2+int(kind>>3)%7))
		case 1:
			opts = append(opts, WithAggregation(Average(group)))
		case 2:
			opts = append(opts, WithAggregation(Saturate(group)))
		}
		a := randomRows(seed, int(rows)%140, d)
		for i := 0; i+4 <= len(bits) && i/4 < len(a.Data); i += 4 {
			a.Data[i/4] = math.Float32frombits(binary.LittleEndian.Uint32(bits[i:]))
		}
		op := randomOperator(t, seed, d, m, c, opts...)
		want := brute(op, a)
		dst, dstT := tensor.NewMatrix[float32](a.Rows, m), tensor.NewMatrix[float32](m, a.Rows)
		require.NoError(t, op.Mul(dst, a))
		require.True(t, slices.Equal(want.Data, dst.Data), "%v", op.Stats())
		require.NoError(t, op.MulT(dstT, a.Transposed()))
		require.True(t, slices.Equal(want.Transposed().Data, dstT.Data), "%v, transposed", op.Stats())
	})
}

// FuzzLookup holds the two halves of training in float32 against their definitions, for any shape: outputs are sums of
// entries, and the gradient of an entry is the sum over the rows that use it.
func FuzzLookup(f *testing.F) {
	f.Add(uint64(1), uint8(70), uint8(5), uint8(3), uint8(4))
	f.Add(uint64(2), uint8(0), uint8(1), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, outputs, codebooks uint8) {
		n, d, m, c := int(rows)%140, 1+int(columns)%30, 1+int(outputs)%20, 1+int(codebooks)%40
		op := randomOperator(t, seed, d, m, c)
		lut, a, dy := op.LUT(), randomRows(seed, n, d), tensor.NewMatrix[float32](n, m)
		for i, r := 0, tensor.Stream(seed); i < len(dy.Data); i++ {
			dy.Data[i] = float32(r.IntN(13)-6) * 0.5
		}
		var codes Codes
		require.NoError(t, op.Encode(&codes, a))
		y := tensor.NewMatrix[float32](n, m)
		require.NoError(t, lut.Lookup(y, &codes))
		require.NoError(t, lut.Grad(&codes, dy))
		grad := make([]float32, len(lut.Table.Data))
		for i := range n {
			for k := range m {
				want := lut.Offset.Data[k]
				for book := range c {
					at := (k*c+book)*16 + codes.At(i, book)
					want += lut.Table.Data[at]
					grad[at] += dy.At(i, k)
				}
				require.Equal(t, want, y.At(i, k))
			}
		}
		require.True(t, slices.Equal(grad, lut.Table.Grad))
	})
}
