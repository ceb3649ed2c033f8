package score

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/tensor/stats"
)

func randomScores(tb testing.TB, seed uint64, tasks, runs int) Scores {
	tb.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	names, byTask := make([]string, tasks), make([][]float64, tasks)
	for t := range names {
		names[t] = fmt.Sprint(t)
		for range runs {
			byTask[t] = append(byTask[t], rng.NormFloat64()+float64(t)/10)
		}
	}
	s, err := NewScores(names, byTask)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func BenchmarkScores(b *testing.B) {
	s := randomScores(b, 1, 26, 10)
	const replicates = 10_000
	for _, stat := range []Statistic{IQM, MeanScore, MedianScore, OptimalityGap(1)} {
		b.Run(stat.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Interval(b.Context(), stat, WithInterval(stats.WithWorkers(1))); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/replicates, "µs/replicate")
		})
	}
}

func BenchmarkProbabilityOfImprovement(b *testing.B) {
	x, y := randomScores(b, 1, 26, 10), randomScores(b, 2, 26, 10)
	const replicates = 10_000
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ProbabilityOfImprovement(x, y, WithInterval(stats.WithWorkers(1))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/replicates, "µs/replicate")
}
