package plot

import (
	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// key is a legend to the right of the data, which makes room for it.
type key struct{ gplot.Legend }

const keyGap = 10 // points between the data and the legend

// beside moves the legend of a plot out of its data.
func beside(p *gplot.Plot) {
	k := &key{p.Legend}
	k.Top, k.Left, k.XOffs, k.YOffs = true, true, 0, 0
	p.Legend = gplot.NewLegend()
	p.Legend.TextStyle = k.TextStyle
	p.Add(k)
}

// Plot draws the legend.
func (k *key) Plot(c draw.Canvas, _ *gplot.Plot) {
	c.Min.X = c.Max.X + vg.Points(keyGap)
	c.Max.X = c.Min.X + k.width()
	k.Draw(c)
}

// GlyphBoxes asks for room on the right.
func (k *key) GlyphBoxes(*gplot.Plot) []gplot.GlyphBox {
	if k.width() <= 0 {
		return nil
	}
	return []gplot.GlyphBox{{X: 1, Y: 0.5, Rectangle: vg.Rectangle{Max: vg.Point{X: vg.Points(keyGap) + k.width()}}}}
}

func (k *key) width() vg.Length { return k.Rectangle(draw.Canvas{}).Size().X }
