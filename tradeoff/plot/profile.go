package plot

import (
	"fmt"
	"slices"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// PerformanceProfile draws the share of the workloads that each submission solves within a factor of the fastest, up
// to the factor that scores integrate to. It takes WithTitle and WithLabels. The error wraps [tensor.ErrEmpty].
func PerformanceProfile(profile score.Profile, opts ...LabelOption) (*gplot.Plot, error) {
	c, err := configure("PerformanceProfile", opts)
	if err != nil {
		return nil, err
	}
	names := profile.Submissions()
	if len(names) == 0 {
		return nil, fmt.Errorf("plot: PerformanceProfile: no submissions: %w", tensor.ErrEmpty)
	}
	p := c.figure("time, as a multiple of the fastest", "share of the workloads")
	scores := profile.BenchmarkScores()
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if scores[a] > scores[b] {
			return -1
		} else if scores[a] < scores[b] {
			return 1
		}
		return 0
	})
	for i, s := range order {
		taus := []float64{1, profile.MaxRatio()}
		for _, r := range profile.Ratios(s) {
			if r > 1 && r < profile.MaxRatio() {
				taus = append(taus, r)
			}
		}
		slices.Sort(taus)
		var points plotter.XYs
		for _, tau := range slices.Compact(taus) {
			points = append(points, plotter.XY{X: tau, Y: profile.Rho(s, tau)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("plot: PerformanceProfile: %q: %w", names[s], err)
		}
		line.StepStyle, line.Color, line.Width, line.Dashes = plotter.PostStep, colour(i), vg.Points(2), dash(i)
		p.Add(line)
		p.Legend.Add(fmt.Sprintf("%s %.3f", names[s], scores[s]), line)
	}
	p.Y.Min, p.Y.Max = 0, 1
	p.X.Min, p.X.Max = 1, profile.MaxRatio()
	beside(p)
	return p, nil
}
