package plot

import (
	"fmt"
	"slices"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
)

// ParetoFront draws methods by cost and quality with a sign for each verdict, and the front of those that lie on it.
// It takes WithTitle, WithLabels, WithTargets, WithQualityRange, WithLogQuality and WithLinearCost. The error wraps
// [tensor.ErrEmpty] or, for qualities without a logarithm, [tensor.ErrRange].
func ParetoFront(standings []pareto.Standing, dir tradeoff.Direction, opts ...FrontOption) (*gplot.Plot, error) {
	c, err := configure("ParetoFront", opts)
	if err != nil {
		return nil, err
	}
	if len(standings) == 0 {
		return nil, fmt.Errorf("plot: ParetoFront: no standings: %w", tensor.ErrEmpty)
	}
	p := c.figure("cost", "quality")
	c.costAxis(p)
	var on plotter.XYs
	var names plotter.XYLabels
	groups := map[pareto.Verdict]plotter.XYs{}
	for _, s := range standings {
		at := plotter.XY{X: s.Cost, Y: s.Quality}
		groups[s.Verdict] = append(groups[s.Verdict], at)
		if s.Verdict == pareto.OnFrontier {
			on = append(on, at)
		}
		names.XYs, names.Labels = append(names.XYs, at), append(names.Labels, " "+s.Name)
	}
	slices.SortFunc(on, func(a, b plotter.XY) int {
		if a.X < b.X {
			return -1
		}
		return 1
	})
	line, err := plotter.NewLine(on)
	if err == nil {
		line.Color, line.Width = faint(colour(0), 0x80), vg.Points(1.5)
		line.StepStyle = plotter.PostStep
		p.Add(line)
	}
	for i, v := range []pareto.Verdict{pareto.OnFrontier, pareto.Ambiguous, pareto.Dominated} {
		if len(groups[v]) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(groups[v])
		if err != nil {
			return nil, fmt.Errorf("plot: ParetoFront: %w", err)
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: colour(i), Radius: vg.Points(4),
			Shape: []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}}[i]}
		p.Add(dots)
		p.Legend.Add(v.String(), dots)
	}
	labels, err := plotter.NewLabels(names)
	if err != nil {
		return nil, fmt.Errorf("plot: ParetoFront: %w", err)
	}
	labels.Offset = vg.Point{X: vg.Points(2), Y: vg.Points(4)}
	p.Add(labels)
	for _, q := range c.targets {
		if err := dotted(p, p.X.Min, p.X.Max, q); err != nil {
			return nil, fmt.Errorf("plot: ParetoFront: %w", err)
		}
	}
	room(p)
	widen(p, c.linear)
	if err := c.qualityAxis(p, "ParetoFront"); err != nil {
		return nil, err
	}
	beside(p)
	return p, nil
}

// widen makes room for labels on the right, and around what has no extent.
func widen(p *gplot.Plot, linear bool) {
	if linear {
		p.X.Max += 0.15 * (p.X.Max - p.X.Min)
	} else if p.X.Min > 0 {
		p.X.Max *= 1 + 0.15*(p.X.Max/p.X.Min-1)/(p.X.Max/p.X.Min)
	}
	margin := 0.05 * (p.Y.Max - p.Y.Min)
	if p.Y.Min > margin || p.Y.Min <= 0 { // a logarithmic axis must not reach 0
		p.Y.Min -= margin
	}
	p.Y.Max += margin
}
