package stats_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// Accuracies of five seeds each. The sample is small, so the interval is Student's, and a bootstrap would say that it
// falls short.
func ExampleMean() {
	accuracy := []float64{93.9, 94.2, 94.1, 94.4, 93.8}
	e, err := stats.Mean(accuracy)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e)

	e, err = stats.Mean(accuracy, stats.WithInterval(stats.Percentile))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e)
	fmt.Println(e.Warnings[0])
	// Output:
	// 94.08 [93.78, 94.38] 95% t n=5
	// 94.08 [93.9, 94.26] 95% percentile n=5*
	// percentile intervals of 5 values cover less than their level; take 10 or use t intervals: too few values
}

// Ratios are averaged by their logarithms: twice as fast and half as fast cancel.
func ExampleGeoMean() {
	e, err := stats.GeoMean([]float64{2, 0.5, 1.6, 1.3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e)
	// Output: 1.201 [0.4549, 3.17] 95% log-t n=4
}

// The median of five runs has no finite interval at this level: at one end, the true one may lie beyond all of them.
func ExampleMedian() {
	e, err := stats.Median([]float64{61, 58, 70, 64, 59})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e)
	fmt.Println(e.Warnings[0])
	// Output:
	// 61 [-Inf, 70] 95% order statistics n=5*
	// need >= 6 samples for confidence interval at level 0.95: too few values
}

func ExampleQuantile() {
	e, err := stats.Quantile([]float64{4, 1, 3, 2, 9, 5, 7, 6, 8, 10}, 0.5)
	fmt.Println(e, err)
	// Output: 5.5 [2, 9] 95% order statistics n=10 <nil>
}

// Four methods against one baseline: without correction, two of them would pass.
func ExampleHolm() {
	p := []float64{0.03, 0.005, 0.2, 0.6}
	holm, err := stats.Holm(p)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2g\n", holm)
	// Output: [0.09 0.02 0.4 0.6]
}

// The same seeds with and without a method: pairs differ by less than the seeds do.
func ExamplePairedDifference() {
	method := []float64{81.2, 79.9, 83.0, 80.4}
	base := []float64{80.1, 79.0, 81.7, 79.6}
	paired, err := stats.PairedDifference(method, base)
	if err != nil {
		log.Fatal(err)
	}
	apart, err := stats.Difference(method, base)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(paired)
	fmt.Println(apart)
	t, err := stats.PairedT(method, base)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("t=%.2f, %v degrees of freedom, p=%.3f\n", t.T, t.DF, t.P)
	// Output:
	// 1.025 [0.6722, 1.378] 95% t n=4
	// 1.025 [-1.173, 3.223] 95% t n=4
	// t=9.25, 3 degrees of freedom, p=0.003
}

// How much faster: geometric means of seconds, with the interval of their logarithms.
func ExampleRatio() {
	e, err := stats.Ratio([]float64{310, 340, 295}, []float64{205, 231, 190})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e)
	// Output: 1.512 [1.234, 1.852] 95% log-t n=3
}

func ExampleWelch() {
	t, err := stats.Welch([]float64{81.2, 79.9, 83.0, 80.4}, []float64{78.1, 79.0, 77.7, 78.6})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("t=%.2f, %.1f degrees of freedom, p=%.3f\n", t.T, t.DF, t.P)
	// Output: t=3.77, 4.0 degrees of freedom, p=0.020
}

// Are three folds away from 0?
func ExampleOneSampleT() {
	t, err := stats.OneSampleT([]float64{0.1, 0.2, 0.15})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("p=%.3f\n", t.P)
	// Output: p=0.035
}

func ExampleSignedRank() {
	t, err := stats.SignedRank([]float64{12, 15, 9, 22, 17, 30, 14}, []float64{10, 11, 9, 15, 18, 21, 11})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("W=%v of %d differences, p=%.3f, exact: %v\n", t.W, t.N, t.P, t.Exact)
	// Output: W=20 of 6 differences, p=0.062, exact: true
}

func ExampleHochberg() {
	p, err := stats.Hochberg([]float64{0.04, 0.045, 0.03})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p)
	// Output: [0.045 0.045 0.045]
}

// 19 of 20 right is no better than 86 %, by either interval, and the exact one is the wider.
func ExampleShare() {
	wilson, err := stats.Share(19, 20)
	if err != nil {
		log.Fatal(err)
	}
	exact, err := stats.ExactShare(19, 20)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(wilson)
	fmt.Println(exact)
	// Output:
	// 0.95 [0.7639, 0.9911] 95% wilson n=20
	// 0.95 [0.7513, 0.9987] 95% clopper-pearson n=20
}

// Of 1000 images, augmentation corrects 10 and corrupts 2.
func ExampleMcNemar() {
	test, err := stats.McNemar(10, 2)
	if err != nil {
		log.Fatal(err)
	}
	gain, err := stats.PairedShares(10, 2, 1000)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("p=%.3f, mid-p=%.3f\n", test.P, test.MidP)
	fmt.Println(gain)
	// Output:
	// p=0.039, mid-p=0.022
	// 0.008 [0.001229, 0.01477] 95% normal n=1000
}

// Does a score know the hospital, within each diagnosis? Labels are the hospitals and strata the diagnoses.
func ExamplePermutationTest() {
	score := []float64{0.13, 0.37, 2.11, 2.9, 0.21, 0.44, 2.3, 2.75}
	hospital := []int{0, 0, 1, 1, 0, 0, 1, 1}
	diagnosis := []int{0, 0, 0, 0, 1, 1, 1, 1}
	p, err := stats.PermutationTest(context.Background(), hospital, diagnosis, func() func([]int) float64 {
		return func(assigned []int) float64 {
			difference := 0.0
			for i, unit := range assigned {
				difference += float64(2*hospital[unit]-1) * score[i]
			}
			return math.Abs(difference)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("p=%.3f of %v assignments, and no outcome has less than %.3f\n", p.P, p.Assignments, p.Smallest)
	fmt.Println(p.Warnings[0])
	// Output:
	// p=0.056 of 36 assignments, and no outcome has less than 0.056
	// no outcome has a P below 0.0556: too few values
}

// A statistic of one's own: the accuracy of a classifier on the visits of patients, who are drawn with all their
// visits.
func ExampleResample() {
	patient := []int{1, 1, 1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10}
	right := []float64{1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 1}
	accuracy := func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			n := 0.0
			for _, visit := range drawn {
				n += right[visit]
			}
			out[0] = n / float64(len(drawn))
		}
	}
	for _, d := range []stats.Design{stats.Units(len(patient)), stats.Clusters(patient)} {
		b, err := stats.Resample(context.Background(), d, 1, accuracy, stats.WithSeed(1))
		if err != nil {
			log.Fatal(err)
		}
		e, err := b.Estimate(0)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e)
	}
	// Output:
	// 0.6667 [0.4444, 0.8889] 95% percentile n=18
	// 0.6667 [0.3684, 0.92] 95% percentile n=10
}

// The same design within strata, such as hospitals, whose patients are drawn from each by itself.
func ExampleStratifiedClusters() {
	hospital := []int{1, 1, 1, 1, 2, 2, 2}
	patient := []int{1, 1, 2, 2, 3, 3, 4}
	_, err := stats.Resample(context.Background(), stats.StratifiedClusters(hospital, patient), 1,
		func() func([]int, []float64) {
			return func(drawn []int, out []float64) { out[0] = float64(len(drawn)) }
		}, stats.WithReplicates(10))
	fmt.Println(err)
	// Output: <nil>
}

// Weighted sums need only how often each unit was drawn. Classes are drawn from by themselves.
func ExampleResampleCounts() {
	class := []int{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}
	loss := []float64{0.1, 0.4, 0.2, 0.3, 1.1, 0.9, 1.4, 1.2, 0.8, 1.0}
	b, err := stats.ResampleCounts(context.Background(), stats.Strata(class), 1, func() func([]int32, []float64) {
		return func(counts []int32, out []float64) {
			out[0] = 0
			for i, n := range counts {
				out[0] += float64(n) * loss[i] / float64(len(loss))
			}
		}
	}, stats.WithInterval(stats.BCa), stats.WithProgress(func(done, total int) {}))
	if err != nil {
		log.Fatal(err)
	}
	e, err := b.Estimate(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f [%.2f, %.2f] %v\n", e.Value, e.Lo, e.Hi, e.Interval)
	// Output: 0.74 [0.64, 0.84] bca
}

// A scheme of one's own: the range of normal samples.
func ExampleReplicate() {
	r, err := stats.Replicate(context.Background(), 1, func() func(int, *rand.Rand, []float64) {
		return func(_ int, rng *rand.Rand, out []float64) {
			lo, hi := math.Inf(1), math.Inf(-1)
			for range 10 {
				x := rng.NormFloat64()
				lo, hi = min(lo, x), max(hi, x)
			}
			out[0] = hi - lo
		}
	}, stats.WithReplicates(4000))
	if err != nil {
		log.Fatal(err)
	}
	q, err := stats.Quantiles(r[0], 0.5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", q[0])
	// Output: 3.0
}

// Seven patients, two of whom were lost.
func ExampleKaplanMeier() {
	times := []stats.Lifetime{{Time: 6, Event: true}, {Time: 9}, {Time: 10, Event: true}, {Time: 13, Event: true},
		{Time: 16, Event: true}, {Time: 22, Event: true}, {Time: 25}}
	s, err := stats.KaplanMeier(times)
	if err != nil {
		log.Fatal(err)
	}
	median, err := s.Median()
	if err != nil {
		log.Fatal(err)
	}
	at, err := s.Interval(12)
	if err != nil {
		log.Fatal(err)
	}
	mean, se, err := s.RMST(20)
	if err != nil {
		log.Fatal(err)
	}
	hazard, err := stats.NelsonAalen(times)
	if err != nil {
		log.Fatal(err)
	}
	quartile, err := s.Quantile(0.25, stats.WithLevel(0.8))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("median", median)
	fmt.Println("quartile", quartile)
	fmt.Println("S(12)", at)
	fmt.Printf("mean of 20 %.1f, standard error %.1f\n", mean.Value, se)
	fmt.Printf("cumulative hazard %.2f\n", hazard[len(hazard)-1].H)
	// Output:
	// median 16 [6, +Inf] 95% log-log n=7
	// quartile 10 [6, 13] 80% log-log n=7
	// S(12) 0.6857 [0.2128, 0.9121] 95% log-log n=7
	// mean of 20 14.4, standard error 2.0
	// cumulative hazard 1.43
}

func ExampleWeightedLogRank() {
	a := []stats.Lifetime{{Time: 6, Event: true}, {Time: 9}, {Time: 10, Event: true}, {Time: 13, Event: true}}
	b := []stats.Lifetime{{Time: 16, Event: true}, {Time: 22, Event: true}, {Time: 25}, {Time: 30}}
	for _, weight := range []stats.Weight{stats.FlemingHarrington(0, 0), stats.FlemingHarrington(1, 0), stats.Gehan} {
		t, err := stats.WeightedLogRank(weight, [][]stats.Lifetime{a, b})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.2f, p=%.3f\n", t.Statistic, t.P)
	}
	// Output:
	// 6.12, p=0.013
	// 5.50, p=0.019
	// 5.14, p=0.023
}

// Two risk scores of the same patients.
func ExampleCompareAUC() {
	ill := []bool{true, true, true, true, false, false, false, false, false, false}
	old := []float64{0.9, 0.4, 0.35, 0.8, 0.5, 0.3, 0.45, 0.1, 0.2, 0.6}
	new := []float64{0.9, 0.7, 0.55, 0.8, 0.5, 0.3, 0.6, 0.1, 0.2, 0.4}
	d, err := stats.CompareAUC(ill, old, new, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.A)
	fmt.Println(d.B)
	fmt.Printf("%.3f, p=%.2f\n", d.Difference.Value, d.P)
	curve, err := stats.ROC(ill, new, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("at %v: %.2f of the ill, %.2f of the others\n", curve[4].Threshold, curve[4].TPR, curve[4].FPR)
	// Output:
	// 0.75 [0.3922, 1] 95% delong n=4
	// 0.9583 [0.8428, 1] 95% delong n=4
	// -0.208, p=0.19
	// at 0.6: 0.75 of the ill, 0.17 of the others
}

func ExampleCalibrate() {
	confidence := []float64{0.95, 0.9, 0.85, 0.8, 0.68, 0.6, 0.55, 0.4}
	right := []bool{true, true, false, true, false, true, false, false}
	for _, how := range []stats.Binning{stats.EqualWidth, stats.EqualMass} {
		c, err := stats.Calibrate(confidence, right, 4, how)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %d bins, ECE %.3f, Brier %.3f\n", how, len(c.Bins), c.ECE, c.Brier)
	}
	// Output:
	// equal width: 3 bins, ECE 0.216, Brier 0.232
	// equal mass: 4 bins, ECE 0.254, Brier 0.232
}

// Three runs of each arm, a difference of two standard deviations: found in about one of three.
func ExampleWelchPower() {
	p, err := stats.WelchPower(2, 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", p)
	// Output: 0.37
}

// Patients of one outcome have no area, and a survival that stays above one half no finite median: an error in the one
// case, a warning in the other.
func ExampleAUC() {
	_, err := stats.AUC([]bool{true, true}, []float64{0.7, 0.2}, nil)
	fmt.Println(errors.Is(err, stats.ErrOneClass))
	e, err := stats.AUC([]bool{true, true, false, false, false}, []float64{0.7, 0.4, 0.2, 0.5, 0.1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e, e.Interval == stats.DeLong)
	s, err := stats.KaplanMeier([]stats.Lifetime{{Time: 3, Event: true}, {Time: 8}, {Time: 9}})
	if err != nil {
		log.Fatal(err)
	}
	median, err := s.Median()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(median, errors.Is(median.Warnings[0], stats.ErrUnreached))
	// Output:
	// true
	// 0.8333 [0.3714, 1] 95% delong n=2 true
	// +Inf [3, +Inf] 95% log-log n=3* true
}

// Is a smaller model as good within half a point? Both one-sided tests must say so.
func ExampleNonInferior() {
	n, err := stats.NonInferior([]float64{76.1, 76.4, 76.2, 76.3}, []float64{76.0, 76.3, 76.2, 76.0}, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n.NonInferior(), n.Equivalent(), n)
	// Output: true true worse by at most 0.318 (95% bound), non-inferior p=0.005
}

// How long patients were followed, those who died among them.
func ExampleReverseKaplanMeier() {
	times, err := stats.Lifetimes([]float64{2, 5, 6, 7, 9, 12}, []float64{1, 0, 1, 0, 0, 0})
	if err != nil {
		panic(err)
	}
	follow, err := stats.ReverseKaplanMeier(times)
	if err != nil {
		panic(err)
	}
	t, _ := follow.Reached(0.5)
	fmt.Printf("half were followed for %v or longer, %.2f for 7 and longer\n", t, follow.Before(7))
	// Output: half were followed for 9 or longer, 0.80 for 7 and longer
}
