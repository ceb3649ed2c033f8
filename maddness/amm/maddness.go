package amm

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Maddness is an operator that can tell what it costs.
type Maddness struct{ *maddness.Operator }

// Cost is 4*C comparisons, C*M lookups and one multiplication per output for the scale.
func (o Maddness) Cost() Cost {
	return Cost{Multiplies: o.Outputs(), Compares: 4 * o.Codebooks(), Lookups: o.Codebooks() * o.Outputs()}
}

// FitMaddnessPQ is MADDNESS without its optimised prototypes, the paper's ablation: trees of the reference, the means
// of the training rows with a code as prototypes, each in its own columns, and averaged tables of 8 bits. Errors are
// those of maddness.Fit.
func FitMaddnessPQ(ctx context.Context, a, b tensor.Matrix[float32], codebooks int) (Maddness, error) {
	if err := checkPair(a, b); err != nil {
		return Maddness{}, err
	}
	e, err := maddness.FitEncoder(ctx, a, maddness.WithCodebooks(codebooks), maddness.WithPaper())
	if err != nil {
		return Maddness{}, fmt.Errorf("amm: %w", err)
	}
	var codes maddness.Codes
	if err := e.Encode(&codes, a); err != nil {
		return Maddness{}, fmt.Errorf("amm: %w", err)
	}
	lut := maddness.NewLUT(b.Cols, codebooks)
	for c, start := 0, 0; c < codebooks; c++ {
		end := start + a.Cols/codebooks
		if c < a.Cols%codebooks {
			end++
		}
		means := bucketMeans(a.Slice(0, a.Rows, start, end), &codes, c)
		products := tensor.NewMatrix[float32](16, b.Cols)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, means, rowsOf(b, start, end), 0, products)
		for m := range b.Cols {
			for k := range 16 {
				lut.Table.Data[(m*codebooks+c)*16+k] = products.At(k, m)
			}
		}
		start = end
	}
	u := saturation
	for codebooks%u != 0 {
		u /= 2
	}
	op, err := maddness.New(a.Cols, e.Trees(), lut, maddness.WithAggregation(maddness.Average(u)))
	if err != nil {
		return Maddness{}, fmt.Errorf("amm: %w", err)
	}
	return Maddness{op}, nil
}

// bucketMeans are the means of the rows with each code in codebook c, zero where there are none.
func bucketMeans(a tensor.Matrix[float32], codes *maddness.Codes, c int) tensor.Matrix[float32] {
	sums, rows := tensor.NewMatrix[float64](16, a.Cols), [16]float64{}
	for i := range a.Rows {
		k := codes.At(i, c)
		rows[k]++
		for j, v := range a.Row(i) {
			sums.Row(k)[j] += float64(v)
		}
	}
	means := tensor.NewMatrix[float32](16, a.Cols)
	for k, n := range rows {
		for j, s := range sums.Row(k) {
			means.Set(k, j, float32(s/max(n, 1)))
		}
	}
	return means
}
