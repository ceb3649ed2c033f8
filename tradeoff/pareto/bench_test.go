package pareto

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/tradeoff"
)

// randomPoints has n points; those on a sphere are all on the frontier.
func randomPoints(seed uint64, n, d int, sphere bool) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, uint64(d)))
	points := make([][]float64, n)
	for i := range points {
		norm := 0.0
		for range d {
			v := rng.ExpFloat64()
			points[i] = append(points[i], v)
			norm += v
		}
		for k := range points[i] {
			if sphere { // on a simplex, where none dominates another
				points[i][k] /= norm
			} else {
				points[i][k] = rng.Float64()
			}
		}
	}
	return points
}

func BenchmarkFrontier(b *testing.B) {
	for _, k := range []struct {
		n, d  int
		front bool
	}{{10_000, 2, false}, {10_000, 2, true}, {10_000, 3, false}, {10_000, 3, true}, {2_000, 4, true}} {
		name := fmt.Sprintf("%d objectives/some of %d on it", k.d, k.n)
		if k.front {
			name = fmt.Sprintf("%d objectives/all of %d on it", k.d, k.n)
		}
		points, directions := randomPoints(1, k.n, k.d, k.front), smallest(k.d)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Frontier(points, directions); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRanks(b *testing.B) {
	for _, d := range []int{2, 3} {
		points := randomPoints(2, 2_000, d, false)
		b.Run(fmt.Sprint(d, " objectives"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Ranks(points, smallest(d)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Every point on a frontier of its own.
func BenchmarkRanksOfChain(b *testing.B) {
	for _, d := range []int{2, 3, 4} {
		points := make([][]float64, 10_000)
		for i := range points {
			for range d {
				points[i] = append(points[i], float64(i*7919%10_000))
			}
		}
		b.Run(fmt.Sprint(d, " objectives"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Ranks(points, smallest(d)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkContributions(b *testing.B) {
	for _, k := range [][2]int{{2, 10_000}, {3, 1_000}, {4, 50}} {
		d, n := k[0], k[1]
		points := randomPoints(3, n, d, true)
		ref := make([]float64, d)
		for i := range ref {
			ref[i] = 1
		}
		b.Run(fmt.Sprintf("%d objectives/%d", d, n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Contributions(points, ref, smallest(d)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHypervolumeOfFrontier(b *testing.B) {
	for _, k := range [][2]int{{2, 10_000}, {3, 10_000}, {4, 500}, {5, 50}} {
		d, n := k[0], k[1]
		points := randomPoints(4, n, d, true)
		ref := make([]float64, d)
		for i := range ref {
			ref[i] = 1
		}
		b.Run(fmt.Sprintf("%d objectives/%d", d, n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Hypervolume(points, ref, smallest(d)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerdicts(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 6))
	methods := make([]Measured, 10)
	for i := range methods {
		for range 5 {
			methods[i].Cost = append(methods[i].Cost, rng.NormFloat64())
			methods[i].Quality = append(methods[i].Quality, rng.NormFloat64())
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verdicts(methods, tradeoff.HigherBetter); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/replicate")
}
