package tradeoff_test

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// must is for examples: a program returns its errors.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ExampleNewCurve() {
	seconds := []float64{60, 120, 180, 240}
	accuracy := []float64{0.71, 0.86, 0.84, 0.91}
	c := must(tradeoff.NewCurve(seconds, accuracy, tradeoff.HigherBetter))
	fmt.Println(c.Best())
	fmt.Println(c.Envelope().Points()) // the best so far
	// Output:
	// {240 0.91}
	// [{60 0.71} {120 0.86} {180 0.86} {240 0.91}]
}

func ExampleCurve_TimeToQuality() {
	c := must(tradeoff.NewCurve([]float64{60, 120, 240}, []float64{0.71, 0.86, 0.91}, tradeoff.HigherBetter))
	for _, how := range []tradeoff.Interpolation{tradeoff.FirstHit, tradeoff.Linear, tradeoff.LogCost} {
		seconds, reached := c.TimeToQuality(0.88, how)
		fmt.Printf("%-9v %.1f %v\n", how, seconds, reached)
	}
	fmt.Println(c.TimeToQuality(0.95, tradeoff.FirstHit)) // never, as far as this run tells
	// Output:
	// first hit 240.0 true
	// linear    168.0 true
	// log cost  158.3 true
	// +Inf false
}

func ExampleCurve_QualityAt() {
	c := must(tradeoff.NewCurve([]float64{60, 120, 240}, []float64{2.1, 1.4, 1.6}, tradeoff.LowerBetter))
	fmt.Println(c.QualityAt(180, tradeoff.Linear))
	fmt.Println(c.Envelope().QualityAt(180, tradeoff.Linear)) // its best checkpoint
	fmt.Println(c.QualityAt(300, tradeoff.Linear))            // nothing is extrapolated
	// Output:
	// 1.5 true
	// 1.4 true
	// NaN false
}

// exampleRuns is runs that approach an accuracy of 0.95, each at a pace of its own.
func exampleRuns(name string, paces ...float64) tradeoff.Runs {
	r := tradeoff.Runs{Name: name}
	for _, pace := range paces {
		var seconds, accuracy []float64
		for i := 1; i <= 20; i++ {
			seconds = append(seconds, 30*float64(i))
			accuracy = append(accuracy, 0.95-0.6*math.Exp(-30*float64(i)/pace))
		}
		r.Curves = append(r.Curves, must(tradeoff.NewCurve(seconds, accuracy, tradeoff.HigherBetter)))
	}
	return r
}

// Five seeds of each, evaluated every half minute.
func ExampleSpeedup() {
	base := exampleRuns("baseline", 110, 121, 104, 115, 108)
	method := exampleRuns("method", 77, 70, 84, 72, 79)
	fmt.Println(must(tradeoff.Speedup(base, method, tradeoff.AtQuality(0.94),
		tradeoff.WithInterpolation(tradeoff.LogCost))))
	// Output:
	// 1.459 [1.324, 1.608] 95% log-t n=5
}

// Runs that never reach the target are not dropped.
func ExampleSpeedup_censored() {
	base := exampleRuns("baseline", 110, 121, 104, 115, 200)
	method := exampleRuns("method", 77, 70, 84, 72, 79)
	e := must(tradeoff.Speedup(base, method, tradeoff.AtQuality(0.94)))
	fmt.Println(e)
	for _, w := range e.Warnings {
		fmt.Println("*", w)
	}
	// Output:
	// 1.455 [1.333, +Inf] 95% percentile n=5**
	// * percentile intervals of 5 values cover less than their level; take 10 or use t intervals: too few values
	// * 1 of 10 runs did not reach the target and count as infinite in a ratio of medians: target not reached
}

// A single target can flatter a method. The average over all qualities that both reach cannot.
func ExampleAverageSpeedup() {
	base := exampleRuns("baseline", 110, 121, 104)
	late := exampleRuns("late", 77, 70, 84)
	for i, c := range late.Curves { // it only starts after two minutes
		var seconds, accuracy []float64
		for _, p := range c.Points() {
			seconds, accuracy = append(seconds, p.Cost+120), append(accuracy, p.Quality)
		}
		late.Curves[i] = must(tradeoff.NewCurve(seconds, accuracy, tradeoff.HigherBetter))
	}
	fmt.Println(must(tradeoff.Speedup(base, late, tradeoff.AtQuality(0.945),
		tradeoff.WithInterpolation(tradeoff.LogCost))))
	fmt.Println(must(tradeoff.AverageSpeedup(base, late)))
	// Output:
	// 1.093 [0.9264, 1.29] 95% log-t n=3
	// 0.588 [0.5008, 0.6904] 95% log-t n=3
}

func ExampleGain() {
	base := exampleRuns("baseline", 110, 121, 104)
	method := exampleRuns("method", 77, 70, 84)
	fmt.Println(must(tradeoff.Gain(base, method, tradeoff.AtCost(120)))) // after two minutes
	fmt.Println(must(tradeoff.AverageGain(base, method)))                // on average over log cost
	// Output:
	// 0.07841 [0.039, 0.1178] 95% t n=3
	// 0.05334 [0.02627, 0.0804] 95% t n=3
}

func ExampleExpectedRunTime() {
	runs := exampleRuns("baseline", 110, 121, 104, 115, 200, 250)
	times := runs.Times(0.94, tradeoff.FirstHit)
	s := must(stats.KaplanMeier(times))
	half, _ := s.Reached(0.5)
	fmt.Println("half of the runs have reached it by", half)
	fmt.Printf("%.2f of them not by 480\n", s.At(480))
	fmt.Printf("%.0f seconds for a run that reaches it, with restarts\n", must(tradeoff.ExpectedRunTime(times)))

	faster := exampleRuns("method", 77, 70, 84, 72, 79, 240).Times(0.94, tradeoff.FirstHit)
	test := must(stats.LogRank(times, faster))
	fmt.Printf("log-rank p=%.3f\n", test.P)
	// Output:
	// half of the runs have reached it by 480
	// 0.50 of them not by 480
	// 780 seconds for a run that reaches it, with restarts
	// log-rank p=0.079
}

// How Ankner et al. measure a speedup: the fitted curve of the candidate is read at the best score of the baseline.
func ExampleFitSaturating() {
	steps := []float64{5000, 10000, 20000, 30000, 40000, 50000, 60000, 70000}
	score := func(rate float64) (q []float64) {
		for _, t := range steps {
			q = append(q, 84-20*math.Exp(-math.Pow(t*rate, 0.6)))
		}
		return q
	}
	base := must(tradeoff.NewCurve(steps, score(1.0/9000), tradeoff.HigherBetter))
	method := must(tradeoff.NewCurve(steps, score(1.7/9000), tradeoff.HigherBetter))
	best := base.Best()
	fit := must(tradeoff.FitSaturating(method))
	t, reached := fit.TimeToQuality(best.Quality)
	fmt.Printf("%.0f steps instead of %.0f: %.2fx %v\n", t, best.Cost, best.Cost/t, reached)
	// Output:
	// 41176 steps instead of 70000: 1.70x true
}

// cycles are those of a learning rate: of 20, 40, 80... steps. A schedule.Cyclic has the same method.
type cycles struct{}

func (cycles) Ends(total int) (ends []int) {
	for length, end := 20, 20; end <= total; length, end = 2*length, end+2*length {
		ends = append(ends, end)
	}
	return ends
}

// The tradeoff curve of one run: the loss at the ends of the cycles, and not in between, where the rate is high.
func ExampleNewRecorder() {
	rec := must(tradeoff.NewRecorder(cycles{}, tradeoff.LowerBetter, tradeoff.WithWarmup(1)))
	for step := range 300 {
		loss := 2 / math.Sqrt(float64(step+1)) // ... train, and evaluate every tenth step
		if step%10 == 9 {
			if err := rec.Observe(step, float64(step+1)*0.5, loss); err != nil {
				panic(err)
			}
		}
	}
	for _, p := range must(rec.Curve()).Points() {
		fmt.Printf("%g s: %.3f\n", p.Cost, p.Quality)
	}
	// Output:
	// 30 s: 0.258
	// 70 s: 0.169
	// 150 s: 0.115
}
