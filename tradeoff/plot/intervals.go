package plot

import (
	"fmt"
	"image/color"
	"math"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// IntervalEstimates draws estimates with their intervals, one below the other with their names. Ends that are
// infinite reach to the edge. It takes WithLine, WithTitle and WithLabels, of which the second is not drawn. The error
// wraps [tensor.ErrEmpty], [tensor.ErrShape] or, for an estimate itself, [tensor.ErrNotFinite].
func IntervalEstimates(names []string, estimates []stats.Estimate, opts ...IntervalOption) (*gplot.Plot, error) {
	c, err := configure("IntervalEstimates", opts)
	if err != nil {
		return nil, err
	}
	return c.intervals("IntervalEstimates", "estimate", names, estimates)
}

// ProbabilityOfImprovement is IntervalEstimates for probabilities that one method is better than another, with a line
// at 1/2.
func ProbabilityOfImprovement(names []string, estimates []stats.Estimate, opts ...LabelOption) (*gplot.Plot, error) {
	c, err := configure("ProbabilityOfImprovement", opts)
	if err != nil {
		return nil, err
	}
	c.line = 0.5
	p, err := c.intervals("ProbabilityOfImprovement", "probability of improvement", names, estimates)
	if err == nil {
		p.X.Min, p.X.Max = 0, 1
	}
	return p, err
}

func (c config) intervals(function, x string, names []string, estimates []stats.Estimate) (*gplot.Plot, error) {
	middle := c.line
	if len(names) != len(estimates) {
		return nil, fmt.Errorf("plot: %s: %d names for %d estimates: %w", function, len(names), len(estimates),
			tensor.ErrShape)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("plot: %s: no estimates: %w", function, tensor.ErrEmpty)
	}
	p := c.figure(x, "")
	p.Y.Label.Text = ""
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, e := range estimates {
		if e.Value-e.Value != 0 {
			return nil, fmt.Errorf("plot: %s: estimates[%d] is %v: %w", function, i, e.Value, tensor.ErrNotFinite)
		}
		for _, v := range []float64{e.Value, e.Lo, e.Hi} {
			if v-v == 0 {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if middle == middle {
		lo, hi = min(lo, middle), max(hi, middle)
	}
	margin := max(0.05*(hi-lo), 1e-9*math.Abs(hi), 1e-12)
	lo, hi = lo-margin, hi+margin
	if middle == middle {
		line, err := plotter.NewLine(plotter.XYs{{X: middle, Y: -0.6}, {X: middle, Y: float64(len(names)) - 0.4}})
		if err != nil {
			return nil, fmt.Errorf("plot: %s: %w", function, err)
		}
		line.Color, line.Dashes = color.Gray{0x60}, []vg.Length{vg.Points(2), vg.Points(3)}
		p.Add(line)
	}
	rows := make([]string, len(names))
	for i, e := range estimates {
		y := float64(len(names) - 1 - i) // the first on top
		rows[len(names)-1-i] = names[i]
		bar, err := plotter.NewLine(plotter.XYs{{X: max(lo, finite(e.Lo, lo)), Y: y}, {X: min(hi, finite(e.Hi, hi)), Y: y}})
		if err != nil {
			return nil, fmt.Errorf("plot: %s: %w", function, err)
		}
		bar.Color, bar.Width = faint(colour(i), 0x70), vg.Points(10)
		dot, err := plotter.NewScatter(plotter.XYs{{X: e.Value, Y: y}})
		if err != nil {
			return nil, fmt.Errorf("plot: %s: %w", function, err)
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: colour(i), Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
		p.Add(bar, dot)
	}
	p.NominalY(rows...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	p.X.Min, p.X.Max = lo, hi
	return p, nil
}

// finite is v, or the edge if v is not finite.
func finite(v, edge float64) float64 {
	if v-v != 0 {
		return edge
	}
	return v
}
