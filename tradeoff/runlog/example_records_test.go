package runlog_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

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
