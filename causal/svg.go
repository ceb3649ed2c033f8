package causal

import (
	"io"

	"github.com/espalier-ml/espalier/internal/svg"
)

// WriteSVG draws the AUC and the accuracy over P(v=y), with their intervals, as a self-contained SVG image. Points
// under targets that were given as tables are numbered instead.
func (s Shift) WriteSVG(w io.Writer) error { return svg.Write(w, s.chart()) }

func (s Shift) chart() svg.Chart {
	c := svg.Chart{Title: "quality under shifts of the labels' association", X: "P(v=y)", Y: "AUC, accuracy"}
	auc, accuracy := svg.Series{Name: "AUC"}, svg.Series{Name: "accuracy"}
	for i, p := range s.Points {
		at := p.Agreement
		if at != at {
			at, c.X = float64(i), "target"
		}
		auc.Points = append(auc.Points, svg.Point{X: at, Y: p.AUC.Value, Lo: p.AUC.Lo, Hi: p.AUC.Hi})
		accuracy.Points = append(accuracy.Points, svg.Point{X: at, Y: p.Accuracy.Value, Lo: p.Accuracy.Lo, Hi: p.Accuracy.Hi})
	}
	c.Series = []svg.Series{auc, accuracy}
	return c
}

// WriteSVG draws how well scores tell each level within the classes and, where there is one, the shift curve, as a
// self-contained SVG image.
func (r AuditReport) WriteSVG(w io.Writer) error {
	c := svg.Chart{Title: "verdict: " + r.Verdict.String(), X: "auxiliary label", Y: "AUC of the label within y",
		YRange: [2]float64{0, 1}, Levels: []svg.Level{{Y: 0.5, Name: "tells nothing"}}}
	s := svg.Series{Draw: svg.Intervals}
	for _, l := range r.Levels {
		s.Points = append(s.Points, svg.Point{X: float64(l.V), Y: l.AUC.Value, Lo: l.AUC.Lo, Hi: l.AUC.Hi})
	}
	c.Series = []svg.Series{s}
	charts := []svg.Chart{c}
	if r.Shift != nil {
		charts = append(charts, r.Shift.chart())
	}
	return svg.Write(w, charts...)
}
