package plot_test

import (
	"fmt"
	"log"

	gplot "gonum.org/v1/plot"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/plot"
)

func label(p *gplot.Plot, err error) string {
	if err != nil {
		log.Fatal(err)
	}
	return p.X.Label.Text
}

// Figures are plots of gonum, to be changed and saved.
func ExampleIntervalEstimates() {
	names := []string{"pruned", "cyclic"}
	estimates := []stats.Estimate{{Value: 0.7, Lo: 0.6, Hi: 0.8}, {Value: 0.55, Lo: 0.4, Hi: 0.7}}
	fmt.Println(label(plot.IntervalEstimates(names, estimates, plot.WithTitle("speedup"))))
	fmt.Println(label(plot.ProbabilityOfImprovement(names, estimates)))
	fmt.Println(label(plot.PhaseBars(names, []string{"load", "train"}, [][]float64{{1, 9}, {1, 6}})))
	fmt.Println(label(plot.Roofline(100, 20, []plot.Kernel{{Name: "gemm", Intensity: 30, Rate: 90}})))
	// Output:
	// estimate
	// probability of improvement
	// seconds
	// FLOPs per byte
}
