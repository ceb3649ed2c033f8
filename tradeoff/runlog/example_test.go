package runlog_test

import (
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/tensor/stats"
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
