package causal

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Shift is how good a model is where the association of the labels is another one: a curve over P(v=y), or points under
// other targets. Nothing is resampled to get there. The AUC under any joint distribution of the labels is a quadratic
// form in the AUCs between pairs of combinations of labels, four numbers for two labels, and accuracy and loss are
// linear.
type Shift struct {
	Points []ShiftPoint `json:"points"`
	Scores ScoreKind    `json:"scores"`
	// Threshold is the score above which accuracy takes the prediction to be 1.
	Threshold float64 `json:"threshold"`
	// Warnings are reasons to distrust the intervals, such as combinations with one row.
	Warnings []string `json:"warnings,omitempty"`
}

// ShiftPoint is a model's quality under one joint distribution of the labels.
type ShiftPoint struct {
	Agreement float64        // P(v=y); NaN for a target that was given as a table
	AUC       stats.Estimate // of y by the score
	Accuracy  stats.Estimate
	LogLoss   *stats.Estimate // nil for [RawScore], of which there is none
}

// MarshalJSON writes a missing agreement as null.
func (p ShiftPoint) MarshalJSON() ([]byte, error) {
	return json.Marshal(shiftPoint{report.Number(p.Agreement), p.AUC, p.Accuracy, p.LogLoss})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *ShiftPoint) UnmarshalJSON(b []byte) error {
	var s shiftPoint
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*p = ShiftPoint{float64(s.Agreement), s.AUC, s.Accuracy, s.LogLoss}
	return nil
}

type shiftPoint struct {
	Agreement report.Number   `json:"agreement"`
	AUC       stats.Estimate  `json:"auc"`
	Accuracy  stats.Estimate  `json:"accuracy"`
	LogLoss   *stats.Estimate `json:"log_loss,omitempty"`
}

// ScoreKind is what a score is.
type ScoreKind uint8

// The kinds of scores.
const (
	RawScore    ScoreKind = iota // higher means more likely, and no more; the threshold must be given
	Logit                        // threshold 0
	Probability                  // of y = 1; threshold 1/2
)

var scoreKinds = enum.Of[ScoreKind]("score kind", "raw", "logit", "probability")

// String is "raw", "logit" or "probability".
func (k ScoreKind) String() string { return scoreKinds.String(k) }

// MarshalText writes the name.
func (k ScoreKind) MarshalText() ([]byte, error) { return scoreKinds.Marshal(k) }

// UnmarshalText reads a name.
func (k *ScoreKind) UnmarshalText(text []byte) error { return scoreKinds.Unmarshal(k, text) }

// ShiftOption is a choice of [ShiftCurve] and [ShiftUnder].
type ShiftOption func(*shiftConfig) error

type shiftConfig struct {
	given     option.Given
	kind      ScoreKind
	threshold float64
	interval  []stats.Option
}

// WithScoreKind says what the scores are; default [RawScore].
func WithScoreKind(k ScoreKind) ShiftOption {
	return func(c *shiftConfig) error {
		c.kind = k
		return scoreKinds.Check(k)
	}
}

// WithThreshold sets the score above which the prediction is 1; default 0 for [Logit], 1/2 for [Probability] and 0 for
// [RawScore].
func WithThreshold(t float64) ShiftOption {
	return func(c *shiftConfig) error {
		c.given.Mark("WithThreshold")
		c.threshold = t
		return option.Range(t-t == 0, "WithThreshold", t, "a finite number")
	}
}

// WithInterval sets how the intervals are made, such as stats.WithLevel(0.9) or stats.WithReplicates(1000); default
// percentiles of 1000 bootstrap replicates. Rows are drawn within combinations of labels, so that none can get lost.
func WithInterval(opts ...stats.Option) ShiftOption {
	return func(c *shiftConfig) error {
		c.interval = opts
		return nil
	}
}

// ShiftCurve is a model's quality at each of the given values of P(v=y), in [0, 1], with P(y) as it is in the rows. y
// and v are 0 or 1, scores higher for y = 1. Options are [WithScoreKind], [WithThreshold] and [WithInterval]. The error
// wraps [ErrNoOverlap] and lists the combinations without rows, [ErrLabelRange] for other labels, [tensor.ErrRange]
// for another share, [tensor.ErrShape], [tensor.ErrEmpty] and [tensor.ErrNotFinite]. It ends with ctx.
func ShiftCurve(ctx context.Context, scores []float64, y, v []int, agreement []float64, opts ...ShiftOption) (Shift,
	error) {
	const call = "ShiftCurve"
	c, err := newCellScores(call, scores, y, v)
	if err != nil {
		return Shift{}, err
	}
	for _, level := range c.v {
		if level > 1 {
			return Shift{}, fmt.Errorf("causal: %s: v has the level %d: P(v=y) is of the labels 0 and 1, for others see "+
				"ShiftUnder: %w", call, level, ErrLabelRange)
		}
	}
	if empty := c.missing(); len(empty) > 0 || len(c.v) < 2 {
		if len(c.v) < 2 {
			other := 1 - c.v[0]
			empty = append(empty, Cell{0, other}, Cell{1, other})
		}
		return Shift{}, fmt.Errorf("causal: %s: no row has %v: %w", call, cellNames(empty), ErrNoOverlap)
	}
	positive := float64(c.size[2]+c.size[3]) / float64(len(c.cell))
	var targets [][]float64
	for i, p := range agreement {
		if !(p >= 0 && p <= 1) {
			return Shift{}, fmt.Errorf("causal: %s: agreement[%d] = %v, want a share in [0, 1]: %w", call, i, p, tensor.ErrRange)
		}
		targets = append(targets, []float64{(1 - positive) * p, (1 - positive) * (1 - p), positive * (1 - p), positive * p})
	}
	return c.shift(ctx, call, targets, agreement, opts)
}

// ShiftUnder is a model's quality under joint distributions of y, 0 or 1, and auxiliary labels of any levels: tables of
// shares that sum to 1. Options and errors are those of [ShiftCurve].
func ShiftUnder(ctx context.Context, scores []float64, y, v []int, targets []map[Cell]float64,
	opts ...ShiftOption) (Shift, error) {
	const call = "ShiftUnder"
	c, err := newCellScores(call, scores, y, v)
	if err != nil {
		return Shift{}, err
	}
	var shares [][]float64
	agreement := make([]float64, len(targets))
	for i, target := range targets {
		s, err := c.sharesOf(call, target)
		if err != nil {
			return Shift{}, err
		}
		shares, agreement[i] = append(shares, s), math.NaN()
	}
	return c.shift(ctx, call, shares, agreement, opts)
}

func (c *cellScores) shift(ctx context.Context, call string, targets [][]float64, agreement []float64,
	opts []ShiftOption) (Shift, error) {
	config := shiftConfig{}
	if err := option.Apply("causal: "+call, &config, opts); err != nil {
		return Shift{}, err
	}
	if len(targets) == 0 {
		return Shift{}, fmt.Errorf("causal: %s: no points: %w", call, tensor.ErrEmpty)
	}
	if config.kind == Probability && !config.given.Has("WithThreshold") {
		config.threshold = 0.5
	}
	correct, loss, err := c.rowValues(call, config)
	if err != nil {
		return Shift{}, err
	}
	const outputs = 3
	interval := append([]stats.Option{stats.WithReplicates(1000)}, config.interval...)
	b, err := stats.ResampleCounts(ctx, stats.Strata(c.cell), outputs*len(targets), func() func([]int32, []float64) {
		cells := len(c.size)
		auc, mean, scratch := make([]float64, cells*cells), make([]float64, cells), make([]float64, 3*cells)
		return func(counts []int32, out []float64) {
			c.aucs(counts, auc, scratch)
			for k, t := range targets {
				out[outputs*k] = c.auc(t, auc)
			}
			for m, value := range [][]float64{correct, loss} {
				c.means(counts, value, mean, scratch)
				for k, t := range targets {
					out[outputs*k+1+m] = weightedMean(t, mean)
				}
			}
		}
	}, interval...)
	if err != nil {
		return Shift{}, fmt.Errorf("causal: %s: %w", call, err)
	}
	s := Shift{Scores: config.kind, Threshold: config.threshold, Warnings: c.thin()}
	for k := range targets {
		p := ShiftPoint{Agreement: agreement[k]}
		var e [outputs]stats.Estimate
		for m := range e {
			if e[m], err = b.Estimate(outputs*k + m); err != nil {
				return Shift{}, fmt.Errorf("causal: %s: %w", call, err)
			}
		}
		if p.AUC, p.Accuracy = e[0], e[1]; config.kind != RawScore {
			p.LogLoss = &e[2]
		}
		s.Points = append(s.Points, p)
	}
	return s, nil
}

// rowValues is, for each row, whether the prediction is right and its loss.
func (c *cellScores) rowValues(call string, config shiftConfig) (correct, loss []float64, err error) {
	correct, loss = make([]float64, len(c.cell)), make([]float64, len(c.cell))
	for i, s := range c.scores {
		y := c.cell[i] / len(c.v)
		if (s > config.threshold) == (y == 1) {
			correct[i] = 1
		}
		switch config.kind {
		case Logit:
			loss[i] = max(s, 0) - s*float64(y) + math.Log1p(math.Exp(-math.Abs(s)))
		case Probability:
			if s < 0 || s > 1 {
				return nil, nil, fmt.Errorf("causal: %s: a score is %v, want a probability: %w", call, s, tensor.ErrRange)
			}
			if y == 0 {
				s = 1 - s
			}
			if s == 0 {
				return nil, nil, fmt.Errorf("causal: %s: a row has the probability 0 of its own label, and an infinite loss; "+
					"give logits or clip: %w", call, tensor.ErrRange)
			}
			loss[i] = -math.Log(s)
		}
	}
	return correct, loss, nil
}

// thin warns of combinations that say nothing of their spread.
func (c *cellScores) thin() []string {
	var w []string
	for at, n := range c.size {
		if n == 1 {
			w = append(w, fmt.Sprintf("one row has %v: intervals know nothing of its spread", c.name(at)))
		}
	}
	return w
}

// cellNames joins the names of cells.
func cellNames(cells []Cell) string {
	var names []string
	for _, c := range cells {
		names = append(names, c.String())
	}
	return list(names)
}

// String is a table for people.
func (s Shift) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%8s  %-24s %-24s %s\n", "P(v=y)", "AUC", "accuracy", "log loss")
	for _, p := range s.Points {
		at, loss := fmt.Sprintf("%.3g", p.Agreement), "-"
		if math.IsNaN(p.Agreement) {
			at = "-"
		}
		if p.LogLoss != nil {
			loss = span(*p.LogLoss)
		}
		fmt.Fprintf(&b, "%8s  %-24s %-24s %s\n", at, span(p.AUC), span(p.Accuracy), loss)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

func span(e stats.Estimate) string { return fmt.Sprintf("%.4f [%.4f, %.4f]", e.Value, e.Lo, e.Hi) }
