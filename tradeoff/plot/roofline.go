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
)

// Kernel is a computation on a machine's roof.
type Kernel struct {
	Name      string
	Intensity float64 // FLOPs per byte that is moved to or from memory, > 0
	Rate      float64 // FLOPs per second that were measured, > 0
}

// Roofline draws computations below what a machine can do (Williams et al. 2009): its peak in FLOPs per second, and
// its bandwidth in bytes per second times the intensity. What lies left of the ridge waits for memory. It takes
// WithTitle and WithLabels. The error wraps [tensor.ErrRange] for a number that is not finite and above 0.
func Roofline(peak, bandwidth float64, kernels []Kernel, opts ...LabelOption) (*gplot.Plot, error) {
	c, err := configure("Roofline", opts)
	if err != nil {
		return nil, err
	}
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 1) }
	if !positive(peak) || !positive(bandwidth) {
		return nil, fmt.Errorf("plot: Roofline: peak %v and bandwidth %v: want finite numbers above 0: %w", peak, bandwidth,
			tensor.ErrRange)
	}
	ridge := peak / bandwidth
	lo, hi, least := ridge/16, ridge*16, peak/32
	for i, k := range kernels {
		if !positive(k.Intensity) || !positive(k.Rate) {
			return nil, fmt.Errorf("plot: Roofline: kernels[%d] has intensity %v and rate %v: want finite numbers above 0: %w",
				i, k.Intensity, k.Rate, tensor.ErrRange)
		}
		lo, hi, least = min(lo, k.Intensity/2), max(hi, k.Intensity*2), min(least, k.Rate/2)
	}
	p := c.figure("FLOPs per byte", "FLOPs per second")
	p.X.Scale, p.X.Tick.Marker = gplot.LogScale{}, steps{}
	p.Y.Scale, p.Y.Tick.Marker = gplot.LogScale{}, steps{}
	start := max(lo, least/bandwidth)
	roof, err := plotter.NewLine(plotter.XYs{{X: start, Y: bandwidth * start}, {X: ridge, Y: peak}, {X: hi, Y: peak}})
	if err != nil {
		return nil, fmt.Errorf("plot: Roofline: %w", err)
	}
	roof.Color, roof.Width = color.RGBA{0x30, 0x30, 0x60, 0xff}, vg.Points(2)
	p.Add(roof)
	p.Legend.Add("roof", roof)
	for i, k := range kernels {
		dot, err := plotter.NewScatter(plotter.XYs{{X: k.Intensity, Y: k.Rate}})
		if err != nil {
			return nil, fmt.Errorf("plot: Roofline: %w", err)
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: colour(i), Shape: shape(i), Radius: vg.Points(4)}
		p.Add(dot)
		p.Legend.Add(fmt.Sprintf("%s, %.0f%% of the roof", k.Name, 100*k.Rate/min(peak, bandwidth*k.Intensity)), dot)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, least, 1.5*peak
	beside(p)
	return p, nil
}
