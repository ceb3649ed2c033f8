package runlog_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

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
