package tradeoff_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Epochs until convergence, which tie often. The distribution of U is exact, ties included.
func ExampleFormatDelta() {
	old := []float64{41, 42, 42, 43, 44, 45}
	new := []float64{39, 40, 40, 41, 41, 42}
	u, err := stats.MannWhitney(old, new)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tradeoff.FormatDelta(42.5, 40.5, u.P), u)
	// Output: -4.71% p=0.022 n=6
}

// A method that is faster may not be worse. It is not enough that no difference was found: the test must show that
// there is none beyond the margin.
func ExampleNonInferior() {
	accuracies := func(name string, best ...float64) tradeoff.Runs {
		r := tradeoff.Runs{Name: name}
		for _, q := range best {
			c, err := tradeoff.NewCurve([]float64{1}, []float64{q}, tradeoff.HigherBetter)
			if err != nil {
				log.Fatal(err)
			}
			r.Curves = append(r.Curves, c)
		}
		return r
	}
	baseline, pruned := accuracies("baseline", 76.1, 76.4, 76.2, 76.3), accuracies("pruned", 76.0, 76.3, 76.2, 76.0)
	for _, margin := range []float64{0.1, 0.5} {
		n, err := tradeoff.NonInferior(baseline, pruned, margin)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.NonInferior(), n)
	}
	// Output:
	// false worse by at most 0.318 (95% bound), non-inferior p=0.595
	// true worse by at most 0.318 (95% bound), non-inferior p=0.005
}

// A method on several tasks: the interquartile mean uses the middle half of all runs, and runs are drawn within each
// task.
func ExampleScores_Interval() {
	tasks := []string{"cifar", "imdb", "digits"}
	method, err := tradeoff.NewScores(tasks, [][]float64{
		{0.91, 0.93, 0.92, 0.90, 0.94}, {0.84, 0.88, 0.86, 0.85}, {0.97, 0.98, 0.98, 0.97, 0.96}})
	if err != nil {
		log.Fatal(err)
	}
	baseline, err := tradeoff.NewScores(tasks, [][]float64{
		{0.90, 0.91, 0.89, 0.90, 0.92}, {0.85, 0.86, 0.84, 0.87}, {0.95, 0.97, 0.96, 0.96, 0.95}})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range []tradeoff.Scores{method, baseline} {
		e, err := s.Interval(context.Background(), tradeoff.IQM, tradeoff.WithInterval(stats.WithSeed(1)))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("IQM %.3f [%.3f, %.3f]\n", e.Value, e.Lo, e.Hi)
	}
	better, err := tradeoff.ProbabilityOfImprovement(method, baseline, tradeoff.WithInterval(stats.WithSeed(1)))
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
	worst := tradeoff.NewStatistic("worst task", func(byTask [][]float64) float64 {
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
	s, err := tradeoff.NewScores([]string{"a", "b"}, [][]float64{{0.9, 0.8, 0.85}, {0.6, 0.7, 0.5}})
	if err != nil {
		log.Fatal(err)
	}
	e, err := s.Interval(context.Background(), worst, tradeoff.WithInterval(stats.WithLevel(0.9)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(worst, e)
	fmt.Println(e.Warnings[0])
	// Output:
	// worst task 0.6 [0.5333, 0.6667] 90% percentile n=3*
	// percentile intervals of 3 runs of a task are up to 18% too narrow; run 5: too few values
}

// Which of five networks are worth their time, and how good the set is as a whole.
func ExampleFrontier() {
	names := []string{"small", "medium", "wide", "large", "slow"}
	points := [][]float64{{1, 0.81}, {3, 0.90}, {4, 0.88}, {9, 0.95}, {9, 0.94}} // hours, accuracy
	senses := []tradeoff.Sense{tradeoff.Min, tradeoff.Max}
	front, err := tradeoff.Frontier(points, senses)
	if err != nil {
		log.Fatal(err)
	}
	for _, i := range front {
		fmt.Println(names[i])
	}
	volume, err := tradeoff.Hypervolume(points, []float64{10, 0.8}, senses)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("hypervolume %.2f\n", volume)
	// Output:
	// small
	// medium
	// large
	// hypervolume 0.77
}

// The means of b and c are dominated by that of a, but the runs of b overlap with it.
func ExampleParetoVerdicts() {
	standings, err := tradeoff.ParetoVerdicts([]tradeoff.Measured{
		{Name: "a", Cost: []float64{5.0, 5.2, 4.9}, Quality: []float64{0.91, 0.92, 0.91}},
		{Name: "b", Cost: []float64{5.1, 5.6, 4.8}, Quality: []float64{0.90, 0.92, 0.91}},
		{Name: "c", Cost: []float64{6.0, 6.1, 5.9}, Quality: []float64{0.88, 0.89, 0.88}},
	}, tradeoff.HigherBetter)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range standings {
		fmt.Println(s.Name, s.Verdict)
	}
	// Output:
	// a frontier
	// b ambiguous
	// c dominated
}

// Three submissions on two workloads in three studies each: a score, how sure it is, and how often each comes first.
func ExampleTimeTable_Scores() {
	workloads := []tradeoff.Workload{{Name: "resnet"}, {Name: "transformer"}}
	table, err := tradeoff.NewTimeTable([]string{"adam", "shampoo", "sgd"}, workloads, [][][]float64{
		{{100, 104, 98}, {200, 220, 190}},
		{{80, 85, 83}, {170, 210, 160}},
		{{95, 99, 97}, {math.Inf(1), 700, math.Inf(1)}}, // two studies did not reach the target
	})
	if err != nil {
		log.Fatal(err)
	}
	scores, err := table.Scores(tradeoff.WithInterval(stats.WithSeed(1), stats.WithReplicates(2000)))
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
	refs, err := tradeoff.NewReferences([]tradeoff.ReferencePoint{
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

// Steps with and without a skipped layer, on the clock of one quiet machine, whatever the others were doing.
func ExampleRefClock() {
	clock := tradeoff.RefClock{"step": 0.10, "step without layer": 0.08, "evaluation": 2}
	seconds, err := clock.Seconds(map[string]float64{"step": 300, "step without layer": 700, "evaluation": 5})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(seconds)
	// Output: 96
}

// A model of 1.3e8 parameters on 4.1e6 tokens, at 6 operations for each, in 20 minutes on a machine of 5e12 per second.
func ExampleUtilization() {
	u, err := tradeoff.Utilization(6*1.3e8*4.1e6, 5e12, 20*60)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f%%\n", 100*u)
	// Output: 53%
}
