package amm_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/maddness/maddnesstest"
	"github.com/espalier-ml/espalier/tensor"
)

// What each method is allowed on the kit's rows, which have 8 hidden dimensions of 64: at 8 dimensions or codebooks.
// 0 is anything.
var allowed = map[string]float64{
	"exact": 1e-12, "int8": 1e-3, "SVD of b": 0.5, "PCA": 0.12, "SVD of the rows": 0.11, "directions": 0.22,
	"PQ": 0.1, "Bolt": 0.5, "MaddnessPQ": 0.5, "Maddness, paper": 0.3, "Maddness": 0.15,
}

func TestKit(t *testing.T) {
	for _, m := range amm.Methods() {
		for _, size := range []int{1, 8, 13} {
			// 13 leaves a rest in every division: of columns among codebooks, and of codebooks in the kernels.
			if size != 8 && m.Size == amm.Fixed || size == 13 && m.Name != "Bolt" && m.Name != "MaddnessPQ" &&
				m.Name != "FastJL" {
				continue
			}
			if testing.Short() && m.Name == "Maddness" {
				continue // its many fits take a minute where every instruction is watched or emulated
			}
			t.Run(fmt.Sprint(m.Name, " ", size), func(t *testing.T) {
				opts := []maddnesstest.Option{maddnesstest.WithColumns(size)}
				if m.Whole {
					opts = append(opts, maddnesstest.WithWhole())
				}
				if bound := allowed[m.Name]; size == 8 && bound > 0 {
					opts = append(opts, maddnesstest.WithNMSE(bound))
				}
				if size == 8 && m.Name == "Maddness" {
					opts = append(opts, maddnesstest.WithLoad(func() maddnesstest.Loadable { return new(maddness.Operator) }))
				}
				maddnesstest.CheckApproximator(t, func(a, b tensor.Matrix[float32]) (amm.Approximator, error) {
					n := size
					if m.Name == "SVD of b" && min(b.Rows, b.Cols) > 0 {
						n = min(n, b.Rows, b.Cols)
					}
					return m.Fit(context.Background(), a, b, n, 5)
				}, opts...)
			})
		}
	}
}
