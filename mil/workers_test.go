package mil_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// Sums over blocks of bags, results and gradients, have the same bits for any number of goroutines.
func TestSameBitsForAnyNumberOfWorkers(t *testing.T) {
	defer sharing.Everything()()
	rng := tensor.Stream(1)
	bags := mil.Bags[float32]{Offsets: []int{0}}
	for rows := 0; rows < 9000; rows = bags.Offsets[len(bags.Offsets)-1] {
		bags.Offsets = append(bags.Offsets, rows+rng.IntN(200))
	}
	bags.X = tensor.NewMatrix[float32](bags.Offsets[len(bags.Offsets)-1], 6)
	for i := range bags.X.Data {
		bags.X.Data[i] = float32(rng.NormFloat64())
	}
	poolers := map[string]func() (mil.Pooler[float32], error){
		"mean":      func() (mil.Pooler[float32], error) { return mil.NewPool[float32](mil.Mean()) },
		"max":       func() (mil.Pooler[float32], error) { return mil.NewPool[float32](mil.Max()) },
		"auto":      func() (mil.Pooler[float32], error) { return mil.NewPool[float32](mil.AutoPool(1)) },
		"quantile":  func() (mil.Pooler[float32], error) { return mil.NewPool[float32](mil.Quantile(0.5)) },
		"attention": func() (mil.Pooler[float32], error) { return mil.NewAttention[float32](6, 4, mil.WithGate()) },
		"DSMIL":     func() (mil.Pooler[float32], error) { return mil.NewDSMIL[float32](6, 4) },
	}
	for name, pooler := range poolers {
		var want []float32
		for _, workers := range []int{1, 2, 5} {
			p, err := pooler()
			require.NoError(t, err)
			out, err := p.OutDim(6)
			require.NoError(t, err)
			tape := mil.Tape[float32]{Workers: workers}
			y, dx := tensor.NewMatrix[float32](bags.Len(), out), tensor.NewMatrix[float32](bags.X.Rows, 6)
			require.NoError(t, p.Forward(y, bags, &tape))
			require.NoError(t, p.Backward(dx, y, &tape))
			got := append(append([]float32(nil), y.Data...), dx.Data...)
			for _, q := range p.Params() {
				got = append(got, q.Grad...)
			}
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "%s with %d workers", name, workers)
		}
	}
}
