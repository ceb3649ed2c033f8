package plot

import (
	"fmt"
	"math"
	"slices"
	"sort"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
)

// TradeoffCurves draws quality over cost: the points of all runs, the median and, of three runs or more, a band
// between quantiles. Where all runs of a method have the same costs the median is that of the qualities there; where
// they do not it is their attainment. A run that failed ends in a cross. Costs are on a logarithmic axis. It takes
// every option but WithLine. The error wraps [tensor.ErrEmpty], [tensor.ErrShape] or, for qualities without a
// logarithm, [tensor.ErrRange].
func TradeoffCurves(runs []tradeoff.Runs, opts ...Option) (*gplot.Plot, error) {
	c, err := configure("TradeoffCurves", opts)
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("plot: TradeoffCurves: no runs: %w", tensor.ErrEmpty)
	}
	p := c.figure("cost", "quality")
	c.costAxis(p)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, r := range runs {
		if _, err := tradeoff.NewRuns(r.Name, r.Curves...); err != nil {
			return nil, fmt.Errorf("plot: TradeoffCurves: runs[%d]: %w", i, err)
		}
		if r.Direction() != runs[0].Direction() {
			return nil, fmt.Errorf("plot: TradeoffCurves: the quality of %q is better when %v, that of %q when %v: %w", r.Name,
				r.Direction(), runs[0].Name, runs[0].Direction(), tensor.ErrShape)
		}
		for _, curve := range r.Curves {
			if curve.Len() > 0 {
				first, last := curve.Costs()
				lo, hi = min(lo, first), max(hi, last)
			}
		}
	}
	for i, r := range runs {
		if err := c.drawRuns(p, i, r); err != nil {
			return nil, fmt.Errorf("plot: TradeoffCurves: %q: %w", r.Name, err)
		}
	}
	for _, q := range c.targets {
		if err := dotted(p, lo, hi, q); err != nil {
			return nil, fmt.Errorf("plot: TradeoffCurves: %w", err)
		}
	}
	room(p)
	if err := c.qualityAxis(p, "TradeoffCurves"); err != nil {
		return nil, err
	}
	beside(p)
	return p, nil
}

func (c config) drawRuns(p *gplot.Plot, i int, r tradeoff.Runs) error {
	median, lower, upper, err := c.quantiles(r)
	if err != nil {
		return err
	}
	if len(lower) > 1 {
		band, err := plotter.NewPolygon(append(c.within(upper), reversed(c.within(lower))...))
		if err != nil {
			return err
		}
		band.Color, band.LineStyle.Width = faint(colour(i), 0x30), 0
		p.Add(band)
	}
	var all plotter.XYs
	for _, curve := range r.Curves {
		all = append(all, xys(curve.Points())...)
	}
	dots, err := plotter.NewScatter(all)
	if err != nil {
		return err
	}
	dots.GlyphStyle.Color, dots.GlyphStyle.Shape, dots.GlyphStyle.Radius = faint(colour(i), 0x90), shape(i), vg.Points(2)
	p.Add(dots)
	line, err := plotter.NewLine(median)
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = colour(i), vg.Points(2), dash(i)
	p.Add(line)
	p.Legend.Add(r.Name, line, dots)
	return c.markFailed(p, i, r)
}

// markFailed puts crosses where runs failed, at their last finite quality.
func (c config) markFailed(p *gplot.Plot, i int, r tradeoff.Runs) error {
	var ends plotter.XYs
	for _, curve := range r.Curves {
		if points := curve.Points(); curve.Failed() && len(points) > 0 {
			ends = append(ends, xys(points[len(points)-1:])...)
		}
	}
	if len(ends) == 0 {
		return nil
	}
	crosses, err := plotter.NewScatter(ends)
	if err != nil {
		return err
	}
	crosses.GlyphStyle.Color, crosses.GlyphStyle.Shape, crosses.GlyphStyle.Radius = colour(i), draw.CrossGlyph{},
		vg.Points(5)
	p.Add(crosses)
	p.Legend.Add(r.Name+", failed", crosses)
	return nil
}

// quantiles is the median and the ends of the band, none of fewer than three runs.
func (c config) quantiles(r tradeoff.Runs) (median, lower, upper plotter.XYs, err error) {
	a, b := (1-c.level)/2, (1+c.level)/2
	if costs, ok := commonCosts(r); ok && r.Failed() == 0 {
		for k, cost := range costs {
			var q []float64
			for _, curve := range r.Curves {
				q = append(q, curve.Points()[k].Quality)
			}
			ends, err := stats.Quantiles(q, 0.5, a, b)
			if err != nil {
				return nil, nil, nil, err
			}
			median = append(median, plotter.XY{X: cost, Y: ends[0]})
			if len(r.Curves) > 2 {
				lower, upper = append(lower, plotter.XY{X: cost, Y: ends[1]}), append(upper, plotter.XY{X: cost, Y: ends[2]})
			}
		}
		return median, lower, upper, nil
	}
	levels, err := pareto.Attainment(r, 0.5, a, b)
	if err != nil {
		return nil, nil, nil, err
	}
	median = staircase(levels[0].Points(), r)
	if len(r.Curves) > 2 {
		lower, upper = band(levels[1], levels[2], r)
	}
	return median, lower, upper, nil
}

// commonCosts is the costs of all curves if they are the same.
func commonCosts(r tradeoff.Runs) ([]float64, bool) {
	var costs []float64
	for i, curve := range r.Curves {
		var mine []float64
		for _, p := range curve.Points() {
			mine = append(mine, p.Cost)
		}
		if i > 0 && !slices.Equal(costs, mine) {
			return nil, false
		}
		costs = mine
	}
	return costs, true
}

// end is the largest cost of all runs.
func end(r tradeoff.Runs) float64 {
	last := 0.0
	for _, curve := range r.Curves {
		_, to := curve.Costs()
		last = max(last, to)
	}
	return last
}

// staircase is attainment as it is: level until the next point, and to the end of the runs.
func staircase(points []tradeoff.Point, r tradeoff.Runs) plotter.XYs {
	var s plotter.XYs
	for i, p := range points {
		if i > 0 {
			s = append(s, plotter.XY{X: p.Cost, Y: points[i-1].Quality})
		}
		s = append(s, plotter.XY{X: p.Cost, Y: p.Quality})
	}
	if n := len(points); n > 0 {
		s = append(s, plotter.XY{X: end(r), Y: points[n-1].Quality})
	}
	return s
}

// band is two staircases over the costs that both have; few attains less than many.
func band(few, many tradeoff.Curve, r tradeoff.Runs) (lower, upper plotter.XYs) {
	if few.Len() == 0 || many.Len() == 0 {
		return nil, nil
	}
	first := max(few.Points()[0].Cost, many.Points()[0].Cost)
	cut := func(c tradeoff.Curve) plotter.XYs {
		q, _ := c.QualityAt(first, tradeoff.FirstHit)
		points := c.Points()
		at := sort.Search(len(points), func(i int) bool { return points[i].Cost > first })
		return staircase(append([]tradeoff.Point{{Cost: first, Quality: q}}, points[at:]...), r)
	}
	return cut(few), cut(many)
}

func reversed(x plotter.XYs) plotter.XYs {
	y := slices.Clone(x)
	slices.Reverse(y)
	return y
}

func xys(points []tradeoff.Point) plotter.XYs {
	x := make(plotter.XYs, len(points))
	for i, p := range points {
		x[i] = plotter.XY{X: p.Cost, Y: p.Quality}
	}
	return x
}
