package plot

import (
	"fmt"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/espalier-ml/espalier/tensor"
)

// PhaseBars draws where the time of programs goes: a bar for each, the first on top, of the seconds[program][phase]
// that a step spends waiting for data, in the forward pass, and so on. It takes WithTitle and WithLabels, of which
// the second is not drawn. The error wraps [tensor.ErrEmpty], [tensor.ErrShape], or [tensor.ErrRange] for times that
// are negative or not finite.
func PhaseBars(programs, phases []string, seconds [][]float64, opts ...LabelOption) (*gplot.Plot, error) {
	c, err := configure("PhaseBars", opts)
	if err != nil {
		return nil, err
	}
	if len(programs) == 0 || len(phases) == 0 {
		return nil, fmt.Errorf("plot: PhaseBars: %d programs and %d phases: %w", len(programs), len(phases), tensor.ErrEmpty)
	}
	if len(seconds) != len(programs) {
		return nil, fmt.Errorf("plot: PhaseBars: %d programs and seconds of %d: %w", len(programs), len(seconds),
			tensor.ErrShape)
	}
	for i, s := range seconds {
		if len(s) != len(phases) {
			return nil, fmt.Errorf("plot: PhaseBars: seconds[%d] has %d values for %d phases: %w", i, len(s), len(phases),
				tensor.ErrShape)
		}
		for k, v := range s {
			if !(v >= 0) || v-v != 0 {
				return nil, fmt.Errorf("plot: PhaseBars: seconds[%d][%d] = %v: %w", i, k, v, tensor.ErrRange)
			}
		}
	}
	p := c.figure("seconds", "")
	p.Y.Label.Text = ""
	n := len(programs)
	rows := make([]string, n)
	for i, name := range programs {
		rows[n-1-i] = name
	}
	var below *plotter.BarChart
	for k, phase := range phases {
		values := make(plotter.Values, n)
		for i := range programs {
			values[n-1-i] = seconds[i][k]
		}
		bars, err := plotter.NewBarChart(values, vg.Points(22))
		if err != nil {
			return nil, fmt.Errorf("plot: PhaseBars: %w", err)
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, colour(k), 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		p.Legend.Add(phase, bars)
	}
	p.NominalY(rows...)
	p.X.Min = 0
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	beside(p)
	return p, nil
}
