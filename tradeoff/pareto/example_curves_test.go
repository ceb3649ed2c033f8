package pareto_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
)

func ExampleAttainment() {
	runs := exampleRuns("baseline", 110, 121, 104, 115, 108)
	curves := must(pareto.Attainment(runs, 0.2, 0.5, 1))
	for i, level := range []string{"one of the runs", "most of them", "all"} {
		q, _ := curves[i].QualityAt(240, tradeoff.FirstHit)
		fmt.Printf("%s: %.3f after four minutes\n", level, q)
	}
	// Output:
	// one of the runs: 0.890 after four minutes
	// most of them: 0.882 after four minutes
	// all: 0.867 after four minutes
}
