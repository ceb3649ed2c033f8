package crossval

import (
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

// BenchmarkStep is a step of stochastic gradient descent with Nesterov's momentum and weight decay on a bag of five
// instances of 166 features, the mean of MUSK1, with the gated attention of the benchmarks.
func BenchmarkStep(b *testing.B) {
	pool, err := NewPool("gated", 1)
	if err != nil {
		b.Fatal(err)
	}
	m, err := newModel(166, pool, Settings{Rate: 5e-4, Decay: 5e-3}, 1)
	if err != nil {
		b.Fatal(err)
	}
	bag, rng := tensor.NewMatrix[float32](5, 166), tensor.Stream(1)
	for i := range bag.Data {
		bag.Data[i] = float32(rng.NormFloat64())
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Step(bag, true); err != nil {
			b.Fatal(err)
		}
	}
}
