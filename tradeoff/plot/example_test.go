package plot_test

import (
	"fmt"
	"log"

	gplot "gonum.org/v1/plot"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
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

// Speedups with a line at 1, losses on a logarithmic axis of a chosen range, and estimates over costs with a band.
func ExampleEstimateCurves() {
	at := []float64{1, 10, 100}
	rows := [][]stats.Estimate{{{Value: 0.1, Lo: 0, Hi: 0.2}, {Value: 0.5, Lo: 0.4, Hi: 0.6},
		{Value: 0.7, Lo: 0.6, Hi: 0.8}}}
	fmt.Println(label(plot.EstimateCurves([]string{"cyclic"}, at, rows, plot.WithLabels("steps", "IQM"))))
	fmt.Println(label(plot.IntervalEstimates([]string{"cyclic"}, []stats.Estimate{{Value: 1.5, Lo: 1.2, Hi: 1.9}},
		plot.WithLine(1))))
	loss, err := tradeoff.NewCurve([]float64{1, 10}, []float64{2, 0.1}, tradeoff.LowerBetter)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(label(plot.TradeoffCurves([]tradeoff.Runs{{Name: "cyclic", Curves: []tradeoff.Curve{loss}}},
		plot.WithLogQuality(), plot.WithQualityRange(0.01, 1))))
	// Output:
	// steps
	// estimate
	// cost
}
