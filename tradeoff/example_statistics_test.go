package tradeoff_test

import (
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/tradeoff"
)

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
