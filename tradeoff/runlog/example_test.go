package runlog_test

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// Epochs until convergence, which tie often. The distribution of U is exact, ties included.
func ExampleFormatDelta() {
	old := []float64{41, 42, 42, 43, 44, 45}
	new := []float64{39, 40, 40, 41, 41, 42}
	u, err := stats.MannWhitney(old, new)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(runlog.FormatDelta(42.5, 40.5, u.P), u)
	// Output: -4.71% p=0.022 n=6
}

func ExampleDirectionOf() {
	fmt.Println(runlog.DirectionOf("val/loss"))
	fmt.Println(runlog.DirectionOf("bits_per_byte"))
	_, sure := runlog.DirectionOf("score")
	fmt.Println(sure)
	// Output:
	// lower true
	// lower true
	// false
}

func ExampleWriteBenchfmt() {
	base, _ := tradeoff.NewCurve([]float64{10, 20}, []float64{0.8, 0.9}, tradeoff.HigherBetter)
	fast, _ := tradeoff.NewCurve([]float64{5, 10}, []float64{0.8, 0.9}, tradeoff.HigherBetter)
	arms := []runlog.Arm{{Task: "digits", Runs: tradeoff.Runs{Name: "baseline", Curves: []tradeoff.Curve{base}}},
		{Task: "digits", Runs: tradeoff.Runs{Name: "fast", Curves: []tradeoff.Curve{fast}}}}
	if err := runlog.WriteBenchfmt(os.Stdout, arms, "seconds", "accuracy", 0.85); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Unit accuracy better=higher
	// Unit seconds-to-0.85 better=lower
	// BenchmarkTrain/task=digits/model=none/method=baseline 1 20 seconds-to-0.85 0.9 accuracy
	// BenchmarkTrain/task=digits/model=none/method=fast 1 10 seconds-to-0.85 0.9 accuracy
}

func ExampleNewLog() {
	log, err := runlog.NewLog(
		runlog.Record{Kind: "eval", RunID: "a", Step: 10, Quality: map[string]float64{"loss": 3}},
		runlog.Record{Kind: "eval", RunID: "a", Step: 20, Quality: map[string]float64{"loss": 2}},
		runlog.Record{Kind: "eval", RunID: "a", Method: []string{"fast"}, Step: 20, Quality: map[string]float64{"loss": 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	arms, err := log.Arms("step", "loss")
	fmt.Println(log.Runs(), len(arms), arms[1].Method, err)
	fmt.Println(len(runlog.Env{Go: "go1.26"}.ID()))
	// Output:
	// 2 2 fast <nil>
	// 12
}

// A log of one run and a claim about it, which the checklist does not believe.
func ExampleReview() {
	var file bytes.Buffer
	w := must(runlog.NewWriter(&file, runlog.WithRun(runlog.Record{RunID: "fast-1", Task: "digits",
		Method: []string{"fast"}}),
		runlog.WithSync()))
	if err := w.Eval(100, map[string]float64{"seconds": 12}, map[string]float64{"accuracy": 0.91}); err != nil {
		log.Fatal(err)
	}
	records := must(runlog.ReadJSONL(&file))
	records = append(records, runlog.Record{Kind: "claim", Claim: &runlog.Claim{Kind: "speedup", Method: "fast",
		Cost: "flops"}})
	for _, f := range must(runlog.Review(records, "T02", "T04", "T06")) {
		if f.Severity == runlog.Error || f.Severity == runlog.Warning {
			fmt.Println(f.ID, f.Severity)
		}
	}
	// Output:
	// T02 error
	// T04 warning
	// T06 error
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
