package risk

import (
	"fmt"
	"io"

	"github.com/espalier-ml/espalier/internal/svg"
)

// WriteSVG draws the ROC curve and, where the report has them, survival by group, calibration and the decision curve,
// one below the other, as a self-contained SVG image.
func (r Report) WriteSVG(w io.Writer) error {
	unit := [2]float64{0, 1}
	roc := svg.Chart{Title: fmt.Sprintf("AUC %v", r.AUC), X: "1 - specificity", Y: "sensitivity", XRange: unit,
		YRange: unit}
	line := svg.Series{}
	for _, p := range r.ROC {
		line.Points = append(line.Points, svg.Point{X: p.FPR, Y: p.TPR})
	}
	roc.Series = []svg.Series{line, diagonal()}
	charts := []svg.Chart{roc}
	if r.Survival != nil {
		charts = append(charts, r.survivalChart())
	}
	if r.Calibration != nil {
		charts = append(charts, r.Calibration.charts()...)
	}
	return svg.Write(w, charts...)
}

func diagonal() svg.Series {
	return svg.Series{Points: []svg.Point{{X: 0, Y: 0}, {X: 1, Y: 1}}}
}

func (r Report) survivalChart() svg.Chart {
	c := svg.Chart{Title: "without the event, by group", X: "time", Y: "share", YRange: [2]float64{0, 1}}
	for k, steps := range r.Survival.Curves {
		s := svg.Series{Name: fmt.Sprintf("group %d", k+1), Draw: svg.Steps, Points: []svg.Point{{X: 0, Y: 1}}}
		for _, step := range steps {
			s.Points = append(s.Points, svg.Point{X: step.Time, Y: step.S})
		}
		if end := s.Points[len(s.Points)-1]; r.Survival.Last[k] > end.X {
			s.Points = append(s.Points, svg.Point{X: r.Survival.Last[k], Y: end.Y})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func (p CalibrationPart) charts() []svg.Chart {
	bins := svg.Series{Draw: svg.Intervals}
	for _, b := range p.Bins.Bins {
		bins.Points = append(bins.Points, svg.Point{X: b.Probability, Y: b.Rate})
	}
	unit := [2]float64{0, 1}
	calibration := svg.Chart{Title: fmt.Sprintf("calibration, Brier score %.4f", p.Bins.Brier), X: "predicted probability",
		Y: "share with the event", XRange: unit, YRange: unit, Series: []svg.Series{bins, diagonal()}}
	benefit, all := svg.Series{Name: "by the score"}, svg.Series{Name: "treat all"}
	for _, d := range p.Decisions {
		benefit.Points = append(benefit.Points, svg.Point{X: d.Threshold, Y: d.NetBenefit})
		all.Points = append(all.Points, svg.Point{X: d.Threshold, Y: d.TreatAll})
	}
	decisions := svg.Chart{Title: "net benefit", X: "threshold", Y: "true positives per patient",
		Series: []svg.Series{benefit, all}, Levels: []svg.Level{{Y: 0, Name: "treat none"}}}
	return []svg.Chart{calibration, decisions}
}
