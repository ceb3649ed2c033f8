package pipeline

import (
	"io"
	"math"

	"github.com/espalier-ml/espalier/internal/svg"
)

// WriteSVG draws the shares of the phases as bars and, where there is one, the roofline, as a self-contained SVG image.
func (r Report) WriteSVG(w io.Writer) error {
	bars := svg.Chart{Title: "verdict: " + r.Verdict.String(), X: "phase", Y: "share of the time %"}
	s := svg.Series{Draw: svg.Bars}
	for i, p := range append(append([]PhaseTime(nil), r.Phases...), r.Residual) {
		bars.Names = append(bars.Names, p.Name)
		s.Points = append(s.Points, svg.Point{X: float64(i), Y: 100 * p.Share})
	}
	bars.Series = []svg.Series{s}
	charts := []svg.Chart{bars}
	if l := r.Roofline; l != nil {
		lo, hi := min(l.Intensity, l.Ridge)/4, max(l.Intensity, l.Ridge)*4
		roof := svg.Series{Name: "roof"}
		for k := range 41 {
			x := lo * math.Pow(hi/lo, float64(k)/40)
			roof.Points = append(roof.Points, svg.Point{X: x, Y: math.Log10(min(l.Flops, x*l.Peaks.Bytes))})
		}
		own := svg.Series{Name: "this loop", Draw: svg.Intervals,
			Points: []svg.Point{{X: l.Intensity, Y: math.Log10(l.Attained)}}}
		charts = append(charts, svg.Chart{Title: "roofline", X: "operations a byte", Y: "log10 FLOP/s", LogX: true,
			Series: []svg.Series{roof, own}})
	}
	return svg.Write(w, charts...)
}
