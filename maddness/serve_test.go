package maddness

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// An operator of floats takes the integers that stand for them: outputs are those of the floats.
func TestQuantized(t *testing.T) {
	a, b := layer(400, 12, 5)
	op, err := Fit(background, a, b, WithCodebooks(4))
	require.NoError(t, err)
	for _, c := range []struct {
		unit float32
		zero int
	}{{0.25, 0}, {0.125, 3}, {0.0625, -100}} {
		ints := IntsOf(400, 12, make([]int16, len(a.Data)))
		rows := tensor.NewMatrix[float32](400, 12)
		for i, v := range a.Data {
			ints.Data[i] = int16(math.Round(float64(v/c.unit))) + int16(c.zero)
			rows.Data[i] = c.unit * float32(int(ints.Data[i])-c.zero)
		}
		want, got := tensor.NewMatrix[float32](400, 5), tensor.NewMatrix[float32](400, 5)
		require.NoError(t, op.Mul(want, rows))
		quantized, err := op.Quantized(c.unit, c.zero)
		require.NoError(t, err)
		require.NoError(t, MulInts(quantized, got, ints))
		require.Equal(t, want, got)
		require.NoError(t, MulInts(op, got, ints))
		require.NotEqual(t, want, got, "without it the integers are taken for the floats")
	}
	for _, unit := range []float32{0, -1, float32(math.NaN()), float32(math.Inf(1))} {
		_, err = op.Quantized(unit, 0)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = op.Quantized(1, 1<<15)
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestWorkersOfLoaded(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	three, err := op.WithWorkers(3)
	require.NoError(t, err)
	require.Equal(t, []int{0, 3}, []int{op.workers, three.workers})
	require.Equal(t, op.LUT(), three.LUT())
	_, err = op.WithWorkers(-1)
	require.ErrorIs(t, err, tensor.ErrRange)
}

// A NaN is refused by name, and nothing is written.
func TestMulChecked(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	a, dst, want := randomRows(1, 4, 3), tensor.NewMatrix[float32](4, 2), tensor.NewMatrix[float32](4, 2)
	require.NoError(t, op.MulChecked(dst, a))
	require.NoError(t, op.Mul(want, a))
	require.Equal(t, want, dst)
	require.NoError(t, op.MulChecked(tensor.NewMatrix[float32](0, 2), tensor.NewMatrix[float32](0, 3)))
	a.Set(2, 1, float32(math.NaN()))
	err := op.MulChecked(dst, a)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "a[2,1] is NaN")
	require.Equal(t, want, dst)
}

// The serving form gives the same outputs, is written again as it was, and its parts can be trained on.
func TestServingForm(t *testing.T) {
	for seed, opts := range [][]TableOption{nil, {WithReLU()}, {WithLUTBits(3)}} {
		op := randomOperator(t, uint64(seed), 7, 5, 6, opts...)
		small, err := op.MarshalServing()
		require.NoError(t, err)
		full, err := op.MarshalBinary()
		require.NoError(t, err)
		require.Less(t, len(small), len(full))
		var served Operator
		require.NoError(t, served.UnmarshalBinary(small))
		a := randomRows(3, 90, 7)
		want, got := tensor.NewMatrix[float32](90, 5), tensor.NewMatrix[float32](90, 5)
		require.NoError(t, op.Mul(want, a))
		require.NoError(t, served.Mul(got, a))
		require.Equal(t, want, got)
		again, err := served.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, small, again)
		changed, err := served.WithLUT(op.LUT())
		require.NoError(t, err)
		require.NoError(t, changed.Mul(got, a))
		require.Equal(t, want, got)
	}
	_, err := randomOperator(t, 1, 3, 2, 2, WithAggregation(Average(2))).MarshalServing()
	require.ErrorIs(t, err, tensor.ErrConflict)
}

// No byte can be changed or lost unnoticed, and what is out of range is refused behind a good checksum.
func TestServingFormRefuses(t *testing.T) {
	blob, err := randomOperator(t, 1, 3, 2, 2, WithLUTBits(4)).MarshalServing()
	require.NoError(t, err)
	var op Operator
	for i := range blob {
		require.ErrorIs(t, op.UnmarshalBinary(blob[:i]), ErrFormat)
		bad := append([]byte(nil), blob...)
		bad[i] ^= 0x10
		require.ErrorIs(t, op.UnmarshalBinary(bad), ErrFormat)
	}
	header := len(servingMagic)
	scales := servingHeaderBytes + 2*(treeBytes-8)
	for _, c := range []struct {
		at   int
		v    uint32
		text string
	}{
		{0, 0, "0 columns"}, {0, 1, "trees: Dims"}, {4, math.MaxUint32, "outputs"}, {8, 0, "0 codebooks"},
		{8, math.MaxUint32, "codebooks"}, {12, 1, "1 bits"}, {12, 9, "9 bits"}, {16, 2, "flags 2"},
		{scales, math.Float32bits(-1), "scale 0 is -1"}, {scales + 4, 0x7f800000, ""}, {scales, 0x7fc00000, ""},
		{scales + 8, 0x7f800000, "LUT.Offset[0] = +Inf"}, {scales + 16, 0x80, "table entry 0 is -128, with 4 bits"},
	} {
		bad := append([]byte(nil), blob...)
		binary.LittleEndian.PutUint32(bad[header+c.at:], c.v)
		err := op.UnmarshalBinary(seal(bad))
		require.ErrorIs(t, err, ErrFormat, "%+v", c)
		require.ErrorContains(t, err, c.text)
	}
}
