package maddness

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// randomOperator has trees and tables of noise; some nodes never go right.
func randomOperator(tb testing.TB, seed uint64, columns, outputs, codebooks int, opts ...TableOption) *Operator {
	tb.Helper()
	r := tensor.Stream(seed, uint64(columns), uint64(outputs), uint64(codebooks))
	trees, lut := Trees{make([][4]int, codebooks), make([][16]float32, codebooks)}, NewLUT(outputs, codebooks)
	for c := range codebooks {
		for l := range 4 {
			trees.Dims[c][l] = r.IntN(columns)
		}
		for i := 1; i < 16; i++ {
			trees.Thresholds[c][i] = float32(r.IntN(9)-4) * 0.5
			if r.IntN(8) == 0 {
				trees.Thresholds[c][i] = float32(math.Inf(1))
			}
		}
	}
	for _, p := range lut.Params() {
		for i := range p.Data {
			p.Data[i] = float32(r.NormFloat64())
		}
	}
	op, err := New(columns, trees, lut, opts...)
	require.NoError(tb, err)
	return op
}

// randomRows are multiples of a half, so that they often equal thresholds, with infinities and NaN among them.
func randomRows(seed uint64, rows, columns int) tensor.Matrix[float32] {
	r := tensor.Stream(seed, uint64(rows), uint64(columns))
	x := tensor.NewMatrix[float32](rows, columns)
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1))}
	for i := range x.Data {
		x.Data[i] = float32(r.IntN(13)-6) * 0.5
		if r.IntN(50) == 0 {
			x.Data[i] = special[r.IntN(4)]
		}
	}
	return x
}

// brute is what the operator computes, by definition.
func brute(o *Operator, a tensor.Matrix[float32]) tensor.Matrix[float32] {
	y := tensor.NewMatrix[float32](a.Rows, o.outputs)
	signed := o.aggregation == Exact
	r := roundSigned(o.lut, o.bits)
	if !signed {
		r = roundUnsigned(o.lut, o.aggregation)
	}
	for n := range a.Rows {
		for m := range o.outputs {
			sum, u := 0, max(o.aggregation.group(), 1)
			for first := 0; first < o.codebooks; first += u {
				var group []int
				for c := first; c < first+u; c++ {
					at := (m*o.codebooks+c)*16 + o.trees.Code(c, a.Row(n))
					if signed {
						group = append(group, int(r.signed[at]))
					} else {
						group = append(group, int(r.unsigned[at]))
					}
				}
				switch o.aggregation.kind() {
				case averaging:
					for len(group) > 1 {
						for i := range len(group) / 2 {
							group[i] = (group[2*i] + group[2*i+1] + 1) >> 1
						}
						group = group[:len(group)/2]
					}
					sum += u * group[0]
				case saturating:
					total := 0
					for _, v := range group {
						total += v
					}
					sum += min(total, 255)
				default:
					sum += group[0]
				}
			}
			v := mulAdd(float32(sum), r.scale[m], r.offset[m])
			if o.relu {
				v = max(v, 0)
			}
			y.Set(n, m, v)
		}
	}
	return y
}

// mulAdd is x*y + z rounded once.
func mulAdd(x, y, z float32) float32 {
	p := new(big.Float).SetPrec(1000).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
	v, _ := p.Add(p, big.NewFloat(float64(z))).Float32()
	return v
}

// strided copies m into a wider matrix.
func strided(m tensor.Matrix[float32], pad int) tensor.Matrix[float32] {
	w := tensor.NewMatrix[float32](m.Rows, m.Cols+pad)
	for i := range w.Data {
		w.Data[i] = 77
	}
	v := w.Slice(0, m.Rows, 0, m.Cols)
	if m.Cols == 0 {
		return v
	}
	for i := range m.Rows {
		copy(v.Row(i), m.Row(i))
	}
	return v
}

func packedRows(m tensor.Matrix[float32]) []float32 {
	all := []float32{}
	for i := range m.Rows {
		if m.Cols == 0 {
			break
		}
		all = append(all, m.Row(i)...)
	}
	return all
}

func rounded8(v, unit float32) int8 {
	return int8(max(-128, min(127, math.RoundToEven(float64(v*(1/unit))))))
}

// Every product is the brute-force one to the bit: any rows, columns, codebooks and outputs, any layout and stride,
// floats, integers and codes, all epilogues and aggregations.
func TestProductsAreBruteForce(t *testing.T) {
	type shape struct{ rows, columns, outputs, codebooks int }
	var shapes []shape
	for rows := 0; rows <= 130; rows += 1 + rows/9 {
		shapes = append(shapes, shape{rows, 1 + rows%7, 1 + rows%11, 1 + rows%9})
	}
	for _, c := range []int{1, 2, 3, 4, 5, 12, 16, 31, 33, 64, 67} {
		shapes = append(shapes, shape{70, 9, 1 + c%6, c})
	}
	for _, m := range []int{1, 2, 3, 4, 5, 8, 12, 13, 31, 32, 33, 100} {
		shapes = append(shapes, shape{65, 3, m, 6})
	}
	for _, s := range shapes {
		for _, opts := range [][]TableOption{nil, {WithReLU()}, {WithLUTBits(4)}, {WithAggregation(Average(1))},
			{WithAggregation(Saturate(s.codebooks)), WithReLU()}} {
			testProducts(t, randomOperator(t, 1, s.columns, s.outputs, s.codebooks, opts...), s.rows)
		}
	}
	for _, u := range []int{2, 4, 16} {
		testProducts(t, randomOperator(t, 2, 5, 7, 32, WithAggregation(Average(u))), 129)
		testProducts(t, randomOperator(t, 2, 5, 7, 32, WithAggregation(Saturate(u))), 129)
	}
}

func testProducts(t *testing.T, op *Operator, rows int) {
	t.Helper()
	name := fmt.Sprintf("%d rows of %d, %d outputs, %d codebooks, %v, relu %v",
		rows, op.columns, op.outputs, op.codebooks, op.aggregation, op.relu)
	a := randomRows(5, rows, op.columns)
	want := brute(op, a)
	wantT := want.Transposed()

	dst := strided(tensor.NewMatrix[float32](rows, op.outputs), 3)
	require.NoError(t, op.Mul(dst, strided(a, 2)), name)
	require.Equal(t, packedRows(want), packedRows(dst), name)
	dstT := strided(tensor.NewMatrix[float32](op.outputs, rows), 5)
	require.NoError(t, op.MulT(dstT, strided(a.Transposed(), 1)), name)
	require.Equal(t, packedRows(wantT), packedRows(dstT), name)
	for _, w := range []tensor.Matrix[float32]{dst, dstT} { // nothing beside it is written
		for i := range w.Rows - 1 {
			if w.Cols == 0 {
				break
			}
			for _, v := range w.Data[i*w.Stride+w.Cols : (i+1)*w.Stride] {
				require.Equal(t, float32(77), v, name)
			}
		}
	}

	var codes, codesT Codes
	for lo := 0; lo < rows; { // in pieces that are no multiples of a block
		hi := min(rows, lo+1+lo%50)
		require.NoError(t, op.Encode(&codes, a.Slice(lo, hi, 0, a.Cols)), name)
		lo = hi
	}
	require.NoError(t, op.EncodeT(&codesT, a.Transposed()), name)
	require.Equal(t, rows, codes.Rows())
	for n := range rows {
		for c := range op.codebooks {
			require.Equal(t, op.trees.Code(c, a.Row(n)), codes.At(n, c), name)
			require.Equal(t, codes.At(n, c), codesT.At(n, c), name)
		}
	}
	clear(dst.Data)
	require.NoError(t, op.Lookup(dst, &codes), name)
	require.Equal(t, packedRows(want), packedRows(dst), name)
	clear(dstT.Data)
	require.NoError(t, op.LookupT(dstT, &codesT), name)
	require.Equal(t, packedRows(wantT), packedRows(dstT), name)

	plain := *op
	plain.relu = false
	logits, index := brute(&plain, a), make([]int32, rows)
	for _, f := range []func() error{func() error { return op.ArgMax(index, a) },
		func() error { return op.ArgMaxT(index, a.Transposed()) }, func() error { return op.LookupArgMax(index, &codes) }} {
		for i := range index {
			index[i] = -1
		}
		require.NoError(t, f(), name)
		for n := range rows {
			require.Equal(t, int32(tensor.ArgMax(logits.Row(n))), index[n], name)
		}
	}

	const unit = 0.03
	small, smallT := IntsOf(rows, op.outputs, make([]int8, rows*op.outputs)),
		IntsOf(op.outputs, rows, make([]int8, rows*op.outputs))
	check := func(err error) {
		require.NoError(t, err, name)
		for n := range rows {
			for m := range op.outputs {
				require.Equal(t, rounded8(want.At(n, m), unit), small.Data[n*op.outputs+m], name)
				require.Equal(t, small.Data[n*op.outputs+m], smallT.Data[m*rows+n], name)
			}
		}
		clear(small.Data)
		clear(smallT.Data)
	}
	require.NoError(t, op.MulInt8T(smallT, a.Transposed(), unit))
	check(op.MulInt8(small, a, unit))
	require.NoError(t, op.LookupInt8T(smallT, &codes, unit))
	check(op.LookupInt8(small, &codes, unit))

	testInts[int8](t, op, rows, name)
	testInts[uint8](t, op, rows, name)
	testInts[int16](t, op, rows, name)
}

func testInts[T Integer](t *testing.T, op *Operator, rows int, name string) {
	t.Helper()
	a, aT := Ints[T]{rows, op.columns, op.columns + 1, make([]T, rows*(op.columns+1))},
		IntsOf(op.columns, rows, make([]T, rows*op.columns))
	x := tensor.NewMatrix[float32](rows, op.columns)
	r := tensor.Stream(9, uint64(rows))
	for i := range rows {
		for j := range op.columns {
			v := T(r.IntN(9) - 4)
			if r.IntN(6) == 0 {
				v = T(r.Uint32())
			}
			a.Data[i*a.Stride+j], aT.Data[j*rows+i] = v, v
			x.Set(i, j, float32(v))
		}
	}
	want := brute(op, x)
	dst, dstT := tensor.NewMatrix[float32](rows, op.outputs), tensor.NewMatrix[float32](op.outputs, rows)
	require.NoError(t, MulInts(op, dst, a), name)
	require.Equal(t, want.Data, dst.Data, "%T %s", *new(T), name)
	require.NoError(t, MulIntsT(op, dstT, aT), name)
	require.Equal(t, want.Transposed().Data, dstT.Data, "%T %s", *new(T), name)
	var codes, codesT Codes
	require.NoError(t, EncodeInts(op, &codes, a), name)
	require.NoError(t, EncodeIntsT(op, &codesT, aT), name)
	for _, c := range []*Codes{&codes, &codesT} {
		clear(dst.Data)
		require.NoError(t, op.Lookup(dst, c), name)
		require.Equal(t, want.Data, dst.Data, "%T %s", *new(T), name)
	}
}

// The same bits for any number of goroutines, and for rows by themselves.
func TestWorkersAndSplits(t *testing.T) {
	defer sharing.Everything()()
	one := randomOperator(t, 3, 20, 37, 18, WithWorkers(1))
	many := randomOperator(t, 3, 20, 37, 18, WithWorkers(7))
	a := randomRows(4, 5000, 20)
	want, got := tensor.NewMatrix[float32](a.Rows, 37), tensor.NewMatrix[float32](a.Rows, 37)
	require.NoError(t, one.Mul(want, a))
	require.NoError(t, many.Mul(got, a))
	require.Equal(t, want.Data, got.Data)
	across := tensor.NewMatrix[float32](37, a.Rows)
	require.NoError(t, many.MulT(across, a.Transposed()))
	require.Equal(t, want.Data, across.Transposed().Data)
	for lo := 0; lo < a.Rows; lo += 333 {
		hi := min(lo+333, a.Rows)
		require.NoError(t, one.Mul(got.Slice(lo, hi, 0, 37), a.Slice(lo, hi, 0, 20)))
	}
	require.Equal(t, want.Data, got.Data)
}

// Operators are safe for concurrent use; the race detector looks on.
func TestConcurrentUse(t *testing.T) {
	op := randomOperator(t, 5, 8, 5, 6)
	a := randomRows(6, 300, 8)
	want := brute(op, a)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dst, index := tensor.NewMatrix[float32](300, 5), make([]int32, 300)
			var codes Codes
			for range 5 {
				if op.Mul(dst, a) != nil || op.ArgMax(index, a) != nil || op.Encode(&codes, a) != nil ||
					!bytes.Equal(asBytes(dst.Data), asBytes(want.Data)) {
					t.Error("wrong beside other goroutines")
				}
				codes.Reset()
			}
		})
	}
	wg.Wait()
}

func asBytes(x []float32) []byte { return appendFloats(nil, x) }

func TestProductsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	op := randomOperator(t, 7, 16, 12, 8)
	a, rows := randomRows(8, 500, 16), 500
	aT, dst, dstT := a.Transposed(), tensor.NewMatrix[float32](rows, 12), tensor.NewMatrix[float32](12, rows)
	index, small, quantised := make([]int32, rows), IntsOf(rows, 12, make([]int8, rows*12)),
		IntsOf(rows, 16, make([]uint8, rows*16))
	var codes Codes
	indices := make([]int32, 2*rows)
	for name, f := range map[string]func() error{
		"Mul":     func() error { return op.Mul(dst, a) },
		"MulT":    func() error { return op.MulT(dstT, aT) },
		"ArgMax":  func() error { return op.ArgMax(index, a) },
		"MulInt8": func() error { return op.MulInt8(small, a, 0.1) },
		"MulInts": func() error { return MulInts(op, dst, quantised) },
		"stream": func() error {
			codes.Reset()
			if err := op.Encode(&codes, a); err != nil {
				return err
			}
			if err := op.EncodeT(&codes, aT); err != nil { // after rows that are no multiple of a block
				return err
			}
			return op.LookupArgMax(indices, &codes)
		},
	} {
		require.NoError(t, f(), name)
		require.Zero(t, testing.AllocsPerRun(20, func() { _ = f() }), name)
	}
	large := randomRows(9, 20000, 16) // enough for several goroutines
	out := tensor.NewMatrix[float32](large.Rows, 12)
	require.Zero(t, allocs.PerCall(func() { _ = op.Mul(out, large) }), "on all processors")
}

// What stays of a call that fails: nothing.
func TestProductsRefuse(t *testing.T) {
	op := randomOperator(t, 9, 4, 3, 2)
	m := tensor.NewMatrix[float32]
	buf := make([]float32, 100)
	other := &Codes{}
	require.NoError(t, randomOperator(t, 9, 4, 3, 5).Encode(other, m(2, 4)))
	ok := &Codes{}
	require.NoError(t, op.Encode(ok, m(2, 4)))
	i8 := func(r, c int) Ints[int8] { return IntsOf(r, c, make([]int8, r*c)) }
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"columns":        {op.Mul(m(2, 3), m(2, 5)), tensor.ErrShape, "rows of 5 columns, the operator was fitted to 4"},
		"columns of aT":  {op.MulT(m(3, 2), m(2, 4)), tensor.ErrShape, "rows of 2 columns"},
		"rows of dst":    {op.Mul(m(1, 3), m(2, 4)), tensor.ErrShape, "dst has 1 rows of 3 outputs, want 2 of 3"},
		"outputs of dst": {op.Mul(m(2, 4), m(2, 4)), tensor.ErrShape, "dst has 2 rows of 4 outputs"},
		"dst of MulT":    {op.MulT(m(2, 3), m(4, 2)), tensor.ErrShape, "dst has 3 rows of 2 outputs, want 2 of 3"},
		"malformed a": {op.Mul(m(2, 3), tensor.Matrix[float32]{Rows: 2, Cols: 4, Stride: 3, Data: buf}),
			tensor.ErrShape, "a: tensor: matrix is 2x4 with stride 3"},
		"malformed dst": {op.Mul(tensor.Matrix[float32]{Rows: 2, Cols: 3, Stride: 3, Data: buf[:4]}, m(2, 4)),
			tensor.ErrShape, "dst: tensor"},
		"overlap": {op.Mul(tensor.Of(2, 3, buf[6:12]), tensor.Of(2, 4, buf[:8])), tensor.ErrOverlap,
			"dst shares memory with a"},
		"overlap in columns": {op.Mul(tensor.Of(10, 10, buf).Slice(0, 10, 3, 6), tensor.Of(10, 10, buf).Slice(0, 10, 0, 4)),
			tensor.ErrOverlap, "dst"},
		"argmax":         {op.ArgMax(make([]int32, 3), m(2, 4)), tensor.ErrShape, "dst has 3 elements for 2 rows"},
		"argmax columns": {op.ArgMaxT(make([]int32, 2), m(2, 4)), tensor.ErrShape, "rows of 2 columns"},
		"unit":           {op.MulInt8(i8(2, 3), m(2, 4), 0), tensor.ErrRange, "unit is 0"},
		"unit NaN":       {op.MulInt8(i8(2, 3), m(2, 4), float32(math.NaN())), tensor.ErrRange, "unit is NaN"},
		"unit infinite":  {op.MulInt8T(i8(3, 2), m(4, 2), float32(math.Inf(1))), tensor.ErrRange, "unit is +Inf"},
		"int8 shape":     {op.MulInt8(i8(3, 2), m(2, 4), 1), tensor.ErrShape, "dst has 3 rows"},
		"malformed int8": {op.MulInt8(Ints[int8]{2, 3, 1, make([]int8, 9)}, m(2, 4), 1), tensor.ErrShape, "stride 1"},
		"ints columns":   {MulInts(op, m(2, 3), IntsOf(2, 5, make([]int16, 10))), tensor.ErrShape, "rows of 5 columns"},
		"malformed ints": {MulInts(op, m(2, 3), Ints[uint8]{-1, 4, 4, nil}), tensor.ErrShape, "negative dimension"},
		"short ints":     {MulIntsT(op, m(3, 2), Ints[uint8]{4, 2, 2, make([]uint8, 7)}), tensor.ErrShape, "7 elements"},
		"nil codes":      {op.Encode(nil, m(2, 4)), tensor.ErrEmpty, "codes are nil"},
		"nil codes in":   {op.Lookup(m(2, 3), nil), tensor.ErrEmpty, "codes are nil"},
		"encode columns": {op.Encode(&Codes{}, m(2, 5)), tensor.ErrShape, "rows of 5"},
		"codes of others": {op.Encode(other, m(2, 4)), tensor.ErrShape,
			"dst holds codes of 5 codebooks, the operator has 2"},
		"codes of others in": {op.Lookup(m(2, 3), other), tensor.ErrShape, "codes of 5 codebooks"},
		"rows of codes":      {op.Lookup(m(3, 3), ok), tensor.ErrShape, "dst has 3 rows"},
		"codes to argmax":    {op.LookupArgMax(make([]int32, 1), ok), tensor.ErrShape, "dst has 1 elements"},
		"codes to int8":      {op.LookupInt8(i8(2, 2), ok, 1), tensor.ErrShape, "dst has 2 rows of 2"},
	} {
		require.ErrorIs(t, c.err, c.want, name)
		require.ErrorContains(t, c.err, c.text, name)
		require.ErrorContains(t, c.err, "maddness: ", name)
	}
	var zero Operator
	var none Encoder
	require.ErrorIs(t, zero.Mul(m(5, 0), m(5, 0)), tensor.ErrEmpty)
	require.ErrorIs(t, none.Encode(&Codes{}, m(5, 0)), tensor.ErrEmpty)
	_, err := none.Bind(m(0, 2))
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.Equal(t, 2, other.Rows(), "unchanged")
	for _, v := range buf {
		require.Zero(t, v, "nothing was written")
	}
	wide := tensor.Of(10, 10, buf) // different columns of one matrix do not overlap
	require.NoError(t, op.Mul(wide.Slice(0, 10, 4, 7), wide.Slice(0, 10, 0, 4)))
	require.PanicsWithError(t, "maddness: Codes.At(2, 0) of 2 rows and 2 codebooks: out of range", func() { ok.At(2, 0) })
	require.Panics(t, func() { IntsOf(2, 2, make([]int8, 3)) })
	require.Panics(t, func() { NewLUT(0, 1) })
}
