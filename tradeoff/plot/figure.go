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

var dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{},
	draw.RingGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.PlusGlyph{}}

func colour(i int) color.RGBA                 { return colours[i%len(colours)] }
func shape(i int) draw.GlyphDrawer            { return shapes[i%len(shapes)] }
func dash(i int) []vg.Length                  { return dashes[i/len(colours)%len(dashes)] }
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
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(8), vg.Points(8)
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

// legend puts the legend where the curves are not.
func legend(p *gplot.Plot, top bool) {
	p.Legend.Top, p.Legend.Left = top, false
	if top {
		p.Legend.YOffs = -vg.Points(8)
	}
}
