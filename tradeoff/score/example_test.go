package score_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// A method on several tasks: the interquartile mean uses the middle half of all runs, and runs are drawn within each
// task.
func ExampleScores_Interval() {
	tasks := []string{"cifar", "imdb", "digits"}
	method, err := score.NewScores(tasks, [][]float64{
		{0.91, 0.93, 0.92, 0.90, 0.94}, {0.84, 0.88, 0.86, 0.85}, {0.97, 0.98, 0.98, 0.97, 0.96}})
	if err != nil {
		log.Fatal(err)
	}
	baseline, err := score.NewScores(tasks, [][]float64{
		{0.90, 0.91, 0.89, 0.90, 0.92}, {0.85, 0.86, 0.84, 0.87}, {0.95, 0.97, 0.96, 0.96, 0.95}})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range []score.Scores{method, baseline} {
		e, err := s.Interval(context.Background(), score.IQM, score.WithInterval(stats.WithSeed(1)))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("IQM %.3f [%.3f, %.3f]\n", e.Value, e.Lo, e.Hi)
	}
	better, err := score.ProbabilityOfImprovement(method, baseline, score.WithInterval(stats.WithSeed(1)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("better with probability %.2f [%.2f, %.2f]\n", better.Value, better.Lo, better.Hi)
	// Output:
	// IQM 0.926 [0.917, 0.934]
	// IQM 0.911 [0.905, 0.917]
	// better with probability 0.74 [0.55, 0.90]
}

// A statistic of one's own: the score on the worst task.
func ExampleNewStatistic() {
	worst := score.NewStatistic("worst task", func(byTask [][]float64) float64 {
		least := math.Inf(1)
		for _, runs := range byTask {
			mean := 0.0
			for _, v := range runs {
				mean += v / float64(len(runs))
			}
			least = min(least, mean)
		}
		return least
	})
	s, err := score.NewScores([]string{"a", "b"}, [][]float64{{0.9, 0.8, 0.85}, {0.6, 0.7, 0.5}})
	if err != nil {
		log.Fatal(err)
	}
	e, err := s.Interval(context.Background(), worst, score.WithInterval(stats.WithLevel(0.9)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(worst, e)
	fmt.Println(e.Warnings[0])
	// Output:
	// worst task 0.6 [0.5333, 0.6667] 90% percentile n=3*
	// percentile intervals of 3 runs of a task are up to 18% too narrow; run 5: too few values
}

// Three submissions on two workloads in three studies each: a score, how sure it is, and how often each comes first.
func ExampleTimeTable_BenchmarkScores() {
	workloads := []score.Workload{{Name: "resnet"}, {Name: "transformer"}}
	table, err := score.NewTimeTable([]string{"adam", "shampoo", "sgd"}, workloads, [][][]float64{
		{{100, 104, 98}, {200, 220, 190}},
		{{80, 85, 83}, {170, 210, 160}},
		{{95, 99, 97}, {math.Inf(1), 700, math.Inf(1)}}, // two studies did not reach the target
	})
	if err != nil {
		log.Fatal(err)
	}
	scores, err := table.BenchmarkScores(score.WithInterval(stats.WithSeed(1), stats.WithReplicates(2000)))
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range scores {
		fmt.Printf("%-8s %.2f [%.2f, %.2f] first in %.0f%%\n", s.Submission, s.Score.Value, s.Score.Lo, s.Score.Hi,
			100*s.First)
	}
	// Output:
	// adam     0.94 [0.90, 0.97] first in 0%
	// shampoo  1.00 [0.98, 1.00] first in 100%
	// sgd      0.47 [0.46, 0.56] first in 0%
}

// A submission to MLPerf may not converge faster than the reference does by chance, or its problem was easier.
func ExampleReferences_Review() {
	refs, err := score.NewReferences([]score.ReferencePoint{
		{Name: "small batch", BatchSize: 128, Epochs: []float64{16, 14, 16, 17, 16, 16, 15, 16, 15, 16}},
		{Name: "large batch", BatchSize: 256, Epochs: []float64{20, 21, 21, 20, 22, 22, 21, 21, 20, 20}},
	}, 5)
	if err != nil {
		log.Fatal(err)
	}
	for _, epochs := range [][]float64{{18, 18, 18, 19, 18}, {17, 17, 17, 16, 17}} {
		k, err := refs.Review(192, epochs)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.2f epochs, at least %.2f: %v, times scale by %.3f\n", k.Mean, k.Bound.Min, k.Pass, k.Scale)
	}
	// Output:
	// 18.00 epochs, at least 17.35: true, times scale by 1.014
	// 17.00 epochs, at least 17.35: false, times scale by 1.074
}

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
