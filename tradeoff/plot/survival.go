package plot

import (
	"fmt"
	"math"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Survival draws the share of the runs that have not reached the target, by cost, for each method in order. Upright
// strokes are runs that ended before they reached it, and a cross at the right end is runs that failed. It takes
// WithTitle, WithLabels and WithLinearCost. The error wraps [tensor.ErrEmpty] or [tensor.ErrShape].
func Survival(names []string, curves []stats.Survival, opts ...CostOption) (*gplot.Plot, error) {
	c, err := configure("Survival", opts)
	if err != nil {
		return nil, err
	}
	if len(names) != len(curves) {
		return nil, fmt.Errorf("plot: Survival: %d names for %d curves: %w", len(names), len(curves), tensor.ErrShape)
	}
	if len(curves) == 0 {
		return nil, fmt.Errorf("plot: Survival: no curves: %w", tensor.ErrEmpty)
	}
	p := c.figure("cost", "share of the runs short of the target")
	c.costAxis(p)
	first, last := math.Inf(1), 0.0
	for _, s := range curves {
		for _, step := range s.Steps() {
			if step.Time > 0 {
				first = min(first, step.Time)
			}
		}
		last = max(last, s.Last())
	}
	if first > last {
		first = last // nobody reached it
	}
	for i, s := range curves {
		start := first / 1.2
		points := plotter.XYs{{X: start, Y: s.At(start)}}
		for _, step := range s.Steps() {
			if step.Time > 0 {
				points = append(points, plotter.XY{X: step.Time, Y: step.S})
			}
		}
		points = append(points, plotter.XY{X: max(s.Last(), start*1.01), Y: s.At(s.Last())})
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("plot: Survival: %q: %w", names[i], err)
		}
		line.StepStyle, line.Color, line.Width, line.Dashes = plotter.PostStep, colour(i), vg.Points(2), dash(i)
		p.Add(line)
		p.Legend.Add(names[i], line)
		if err := censored(p, i, s); err != nil {
			return nil, fmt.Errorf("plot: Survival: %q: %w", names[i], err)
		}
	}
	p.Y.Min, p.Y.Max = 0, 1.02
	beside(p)
	return p, nil
}

// censored marks lifetimes that ended without their event.
func censored(p *gplot.Plot, i int, s stats.Survival) error {
	var ended, never plotter.XYs
	for _, t := range s.Censored() {
		if math.IsInf(t, 1) {
			never = plotter.XYs{{X: max(s.Last(), p.X.Min), Y: s.At(s.Last())}}
		} else if t > 0 {
			ended = append(ended, plotter.XY{X: t, Y: s.At(t)})
		}
	}
	for _, marks := range []struct {
		at    plotter.XYs
		glyph draw.GlyphDrawer
	}{{ended, stroke{}}, {never, draw.CrossGlyph{}}} {
		if len(marks.at) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(marks.at)
		if err != nil {
			return err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: colour(i), Radius: vg.Points(5), Shape: marks.glyph}
		p.Add(dots)
	}
	return nil
}

// stroke is the mark that survival curves have for what was censored.
type stroke struct{}

// DrawGlyph draws an upright stroke.
func (stroke) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.StrokeLine2(draw.LineStyle{Color: style.Color, Width: vg.Points(1.2)}, at.X, at.Y-style.Radius, at.X,
		at.Y+style.Radius)
}
