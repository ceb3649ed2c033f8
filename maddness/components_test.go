package maddness

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Every part of the method by itself, against the reference's parts.
func TestGoldenComponents(t *testing.T) {
	var g struct {
		Bounds []struct {
			D, C     int
			StartEnd [][2]int `json:"start_end"`
		}
		OptimalSplit []struct {
			X      golden.Tensor
			ColSSE golden.Tensor `json:"col_sse"`
			Splits []struct {
				Dim             int
				Threshold, Loss float64
			}
		} `json:"optimal_split"`
		Aggregate []struct {
			C           int
			Codes, LUTs golden.Tensor
			Exact       golden.Tensor `json:"exact_sum"`
			Avg         map[string]golden.Tensor
		}
		QuantizeLUTs []struct {
			LUTs        golden.Tensor
			RefU8       golden.Tensor `json:"ref_u8"`
			OffsetSum   float64       `json:"ref_offset_sum"`
			Scale       float64       `json:"ref_scale"`
			PercolI8    golden.Tensor `json:"percol_i8"`
			PercolScale golden.Tensor `json:"percol_scale"`
			PercolBias  golden.Tensor `json:"percol_bias"`
		} `json:"quantize_luts"`
		Ridge []struct {
			Codes, Y, W golden.Tensor
			Lambda      float64 `json:"lambda_"`
		}
		EncodeTies struct {
			X, Dims, Codes golden.Tensor
			Thresholds     golden.Tensor `json:"thresholds_heap"`
		} `json:"encode_ties"`
	}
	golden.JSON(t, "testdata/components.json.gz", &g)

	for _, b := range g.Bounds {
		groups := contiguous(b.D, b.C)
		require.Len(t, groups, len(b.StartEnd))
		for c, want := range b.StartEnd {
			require.Equal(t, want, [2]int{groups[c][0], groups[c][len(groups[c])-1] + 1}, "D=%d C=%d codebook %d", b.D, b.C, c)
			require.Len(t, groups[c], want[1]-want[0])
		}
	}

	for _, s := range g.OptimalSplit {
		level := levelOf(matrix32(s.X))
		for j, want := range s.ColSSE.Data {
			require.InDelta(t, want, within(level, level.Columns.Row(j)), 1e-4)
		}
		for _, want := range s.Splits {
			level.Candidates = []int{want.Dim}
			got := Exhaustive{}.Split(level)
			require.InDelta(t, want.Threshold, got.Thresholds[0], 1e-6)
			require.InDelta(t, want.Loss, got.Loss, 1e-5*(1+want.Loss))
		}
	}

	for _, a := range g.Aggregate {
		rows, outputs := a.Codes.Shape[0], a.LUTs.Shape[0]
		codes := Codes{codebooks: a.C}
		codes.extend(rows)
		for i, v := range a.Codes.Data {
			kernel.SetCode(codes.packed, rows, a.C, i/a.C, i%a.C, int(v))
		}
		unsigned, signed := make([]uint8, len(a.LUTs.Data)), make([]int8, len(a.LUTs.Data))
		for i, v := range a.LUTs.Data {
			unsigned[i], signed[i] = uint8(v), int8(int(v)-128)
		}
		check := func(name string, want []float64, tables *kernel.Tables, offset float32) {
			op := &Operator{outputs: outputs, codebooks: a.C, tables: tables, scale: make([]float32, outputs),
				offset: make([]float32, outputs)}
			for m := range outputs {
				op.scale[m], op.offset[m] = 1, offset
			}
			y := tensor.NewMatrix[float32](rows, outputs)
			require.NoError(t, op.Lookup(y, &codes))
			require.Equal(t, floats32(want), y.Data, "C=%d %s", a.C, name)
		}
		check("exact", a.Exact.Data, kernel.NewTables(a.C, outputs, signed), float32(128*a.C))
		for u, want := range a.Avg {
			n, err := strconv.Atoi(u)
			require.NoError(t, err)
			excess := math.Floor(float64(a.C) / 4 * math.Log2(float64(n)))
			check(fmt.Sprintf("average %d", n), want.Data, kernel.NewAveraging(a.C, outputs, unsigned, n), float32(-excess))
		}
	}

	for _, q := range g.QuantizeLUTs {
		lut := NewLUT(q.LUTs.Shape[0], q.LUTs.Shape[1])
		copy(lut.Table.Data, floats32(q.LUTs.Data))
		ref := roundUnsigned(lut, Average(1))
		for i, v := range q.RefU8.Data {
			require.Equal(t, uint8(v), ref.unsigned[i])
		}
		require.InEpsilon(t, 1/q.Scale, ref.scale[0], 1e-6)
		require.InDelta(t, q.OffsetSum, ref.offset[0], 1e-5)
		own := roundSigned(lut, 8)
		for i, v := range q.PercolI8.Data {
			require.Equal(t, int8(v), own.signed[i])
		}
		golden.Close(t, "scale", own.scale, q.PercolScale.Data, 1e-6, 0)
		golden.Close(t, "offset", own.offset, q.PercolBias.Data, 1e-6, 1e-6)
	}

	for _, r := range g.Ridge {
		n, c := r.Codes.Shape[0], r.Codes.Shape[1]
		codes := make([][]uint8, c)
		for k := range codes {
			for i := range n {
				codes[k] = append(codes[k], uint8(r.Codes.Data[i*c+k]))
			}
		}
		leaves, err := ridge(2, codes, tensor.Of(n, r.Y.Shape[1], r.Y.Data), r.Lambda)
		require.NoError(t, err)
		golden.Close(t, "ridge", leaves.Data, r.W.Data, 0, 1e-9)
	}

	e := g.EncodeTies
	trees := Trees{make([][4]int, 3), make([][16]float32, 3)}
	for i, v := range e.Dims.Data {
		trees.Dims[i/4][i%4] = int(v)
	}
	for i, v := range e.Thresholds.Data {
		trees.Thresholds[i/16][i%16] = float32(v)
	}
	x := matrix32(e.X)
	op, err := New(x.Cols, trees, NewLUT(1, 3))
	require.NoError(t, err)
	var codes Codes
	require.NoError(t, op.Encode(&codes, x))
	for i, v := range e.Codes.Data {
		require.Equal(t, int(v), codes.At(i/3, i%3))
		require.Equal(t, int(v), trees.Code(i%3, x.Row(i/3)))
	}
}

// levelOf is the root of a tree over the rows of x, whose metric is the rows themselves.
func levelOf(x tensor.Matrix[float32]) *Level {
	level := &Level{Columns: x.Transposed(), Metric: tensor.Convert[float64](x), Bucket: make([]uint8, x.Rows), Buckets: 1}
	centre(level.Metric)
	for j := range x.Cols {
		level.Candidates = append(level.Candidates, j)
	}
	return level
}
