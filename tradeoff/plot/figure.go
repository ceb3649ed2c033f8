package plot

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/espalier-ml/espalier/tensor"
)

// The size that Save gives figures.
const (
	width  = 7 * vg.Inch
	height = 4.5 * vg.Inch
	margin = 0.1 * vg.Inch
)

// Save writes a figure of 7 by 4.5 inches to a file whose name ends in .svg, .png or .pdf, among others. The error
// wraps [tensor.ErrRange] for other endings.
func Save(p *gplot.Plot, path string) error {
	if p == nil {
		return fmt.Errorf("plot: Save: no plot: %w", tensor.ErrEmpty)
	}
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	if !slices.Contains([]string{"svg", "png", "pdf", "eps", "jpg", "jpeg", "tif", "tiff"}, format) {
		return fmt.Errorf("plot: Save: %q ends in neither .svg, .png nor .pdf: %w", path, tensor.ErrRange)
	}
	canvas, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	_, err = canvas.WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// colours that people with any kind of colour vision can tell apart (Okabe and Ito 2008).
var colours = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff}, {0x9a, 0x8c, 0x00, 0xff},
}

// dashes differ from one method to the next, so that of curves that lie on each other both are seen.
var dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(4)}, {vg.Points(2), vg.Points(3)},
	{vg.Points(9), vg.Points(3), vg.Points(2), vg.Points(3)}}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{},
	draw.RingGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.PlusGlyph{}}

func colour(i int) color.RGBA                 { return colours[i%len(colours)] }
func shape(i int) draw.GlyphDrawer            { return shapes[i%len(shapes)] }
func dash(i int) []vg.Length                  { return dashes[(i+i/len(colours))%len(dashes)] }
func faint(c color.RGBA, a uint8) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, a} }

// figure makes an empty plot.
func (c config) figure(x, y string) *gplot.Plot {
	p := gplot.New()
	p.Title.Text = c.title
	p.X.Label.Text, p.Y.Label.Text = cmp.Or(c.x, x), cmp.Or(c.y, y)
	for _, size := range []*font.Length{&p.X.Label.TextStyle.Font.Size, &p.Y.Label.TextStyle.Font.Size,
		&p.Legend.TextStyle.Font.Size} {
		*size = vg.Points(12)
	}
	p.Title.Padding, p.Legend.Padding = vg.Points(6), vg.Points(2)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	return p
}

// costAxis makes the horizontal axis one of costs.
func (c config) costAxis(p *gplot.Plot) {
	if c.linear {
		return
	}
	p.X.Scale, p.X.Tick.Marker = gplot.LogScale{}, steps{}
}

// qualityAxis shows the qualities that were asked for, on the axis that was asked for.
func (c config) qualityAxis(p *gplot.Plot, figure string) error {
	if c.lo < c.hi {
		p.Y.Min, p.Y.Max = c.lo, c.hi
	}
	if !c.logQuality {
		return nil
	}
	if p.Y.Min <= 0 {
		return fmt.Errorf("plot: %s: WithLogQuality, and qualities begin at %v: %w", figure, p.Y.Min, tensor.ErrRange)
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min/1.5, p.Y.Max*1.5
	}
	p.Y.Scale, p.Y.Tick.Marker = gplot.LogScale{}, steps{}
	return nil
}

// within is a line of which what lies beyond the qualities that are shown lies at the edge: areas are not clipped.
func (c config) within(points plotter.XYs) plotter.XYs {
	if !(c.lo < c.hi) {
		return points
	}
	var cut plotter.XYs
	for i, p := range points {
		if i > 0 {
			cut = append(cut, c.crossings(points[i-1], p)...)
		}
		cut = append(cut, plotter.XY{X: p.X, Y: min(max(p.Y, c.lo), c.hi)})
	}
	return cut
}

// crossings is where the straight line between two points, on the axes as they are, passes the edges, in order.
func (c config) crossings(a, b plotter.XY) plotter.XYs {
	x, back := math.Log, math.Exp
	if c.linear {
		x, back = func(v float64) float64 { return v }, func(v float64) float64 { return v }
	}
	y := func(v float64) float64 { return v }
	if c.logQuality {
		y = math.Log
	}
	edges := []float64{c.lo, c.hi}
	if a.Y > b.Y {
		edges = []float64{c.hi, c.lo}
	}
	var at plotter.XYs
	for _, edge := range edges {
		if edge > min(a.Y, b.Y) && edge < max(a.Y, b.Y) {
			part := (y(edge) - y(a.Y)) / (y(b.Y) - y(a.Y))
			at = append(at, plotter.XY{X: back(x(a.X) + part*(x(b.X)-x(a.X))), Y: edge})
		}
	}
	return at
}

// room widens an axis of costs that holds a single one: on a logarithmic axis gonum would go below 0.
func room(p *gplot.Plot) {
	if p.X.Min == p.X.Max {
		p.X.Min, p.X.Max = p.X.Min/1.5, p.X.Max*1.5
	}
}

// steps marks an axis of factors at 1, 2 and 5 times powers of ten, or at powers of ten alone if those were too many.
type steps struct{}

func (steps) Ticks(lo, hi float64) []gplot.Tick {
	const most = 9
	if !(lo > 0 && hi > lo) {
		return []gplot.Tick{{Value: max(lo, hi), Label: label(max(lo, hi))}}
	}
	first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
	for _, per := range [][]float64{{1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1}} {
		var ticks []gplot.Tick
		for e := first; e <= last; e++ {
			for _, m := range per {
				if v := m * math.Pow10(e); v >= lo*(1-1e-9) && v <= hi*(1+1e-9) {
					ticks = append(ticks, gplot.Tick{Value: v, Label: label(v)})
				}
			}
		}
		if len(ticks) <= most || len(per) == 1 {
			if len(ticks) == 0 {
				ticks = []gplot.Tick{{Value: lo, Label: label(lo)}, {Value: hi, Label: label(hi)}}
			}
			return ticks
		}
	}
	return nil
}

func label(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e6 || math.Abs(v) < 1e-3) {
		return strconv.FormatFloat(v, 'e', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// dotted draws a line across the whole plot at a value of the vertical axis.
func dotted(p *gplot.Plot, lo, hi, y float64) error {
	l, err := plotter.NewLine(plotter.XYs{{X: lo, Y: y}, {X: hi, Y: y}})
	if err != nil {
		return err
	}
	l.Color, l.Dashes, l.Width = color.Gray{0x60}, []vg.Length{vg.Points(1), vg.Points(3)}, vg.Points(1.2)
	p.Add(l)
	return nil
}
