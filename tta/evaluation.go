package tta

import (
	"fmt"
	"io"
	"strings"

	"github.com/espalier-ml/espalier/internal/svg"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Report is what aggregation changed, against the original view alone, on the same examples.
type Report struct {
	N          int     `json:"n"`
	Classes    int     `json:"classes"`
	Top        int     `json:"top"` // the k of top-k accuracy
	Original   Metrics `json:"original"`
	Aggregated Metrics `json:"aggregated"`

	Corrections  int `json:"corrections"`    // wrong before and right now
	Corruptions  int `json:"corruptions"`    // right before and wrong now
	Changed      int `json:"changed"`        // predictions that differ
	WrongToWrong int `json:"wrong_to_wrong"` // of them, those that are wrong before and after
	// CorruptionsWithin are corruptions to a class of the same superclass, of those [WithSuperclasses] was given.
	CorruptionsWithin int `json:"corruptions_within,omitempty"`

	// Net is the gain of accuracy, corrections less corruptions by examples, with its interval for paired shares.
	Net stats.Estimate `json:"net"`
	// McNemar tests whether corrections and corruptions are as frequent; first are corrections.
	McNemar stats.McNemarTest `json:"mcnemar"`
	// LossDifference is the mean cross-entropy less that of the original view; nil for a single example.
	LossDifference *stats.Estimate `json:"loss_difference,omitempty"`

	PerClass []ClassReport `json:"per_class"`
	// CorruptionPairs are labels and what is predicted instead now, CorrectionPairs labels and what was; most frequent
	// first.
	CorruptionPairs []Confusion `json:"corruption_pairs,omitempty"`
	CorrectionPairs []Confusion `json:"correction_pairs,omitempty"`
	Warnings        []string    `json:"warnings,omitempty"`
}

// Metrics is how good outputs are.
type Metrics struct {
	Correct  int            `json:"correct"`
	Accuracy stats.Estimate `json:"accuracy"`
	Top      float64        `json:"top"`  // share of the labels among the k largest outputs
	Loss     float64        `json:"loss"` // mean cross-entropy, in nats
	// Brier is the mean over examples of the sum over classes of squared errors of probabilities, from 0 to 2.
	Brier float64 `json:"brier"`
	// Calibration is of the predicted class: its probability against how often it is right.
	Calibration stats.Calibration `json:"calibration"`
}

// ClassReport is the changes among the examples of a class.
type ClassReport struct {
	Class             int `json:"class"`
	N                 int `json:"n"`
	OriginalCorrect   int `json:"original_correct"`
	AggregatedCorrect int `json:"aggregated_correct"`
	Corrections       int `json:"corrections"`
	Corruptions       int `json:"corruptions"`
	WrongToWrong      int `json:"wrong_to_wrong"`
	// P is McNemar's exact test of the class, adjusted for testing all classes (Holm 1979).
	P float64 `json:"p"`
}

// Confusion is how often a class is predicted for a label.
type Confusion struct {
	Label     int `json:"label"`
	Predicted int `json:"predicted"`
	N         int `json:"n"`
}

// holm tests the classes.
func (r *Report) holm() error {
	p := make([]float64, len(r.PerClass))
	for c, own := range r.PerClass {
		t, err := stats.McNemar(own.Corrections, own.Corruptions)
		if err != nil {
			return err
		}
		p[c] = t.P
	}
	adjusted, err := stats.Holm(p)
	for c := range adjusted {
		r.PerClass[c].P = adjusted[c]
	}
	return err
}

func (r *Report) warn(e *Evaluator) {
	add := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if e.seenOn > 0 {
		add("the aggregator was fitted on %d of these examples: the gain is not what to expect of others", e.seenOn)
	}
	for _, c := range r.PerClass {
		if c.P < 0.05 && c.Corruptions > c.Corrections {
			add("class %d loses %d of %d examples (adjusted P %.2g)", c.Class, c.Corruptions-c.Corrections, c.N, c.P)
		}
	}
}

// Significant reports whether the numbers of corrections and corruptions differ at a level by McNemar's exact test.
func (r Report) Significant(alpha float64) bool { return r.McNemar.P <= alpha }

// String is the report for people.
func (r Report) String() string {
	var s strings.Builder
	line := func(name string, m Metrics) {
		fmt.Fprintf(&s, "%-11s %6d of %d  %6.2f %%  top-%d %6.2f %%  loss %.4f  Brier %.4f  ECE %.4f\n",
			name, m.Correct, r.N, 100*m.Accuracy.Value, r.Top, 100*m.Top, m.Loss, m.Brier, m.Calibration.ECE)
	}
	line("original", r.Original)
	line("aggregated", r.Aggregated)
	verdict := "no significant change"
	if r.Significant(1 - r.Net.Level) {
		verdict = "significant"
	}
	fmt.Fprintf(&s, "corrections %d, corruptions %d, wrong to wrong %d: %+.2f points [%+.2f, %+.2f], P %.3g, %s\n",
		r.Corrections, r.Corruptions, r.WrongToWrong, 100*r.Net.Value, 100*r.Net.Lo, 100*r.Net.Hi, r.McNemar.P, verdict)
	for _, w := range r.Warnings {
		fmt.Fprintf(&s, "warning: %s\n", w)
	}
	return s.String()
}

// WriteSVG draws the accuracy of each class before and after, and how probabilities compare with what came true.
func (r Report) WriteSVG(w io.Writer) error {
	var before, after svg.Series
	before.Name, after.Name = "original", "aggregated"
	before.Draw, after.Draw = svg.Intervals, svg.Intervals
	for _, c := range r.PerClass {
		if c.N == 0 {
			continue
		}
		n := float64(c.N)
		was, is := float64(c.OriginalCorrect)/n, float64(c.AggregatedCorrect)/n
		before.Points = append(before.Points, svg.Point{X: float64(c.Class) - 0.1, Y: was, Lo: was, Hi: was})
		after.Points = append(after.Points, svg.Point{X: float64(c.Class) + 0.1, Y: is, Lo: is, Hi: is})
	}
	reliability := func(name string, c stats.Calibration) svg.Series {
		s := svg.Series{Name: name}
		for _, b := range c.Bins {
			s.Points = append(s.Points, svg.Point{X: b.Probability, Y: b.Rate, Lo: b.Rate, Hi: b.Rate})
		}
		return s
	}
	return svg.Write(w,
		svg.Chart{Title: "accuracy by class", X: "class", Y: "accuracy", Series: []svg.Series{before, after}},
		svg.Chart{Title: "reliability", X: "probability of the predicted class", Y: "share that is right",
			Series: []svg.Series{reliability("original", r.Original.Calibration),
				reliability("aggregated", r.Aggregated.Calibration),
				{Name: "calibrated", Points: []svg.Point{{}, {X: 1, Y: 1, Lo: 1, Hi: 1}}}}})
}
