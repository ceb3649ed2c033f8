package stats_test

import (
	"fmt"
	"log"

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
