package score_test

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// Scores as rliable reports them, and where they lie.
func ExampleScores() {
	s := must(score.NewScores([]string{"a", "b"}, [][]float64{{0.9, 0.8, 0.85}, {0.6, 0.7, 0.5}}))
	taus := []float64{0.55, 0.75}
	fmt.Println(s.Tasks(), s.Profile(taus), s.MeanProfile(taus))
	for _, stat := range []score.Statistic{score.MeanScore, score.MedianScore, score.OptimalityGap(1)} {
		e := must(s.Interval(context.Background(), stat, score.WithInterval(stats.WithReplicates(200))))
		fmt.Printf("%v %.3f\n", stat, e.Value)
	}
	// Output:
	// [a b] [0.8333333333333333 0.5] [1 0.5]
	// mean 0.725
	// median 0.725
	// optimality gap 0.275
}

// Bounds of MLPerf where four runs are left out at each end, by the text of its policy.
func ExampleNewReferences() {
	refs := must(score.NewReferences([]score.ReferencePoint{
		{Name: "small", BatchSize: 128, Epochs: []float64{16, 14, 16, 17, 16, 16, 15, 16, 15, 16}},
		{Name: "large", BatchSize: 256, Epochs: []float64{20, 21, 21, 20, 22, 22, 21, 21, 20, 20}},
	}, 9, score.WithTrim(3), score.WithTrimmedDeviation()))
	for _, p := range refs.Points() {
		fmt.Printf("%s: %.2f, %.3f\n", p.Name, p.Min, p.MaxSpeedup())
	}
	fmt.Println(len(refs.Pruned()))
	// Output:
	// small: 16.00, 1.000
	// large: 20.25, 1.025
	// 2
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
