package maddness

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func floats32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func matrix32(t golden.Tensor) tensor.Matrix[float32] {
	return tensor.Of(t.Shape[0], t.Shape[1], floats32(t.Data))
}

type learnGolden struct {
	Params struct{ N, D, Ntest, M, C int }
	XTrain golden.Tensor `json:"X_train"`
	XTest  golden.Tensor `json:"X_test"`
	W      golden.Tensor
	YExact golden.Tensor `json:"Y_exact"`
	Float  struct {
		Dims              golden.Tensor `json:"split_dims"`
		Vals              [][][]float64 `json:"split_vals"`
		CodesTrain        golden.Tensor `json:"codes_train"`
		CodesTest         golden.Tensor `json:"codes_test"`
		PrototypesInitial golden.Tensor `json:"prototypes_initial"`
		Prototypes        golden.Tensor
		LUTs              golden.Tensor `json:"luts"`
		LUTsU8            golden.Tensor `json:"luts_u8"`
		OffsetSum         float64       `json:"lut_offset_sum"`
		Scale             float64       `json:"lut_scale"`
		YFloat            golden.Tensor `json:"Y_float_lut"`
		YReference        golden.Tensor `json:"Y_reference"`
		NMSEFloat         float64       `json:"nmse_float_lut"`
		NMSEReference     float64       `json:"nmse_reference"`
	} `json:"float_thresholds"`
}

// The whole reference fit: columns and codes exactly, thresholds to 1e-5, prototypes and tables to 1e-4, outputs of
// float tables to 1e-3, errors to 1e-4.
func TestGoldenPaper(t *testing.T) {
	for _, file := range []string{"learn_a", "learn_b_nondivisible", "learn_c_c2"} {
		t.Run(file, func(t *testing.T) {
			var g learnGolden
			golden.JSON(t, "testdata/"+file+".json.gz", &g)
			want, c := g.Float, g.Params.C
			train, test, w := matrix32(g.XTrain), matrix32(g.XTest), matrix32(g.W)
			e, err := FitEncoder(background, train, WithPaper(), WithCodebooks(c))
			require.NoError(t, err)
			trees := e.Trees()
			for k := range c {
				for l := range 4 {
					require.Equal(t, int(want.Dims.Data[4*k+l]), trees.Dims[k][l], "codebook %d level %d", k, l)
					golden.Close(t, "thresholds", trees.Thresholds[k][1<<l:2<<l], want.Vals[k][l], 0, 1e-5)
				}
			}
			for _, part := range []struct {
				x    tensor.Matrix[float32]
				want golden.Tensor
			}{{train, want.CodesTrain}, {test, want.CodesTest}} {
				var codes Codes
				require.NoError(t, e.Encode(&codes, part.x))
				for i, v := range part.want.Data {
					require.Equal(t, int(v), codes.At(i/c, i%c), "row %d codebook %d", i/c, i%c)
				}
			}
			p, d := e.Prototypes().Table.Data, g.Params.D
			prototypes := make([]float32, len(p)) // [C, 16, D]
			for j := range d {
				for i := range 16 * c {
					prototypes[i*d+j] = p[j*16*c+i]
				}
			}
			golden.Close(t, "prototypes", prototypes, want.Prototypes.Data, 0, 1e-4)

			op, err := Fit(background, train, w, WithPaper(), WithCodebooks(c))
			require.NoError(t, err)
			require.Equal(t, trees, op.Trees())
			golden.Close(t, "luts", op.LUT().Table.Data, want.LUTs.Data, 0, 1e-4)
			y := tensor.NewMatrix[float32](test.Rows, w.Cols)
			var codes Codes
			require.NoError(t, op.Encode(&codes, test))
			require.NoError(t, op.LUT().Lookup(y, &codes))
			golden.Close(t, "float tables", y.Data, want.YFloat.Data, 0, 1e-3)
			require.InDelta(t, want.NMSEFloat, nmse(y.Data, g.YExact.Data), 1e-4)

			// The reference's rounding to 8 bits, averages and correction.
			r := roundUnsigned(op.lut, op.aggregation)
			for i, v := range want.LUTsU8.Data {
				exact := (want.LUTs.Data[i]-lowest(want.LUTs, i/16%c))*want.Scale + 0.5
				if math.Abs(exact-math.Round(exact)) > 1e-3 { // our tables are its to 1e-5
					require.Equal(t, uint8(v), r.unsigned[i], "entry %d", i)
				}
			}
			require.InEpsilon(t, 1/want.Scale, r.scale[0], 1e-6)
			require.NoError(t, op.Mul(y, test))
			golden.Close(t, "outputs", y.Data, want.YReference.Data, 0, 1e-4)
			require.InDelta(t, want.NMSEReference, nmse(y.Data, g.YExact.Data), 1e-4)
		})
	}
}

func lowest(luts golden.Tensor, c int) float64 {
	low, codebooks := math.Inf(1), luts.Shape[1]
	for i, v := range luts.Data {
		if i/16%codebooks == c {
			low = min(low, v)
		}
	}
	return low
}

func nmse[T ~float32 | ~float64](got []float32, want []T) float64 {
	mean, wrong, variance := 0.0, 0.0, 0.0
	for _, v := range want {
		mean += float64(v) / float64(len(want))
	}
	for i, v := range want {
		wrong += (float64(got[i]) - float64(v)) * (float64(got[i]) - float64(v))
		variance += (float64(v) - mean) * (float64(v) - mean)
	}
	return wrong / variance
}
