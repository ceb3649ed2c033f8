package tradeoff_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/tradeoff"
)

// A log of one run and a claim about it, which the checklist does not believe.
func ExampleReview() {
	var file bytes.Buffer
	w := must(tradeoff.NewWriter(&file, tradeoff.WithRun(tradeoff.Record{RunID: "fast-1", Task: "digits",
		Method: []string{"fast"}}),
		tradeoff.WithSync()))
	if err := w.Eval(100, map[string]float64{"seconds": 12}, map[string]float64{"accuracy": 0.91}); err != nil {
		log.Fatal(err)
	}
	records := must(tradeoff.ReadJSONL(&file))
	records = append(records, tradeoff.Record{Kind: "claim", Claim: &tradeoff.Claim{Kind: "speedup", Method: "fast",
		Cost: "flops"}})
	for _, f := range must(tradeoff.Review(records, "T02", "T04", "T06")) {
		if f.Severity == tradeoff.Error || f.Severity == tradeoff.Warning {
			fmt.Println(f.ID, f.Severity)
		}
	}
	// Output:
	// T02 error
	// T04 warning
	// T06 error
}
