package runlog

import (
	"fmt"
	"os"

	"github.com/espalier-ml/espalier/tradeoff"
)

func ExampleWriteBenchfmt() {
	base, _ := tradeoff.NewCurve([]float64{10, 20}, []float64{0.8, 0.9}, tradeoff.HigherBetter)
	fast, _ := tradeoff.NewCurve([]float64{5, 10}, []float64{0.8, 0.9}, tradeoff.HigherBetter)
	arms := []Arm{{Task: "digits", Runs: tradeoff.Runs{Name: "baseline", Curves: []tradeoff.Curve{base}}},
		{Task: "digits", Runs: tradeoff.Runs{Name: "fast", Curves: []tradeoff.Curve{fast}}}}
	if err := WriteBenchfmt(os.Stdout, arms, "seconds", "accuracy", 0.85); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Unit accuracy better=higher
	// Unit seconds-to-0.85 better=lower
	// BenchmarkTrain/task=digits/model=none/method=baseline 1 20 seconds-to-0.85 0.9 accuracy
	// BenchmarkTrain/task=digits/model=none/method=fast 1 10 seconds-to-0.85 0.9 accuracy
}
