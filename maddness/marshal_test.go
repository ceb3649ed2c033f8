package maddness

import (
	"encoding"
	"encoding/binary"
	"hash/crc32"
	"math"
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
		{36, 1, "settings"}, {44, 0xfff80000, "ridge NaN"}, {44, 0xbff00000, "ridge -1"}, {44, 0x7ff00000, "ridge +Inf"}, {headerBytes + 16, 99, "column 99"},
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

// FuzzMul holds products against the definition for any shape and any bits of the rows.
func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint8(70), uint8(5), uint8(3), uint8(4), []byte{1, 2, 3})
	f.Add(uint64(2), uint8(130), uint8(1), uint8(40), uint8(67), []byte("\x00\x00\xc0\x7f\x00\x00\x80\xff"))
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, outputs, codebooks uint8, bits []byte) {
		d, m, c := 1+int(columns)%30, 1+int(outputs)%50, 1+int(codebooks)%70
		a := randomRows(seed, int(rows), d)
		for i := 0; i+4 <= len(bits) && i/4 < len(a.Data); i += 4 {
			a.Data[i/4] = math.Float32frombits(binary.LittleEndian.Uint32(bits[i:]))
		}
		testProducts(t, randomOperator(t, seed, d, m, c), int(rows))
		op := randomOperator(t, seed, d, m, c)
		dst := tensor.NewMatrix[float32](a.Rows, m)
		require.NoError(t, op.Mul(dst, a))
		require.Equal(t, brute(op, a).Data, dst.Data)
		dstT := tensor.NewMatrix[float32](m, a.Rows)
		require.NoError(t, op.MulT(dstT, a.Transposed()))
		require.Equal(t, brute(op, a).Transposed().Data, dstT.Data)
	})
}
