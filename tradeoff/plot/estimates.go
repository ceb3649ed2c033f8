package plot

import (
	"fmt"
	"slices"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// EstimateCurves draws estimates[i][k] of method i at at[k], with the band of their intervals. Two figures of Agarwal
// et al. 2021 are of this kind: sample-efficiency curves, where at is costs and an estimate the aggregate of the scores
// reached by then, and performance profiles, where at is scores and an estimate the share of the runs above
// (score.Scores.ProfileIntervals), for which WithLinearCost is right. It takes WithTitle, WithLabels and
// WithLinearCost.
//
// The error wraps [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrRange] for an axis that does not rise or, if it is
// logarithmic, begins at 0 or below, or [tensor.ErrNotFinite].
func EstimateCurves(names []string, at []float64, estimates [][]stats.Estimate,
	opts ...CostOption) (*gplot.Plot, error) {
	const call = "plot: EstimateCurves: "
	c, err := configure("EstimateCurves", opts)
	if err != nil {
		return nil, err
	}
	if len(names) != len(estimates) {
		return nil, fmt.Errorf(call+"%d names for estimates of %d: %w", len(names), len(estimates), tensor.ErrShape)
	}
	if len(names) == 0 || len(at) == 0 {
		return nil, fmt.Errorf(call+"%d names and %d places: %w", len(names), len(at), tensor.ErrEmpty)
	}
	for k, x := range at {
		switch {
		case x-x != 0:
			return nil, fmt.Errorf(call+"at[%d] = %v: %w", k, x, tensor.ErrNotFinite)
		case k > 0 && x <= at[k-1]:
			return nil, fmt.Errorf(call+"at[%d] = %v after %v: %w", k, x, at[k-1], tensor.ErrRange)
		case x <= 0 && !c.linear:
			return nil, fmt.Errorf(call+"at[%d] = %v has no place on a logarithmic axis; WithLinearCost: %w", k, x,
				tensor.ErrRange)
		}
	}
	p := c.figure("cost", "estimate")
	c.costAxis(p)
	for i, row := range estimates {
		if len(row) != len(at) {
			return nil, fmt.Errorf(call+"%q has %d estimates for %d places: %w", names[i], len(row), len(at), tensor.ErrShape)
		}
		if err := estimateCurve(p, i, names[i], at, row); err != nil {
			return nil, fmt.Errorf(call+"%q: %w", names[i], err)
		}
	}
	room(p)
	beside(p)
	return p, nil
}

// estimateCurve draws one method. Where an end of an interval is infinite the band has a gap.
func estimateCurve(p *gplot.Plot, i int, name string, at []float64, row []stats.Estimate) error {
	var line, lower, upper plotter.XYs
	band := func() error {
		if len(lower) < 2 {
			lower, upper = nil, nil
			return nil
		}
		area, err := plotter.NewPolygon(append(slices.Clone(upper), reversed(lower)...))
		if err != nil {
			return err
		}
		area.Color, area.LineStyle.Width = faint(colour(i), 0x30), 0
		p.Add(area)
		lower, upper = nil, nil
		return nil
	}
	for k, e := range row {
		if e.Value-e.Value != 0 {
			return fmt.Errorf("estimate %d is %v: %w", k, e.Value, tensor.ErrNotFinite)
		}
		line = append(line, plotter.XY{X: at[k], Y: e.Value})
		if e.Lo-e.Lo == 0 && e.Hi-e.Hi == 0 {
			lower, upper = append(lower, plotter.XY{X: at[k], Y: e.Lo}), append(upper, plotter.XY{X: at[k], Y: e.Hi})
		} else if err := band(); err != nil {
			return err
		}
	}
	if err := band(); err != nil {
		return err
	}
	l, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	l.Color, l.Width, l.Dashes = colour(i), vg.Points(2), dash(i)
	p.Add(l)
	p.Legend.Add(name, l)
	return nil
}
