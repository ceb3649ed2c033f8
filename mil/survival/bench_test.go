package survival

import (
	"fmt"
	"math"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// cohort is n lifetimes of p columns, in days if whole and else without ties.
func cohort(n, p int, whole bool) ([]stats.Lifetime, tensor.Matrix[float64]) {
	rng := tensor.Stream(1, uint64(n))
	x := tensor.NewMatrix[float64](n, p)
	effect := []float64{0.5, -0.3, 0.2, 0, 0.1}
	times := make([]stats.Lifetime, n)
	for i := range times {
		eta := 0.0
		for j := range x.Row(i) {
			x.Row(i)[j] = rng.NormFloat64()
			eta += effect[j%len(effect)] * x.Row(i)[j]
		}
		t, end := rng.ExpFloat64()*math.Exp(-eta), 0.55+0.82*rng.Float64()
		if whole {
			t, end = math.Ceil(365*t), math.Ceil(365*end)
		}
		times[i] = stats.Lifetime{Time: min(t, end), Event: t <= end}
	}
	return times, x
}

func BenchmarkFitCox(b *testing.B) {
	for _, size := range []struct{ n, p int }{{5000, 5}, {100_000, 5}, {5000, 50}} {
		for name, whole := range map[string]bool{"days": true, "untied": false} {
			times, x := cohort(size.n, size.p, whole)
			b.Run(fmt.Sprintf("n=%d/p=%d/%s", size.n, size.p, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := FitCox(times, x); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(size.n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}

func BenchmarkConcord(b *testing.B) {
	times, x := cohort(5000, 1, false)
	risk := make([]float64, len(times))
	for i := range risk {
		risk[i] = x.Row(i)[0]
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Concord(times, risk); err != nil {
			b.Fatal(err)
		}
	}
}
