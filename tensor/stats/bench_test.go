package stats

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkMean(b *testing.B) {
	x := make([]float64, 20)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for _, how := range []Interval{TInterval, Percentile, BCa, Studentized} {
		b.Run(how.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Mean(x, WithInterval(how), WithWorkers(1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMannWhitney(b *testing.B) {
	for _, n := range []int{6, 20, 50, 1000} {
		rng := rand.New(rand.NewPCG(5, uint64(n)))
		x, y := levels(rng, n, n), levels(rng, n, n)
		b.Run(fmt.Sprint("2x", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MannWhitney(x, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResampleCounts(b *testing.B) {
	x := make([]float64, 1000)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	b.Run("counts", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ResampleCounts(b.Context(), Units(len(x)), 1, func() func([]int32, []float64) {
				return func(counts []int32, out []float64) {
					out[0] = 0
					for i, n := range counts {
						out[0] += float64(n) * x[i]
					}
				}
			}, WithReplicates(1000), WithWorkers(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("indices", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Resample(b.Context(), Units(len(x)), 1, func() func([]int, []float64) {
				return func(drawn []int, out []float64) {
					out[0] = 0
					for _, i := range drawn {
						out[0] += x[i]
					}
				}
			}, WithReplicates(1000), WithWorkers(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPermutationTest(b *testing.B) {
	const n = 60
	labels, z := make([]int, n), make([]float64, n)
	for i := range labels {
		labels[i], z[i] = i%2, float64(i*7919%60)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := PermutationTest(b.Context(), labels, nil, meanApart(z, labels, nil), WithReplicates(999)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKendallTau(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	x, y := levels(rng, 100_000, 1000), levels(rng, 100_000, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := KendallTau(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
