package score

import (
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// The size of AlgoPerf: eleven submissions, fourteen workloads, three studies.
func BenchmarkTimeTableScores(b *testing.B) {
	table := randomTable(b, rand.New(rand.NewPCG(7, 7)), 11, 14, 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.BenchmarkScores(WithInterval(stats.WithReplicates(2000))); err != nil {
			b.Fatal(err)
		}
	}
}
