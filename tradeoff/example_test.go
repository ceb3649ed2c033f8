package tradeoff_test

import (
	"fmt"
	"log"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

func ExampleRunsNeeded() {
	reach := func(name string, seconds ...float64) tradeoff.Runs {
		r := tradeoff.Runs{Name: name}
		for _, s := range seconds {
			c, err := tradeoff.NewCurve([]float64{s / 2, s}, []float64{0.5, 0.94}, tradeoff.HigherBetter)
			if err != nil {
				panic(err)
			}
			r.Curves = append(r.Curves, c)
		}
		return r
	}
	base, method := reach("base", 310, 340, 295), reach("method", 280, 305, 255)
	e, err := tradeoff.Speedup(base, method, tradeoff.AtQuality(0.94))
	if err != nil {
		panic(err)
	}
	fmt.Println(e) // not yet a claim: the interval has 1 in it
	n, err := tradeoff.RunsNeeded(base, method, tradeoff.AtQuality(0.94), tradeoff.ForSpeedup(1.1))
	if err != nil {
		panic(err)
	}
	fmt.Println(n)
	// Output:
	// 1.126 [0.9334, 1.358] 95% log-t n=3
	// 13 runs of each arm: a speedup of 1.1 is told from 1 with probability 0.82 at level 95% (sd of log times 0.081)
}

func ExampleBranches() {
	var branches tradeoff.Branches
	for _, b := range []struct{ fork, decay, accuracy float64 }{ // epochs
		{1.6, 0.4, 0.877}, {3.2, 0.8, 0.926}, {6.4, 1.6, 0.928}, {12.8, 3.2, 0.931},
	} {
		branches = append(branches, tradeoff.Branch{b.fork, b.decay, b.accuracy})
	}
	curve, err := branches.Curve(tradeoff.HigherBetter)
	if err != nil {
		panic(err)
	}
	fmt.Println(curve.Points())
	fmt.Printf("%.1f epochs instead of %.1f\n", branches.Cost(), branches.SeparateCost())
	// Output:
	// [{2 0.877} {4 0.926} {8 0.928} {16 0.931}]
	// 18.8 epochs instead of 30.0
}

// One evaluation was not made; another run diverges, and what it had spent counts.
func ExampleRuns_Spent() {
	steps, nan := []float64{100, 200, 300, 400}, math.NaN()
	runs := must(tradeoff.NewRuns("fast",
		must(tradeoff.NewCurve(steps, []float64{3, nan, 1, 0.5}, tradeoff.LowerBetter)),
		must(tradeoff.NewCurve(steps, []float64{3, 2, nan, nan}, tradeoff.LowerBetter))))
	fmt.Println(runs.Curves[0].Missing(), "missing,", runs.Failed(), "failed")
	fmt.Println(runs.Times(1, tradeoff.FirstHit))
	fmt.Println(must(tradeoff.ExpectedRunTime(runs.Spent(1, tradeoff.FirstHit))))
	// Output:
	// 1 missing, 1 failed
	// [{300 true} {+Inf false}]
	// 700
}

func ExampleCompareCurves() {
	long := must(tradeoff.NewCurve([]float64{1, 2, 4}, []float64{0.5, 0.7, 0.8}, tradeoff.HigherBetter))
	rec := must(tradeoff.NewRecorder(cycles{}, tradeoff.HigherBetter, tradeoff.WithWindow(1)))
	for step := range 200 {
		if err := rec.Observe(step, float64(step+1), 0.5+float64(step)/1000); err != nil {
			fmt.Println(err)
		}
	}
	short := must(rec.Curve())
	fmt.Println(short.Len() > 0)
	f := must(tradeoff.CompareCurves(map[string]tradeoff.Curve{"a": long}, map[string]tradeoff.Curve{"a": long},
		tradeoff.WithSkip(1)))
	fmt.Println(f.MaxAbs)
	// Output:
	// true
	// 0
}

// Runs of a benchmark that did not all converge, by the rules of three fields.
func ExamplePAR10() {
	times := []stats.Lifetime{{Time: 50, Event: true}, {Time: 60, Event: true}, {Time: 100}}
	fmt.Println("PAR10", must(tradeoff.PAR10(times, 100)))
	fmt.Println("median", must(score.MedianTime(times)))
	fmt.Println("olympic mean", must(score.OlympicMean([]float64{50, 55, 60, 70, math.Inf(1)}, 1)))
	e := must(tradeoff.SpeedupOfTimes([]stats.Lifetime{{Time: 90, Event: true}, {Time: 100, Event: true},
		{Time: 95, Event: true}},
		[]stats.Lifetime{{Time: 50, Event: true}, {Time: 60, Event: true}, {Time: 55, Event: true}}))
	fmt.Println("speedup", e)
	// Output:
	// PAR10 370
	// median 60
	// olympic mean 61.666666666666664
	// speedup 1.73 [1.436, 2.086] 95% log-t n=3
}

// Laws of quality over cost, read between their data and at a quality.
func ExampleFitPowerLaw() {
	var cost, loss []float64
	for i := range 8 {
		c := math.Pow(2, float64(i))
		cost, loss = append(cost, c), append(loss, 0.2+math.Pow(c, -0.5))
	}
	curve := must(tradeoff.NewCurve(cost, loss, tradeoff.LowerBetter))
	law := must(tradeoff.FitPowerLaw(curve))
	at, _ := law.QualityAt(50)
	to, _ := law.TimeToQuality(0.4)
	fmt.Printf("%.3f at 50, 0.4 at %.0f\n", at, to)
	bend := must(tradeoff.FitSaturating(curve))
	at, _ = bend.QualityAt(50)
	fmt.Printf("%.2f at 50\n", at)
	base, method := exampleRuns("baseline", 110, 121, 104), exampleRuns("method", 77, 70, 84)
	e := must(tradeoff.Speedup(base, method, tradeoff.AtQuality(0.9), tradeoff.WithFit()))
	fmt.Println(e)
	// Output:
	// 0.341 at 50, 0.4 at 25
	// 0.34 at 50
	// 1.451 [1.196, 1.761] 95% log-t n=3
}

// The curve itself, its mean height, and where it first reaches a quality that it had lost.
func ExampleCurve_AUC() {
	c := must(tradeoff.NewCurve([]float64{1, 2, 4, 8}, []float64{0.5, 0.8, 0.7, 0.9}, tradeoff.HigherBetter))
	fmt.Printf("%.3f %.3f\n", must(c.AUC(1, 8, tradeoff.LinearAxis)), must(c.AUC(1, 8, tradeoff.LogAxis)))
	best, _ := c.TimeToQuality(0.85, tradeoff.Linear)
	measured, _ := c.Crossing(0.85, tradeoff.Linear)
	fmt.Printf("%.2f %.2f\n", best, measured)
	fmt.Println(tradeoff.LowerBetter.Better(0.1, 0.2))
	// Output:
	// 0.807 0.767
	// 6.00 7.00
	// true
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
