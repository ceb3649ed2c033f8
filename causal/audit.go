package causal

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// AuditReport is whether a model uses an auxiliary label as a shortcut, as far as its scores on test data tell.
type AuditReport struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"` // of the verdict, in a sentence
	Rows    int     `json:"rows"`
	Unknown int     `json:"unknown,omitempty"` // rows without a known auxiliary label, which are not counted

	Overlap *Overlap `json:"overlap,omitempty"` // of the test labels; nil if a combination is missing
	// Training is the association of the labels that the model was trained with, Cramér's V.
	Training float64 `json:"training_association"`
	// Levels is how well the score tells the auxiliary label within a class of y: of two levels one entry, of more one for
	// each level against the others.
	Levels []LevelAudit `json:"levels"`
	// Independence tests the score against the auxiliary label within the classes, or the representation if there is
	// one, of 2000 rows drawn if there are more.
	Independence *Independence `json:"independence,omitempty"`
	Shift        *Shift        `json:"shift,omitempty"` // of two levels, where all combinations are there
	Missing      []string      `json:"missing,omitempty"`
}

// LevelAudit is how well the score tells a level of the auxiliary label from the others within a class of y.
type LevelAudit struct {
	V int `json:"v"`
	// AUC is that of the level by the score among rows of the same y, the mean over classes weighted by their pairs, and
	// turned so that above 1/2 is the direction in which the training data associate the level with y = 1.
	AUC stats.Estimate `json:"auc"`
	// Sign is that direction: 1 if the level goes with y = 1, -1 if with y = 0.
	Sign int `json:"sign"`
}

// Verdict is what an audit concludes.
type Verdict uint8

// The verdicts.
const (
	CannotTell    Verdict = iota // the data do not decide it
	Clean                        // no dependence, and none beyond the margin is compatible with the data
	UsesShortcut                 // scores lean on the auxiliary label in the direction of the training data
	OverCorrected                // scores lean against that direction, as penalties without weights make them
)

var verdicts = enum.Of[Verdict]("verdict", "cannot tell", "clean", "uses the shortcut", "over-corrected")

// String is the verdict's name.
func (v Verdict) String() string { return verdicts.String(v) }

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return verdicts.Marshal(v) }

// UnmarshalText reads a name.
func (v *Verdict) UnmarshalText(text []byte) error { return verdicts.Unmarshal(v, text) }

// AuditInput is the rows of test data that an audit looks at.
type AuditInput struct {
	Score []float64 // of the model, higher for y = 1
	Y     []int     // 0 or 1
	V     []int     // auxiliary labels, of any levels; [Unknown] where it is not known
	// Z is the representation, a row each; may be empty.
	Z tensor.Matrix[float64]
	// TrainY and TrainV are the labels that the model was trained with; nil for those of the test data. They decide which
	// direction is that of the shortcut.
	TrainY, TrainV []int
}

// AuditOption is a choice of [Audit].
type AuditOption func(*auditConfig) error

type auditConfig struct {
	level  float64
	margin float64
	seed   uint64
	shift  []ShiftOption
	points []float64
}

// WithAuditLevel sets the level of tests, in (0, 1/2); default 0.05. Intervals have the coverage of one minus twice
// that, so that one that lies within the margin is a test of equivalence at the level.
func WithAuditLevel(level float64) AuditOption {
	return func(c *auditConfig) error {
		c.level = level
		return option.Range(level > 0 && level < 0.5, "WithAuditLevel", level, "a value in (0, 1/2)")
	}
}

// WithMargin sets how far the AUC of the auxiliary label within y may be from 1/2 for a model to be called clean, in
// (0, 1/2); default 0.1.
func WithMargin(margin float64) AuditOption {
	return func(c *auditConfig) error {
		c.margin = margin
		return option.Range(margin > 0 && margin < 0.5, "WithMargin", margin, "a value in (0, 1/2)")
	}
}

// WithAuditSeed sets the seed of resamples; default 0.
func WithAuditSeed(seed uint64) AuditOption {
	return func(c *auditConfig) error {
		c.seed = seed
		return nil
	}
}

// WithShift sets the values of P(v=y) of the shift curve and its options; default 0.1 to 0.9 and none.
func WithShift(agreement []float64, opts ...ShiftOption) AuditOption {
	return func(c *auditConfig) error {
		c.points, c.shift = agreement, opts
		return option.Nil(len(agreement) > 0, "WithShift")
	}
}

// Audit looks at the scores of a model, trained anywhere, on test data with both labels. Accuracy on data like those of
// training cannot show a shortcut; that scores tell v among rows of the same y does.
//
// What cannot be estimated is absent from the report, with the reason in Missing, and is no number. Options are
// [WithAuditLevel], [WithMargin], [WithAuditSeed] and [WithShift]. Errors wrap [tensor.ErrShape],
// [tensor.ErrNotFinite], [tensor.ErrEmpty] and [ErrLabelRange].
func Audit(ctx context.Context, in AuditInput, opts ...AuditOption) (AuditReport, error) {
	const call = "Audit"
	c := auditConfig{level: 0.05, margin: 0.1, points: []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9}}
	if err := option.Apply("causal: "+call, &c, opts); err != nil {
		return AuditReport{}, err
	}
	cells, err := newCellScores(call, in.Score, in.Y, in.V)
	if err != nil {
		return AuditReport{}, err
	}
	if in.Z.Rows > 0 && in.Z.Rows != len(in.Y) {
		return AuditReport{}, fmt.Errorf("causal: %s: Z has %d rows for %d scores: %w",
			call, in.Z.Rows, len(in.Y), tensor.ErrShape)
	}
	r := AuditReport{Rows: len(cells.cell), Unknown: len(in.Y) - len(cells.cell)}
	direction, err := r.training(call, in)
	if err != nil {
		return AuditReport{}, err
	}
	if w, err := FitWeights(in.Y, in.V, WithUnknownRows()); err == nil {
		o := w.Overlap()
		r.Overlap = &o
	} else {
		r.miss("the weights: %v", err)
	}
	if err := r.tell(ctx, call, cells, direction, c); err != nil {
		return AuditReport{}, err
	}
	if err := r.test(ctx, in, c); err != nil {
		return AuditReport{}, err
	}
	if err := r.curve(ctx, in, cells, c); err != nil {
		return AuditReport{}, err
	}
	r.decide(cells, c)
	return r, nil
}

func (r *AuditReport) miss(format string, args ...any) {
	r.Missing = append(r.Missing, fmt.Sprintf(format, args...))
}

// training finds the association of the training labels, and for each level of v the sign of its association with y,
// 0 where it is within rounding and sampling error of none.
func (r *AuditReport) training(call string, in AuditInput) (map[int]int, error) {
	y, v := in.TrainY, in.TrainV
	if y == nil && v == nil {
		y, v = in.Y, in.V
	}
	if len(y) != len(v) {
		return nil, fmt.Errorf("causal: %s: %d main and %d auxiliary training labels: %w",
			call, len(y), len(v), tensor.ErrShape)
	}
	c, err := newCellScores(call, make([]float64, len(y)), y, v)
	if err != nil {
		return nil, err
	}
	table := make([]float64, len(c.size))
	positive, n := 0.0, float64(len(c.cell))
	for at, k := range c.size {
		table[at] = float64(k)
		if at >= len(c.v) {
			positive += float64(k)
		}
	}
	_, r.Training = association(table, len(c.v))
	sign := map[int]int{}
	for j, level := range c.v {
		own := table[j] + table[len(c.v)+j]
		excess := table[len(c.v)+j] - own*positive/n
		// Two standard deviations of a count with fixed margins.
		spread := 2 * math.Sqrt(own*(n-own)*positive*(n-positive)/(n*n*max(n-1, 1)))
		switch {
		case excess > spread:
			sign[level] = 1
		case excess < -spread:
			sign[level] = -1
		}
	}
	return sign, nil
}

// tell estimates how well scores tell each level within the classes of y.
func (r *AuditReport) tell(ctx context.Context, call string, c *cellScores, direction map[int]int,
	config auditConfig) error {
	levels, cells := len(c.v), len(c.size)
	if levels < 2 {
		r.miss("the AUC of v within y: all rows have v=%d", c.v[0])
		return nil
	}
	first := 0
	if levels == 2 {
		first = 1 // the other is its mirror image
	}
	var estimable []int
	for j := first; j < levels; j++ {
		if c.within(j, nil, nil) == 0 {
			r.miss("the AUC of v=%d within y: no class of y has both it and another level; no row has %s",
				c.v[j], cellNames(c.missing()))
			continue
		}
		estimable = append(estimable, j)
	}
	if len(estimable) == 0 {
		return nil
	}
	b, err := stats.ResampleCounts(ctx, stats.Strata(c.cell), len(estimable), func() func([]int32, []float64) {
		auc, scratch := make([]float64, cells*cells), make([]float64, 3*cells)
		return func(counts []int32, out []float64) {
			c.aucs(counts, auc, scratch)
			for k, j := range estimable {
				sum := 0.0
				pairs := c.within(j, auc, &sum)
				out[k] = sum / pairs
				if direction[c.v[j]] < 0 {
					out[k] = 1 - out[k]
				}
			}
		}
	}, stats.WithReplicates(2000), stats.WithSeed(config.seed), stats.WithLevel(1-2*config.level))
	if err != nil {
		return fmt.Errorf("causal: %s: %w", call, err)
	}
	for k, j := range estimable {
		e, err := b.Estimate(k)
		if err != nil {
			return fmt.Errorf("causal: %s: %w", call, err)
		}
		r.Levels = append(r.Levels, LevelAudit{V: c.v[j], AUC: e, Sign: direction[c.v[j]]})
	}
	return nil
}

// within counts the pairs of a row of level j and one of another level in the same class of y, and adds up the AUCs of
// the pairs.
func (c *cellScores) within(j int, auc []float64, sum *float64) (pairs float64) {
	levels, cells := len(c.v), len(c.size)
	for y := range 2 {
		own := y*levels + j
		for k := range levels {
			other := y*levels + k
			n := float64(c.size[own]) * float64(c.size[other])
			if k == j || n == 0 {
				continue
			}
			pairs += n
			if auc != nil {
				*sum += n * auc[own*cells+other]
			}
		}
	}
	return pairs
}

func (r *AuditReport) test(ctx context.Context, in AuditInput, c auditConfig) error {
	z, kernel := in.Z, MedianRBF()
	if z.Rows == 0 {
		z, kernel = tensor.Of(len(in.Score), 1, in.Score), Energy()
	}
	y, v := in.Y, in.V
	const most = 2000
	if r.Rows > most && in.Z.Rows > 0 {
		z, y, v = sample(z, y, v, most, c.seed)
	}
	t, err := IndependenceTest(ctx, z, y, v, kernel, stats.WithReplicates(999), stats.WithSeed(c.seed))
	if err != nil {
		return err
	}
	t.Null = nil
	r.Independence = &t
	return nil
}

// sample draws rows with a known label.
func sample(z tensor.Matrix[float64], y, v []int, n int, seed uint64) (tensor.Matrix[float64], []int, []int) {
	var rows []int
	for i := range v {
		if v[i] != Unknown {
			rows = append(rows, i)
		}
	}
	rng := tensor.Stream(seed)
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	out := tensor.NewMatrix[float64](n, z.Cols)
	outY, outV := make([]int, n), make([]int, n)
	for k, i := range rows[:n] {
		copy(out.Row(k), z.Row(i))
		outY[k], outV[k] = y[i], v[i]
	}
	return out, outY, outV
}

func (r *AuditReport) curve(ctx context.Context, in AuditInput, cells *cellScores, c auditConfig) error {
	if len(cells.v) != 2 || cells.v[1] > 1 {
		r.miss("the shift curve: v has %d levels, and the curve over P(v=y) is of the levels 0 and 1", len(cells.v))
		return nil
	}
	if empty := cells.missing(); len(empty) > 0 {
		r.miss("the shift curve: no row has %s", cellNames(empty))
		return nil
	}
	opts := append([]ShiftOption{WithInterval(stats.WithSeed(c.seed))}, c.shift...)
	s, err := ShiftCurve(ctx, in.Score, in.Y, in.V, c.points, opts...)
	if err != nil {
		return err
	}
	r.Shift = &s
	return nil
}

// decide gives the verdict: the worst level decides.
func (r *AuditReport) decide(c *cellScores, config auditConfig) {
	set := func(v Verdict, format string, args ...any) { r.Verdict, r.Reason = v, fmt.Sprintf(format, args...) }
	switch t := r.Independence; {
	case len(r.Levels) == 0:
		set(CannotTell, "no class of y has rows of two levels of v, so that nothing can be compared")
		return
	case !t.CanReject(config.level):
		set(CannotTell, "the test has %g assignments and could not have given a P below %.3g", t.Assignments, t.Smallest)
		return
	}
	worst := r.Levels[0]
	for _, l := range r.Levels {
		if math.Abs(l.AUC.Value-0.5) > math.Abs(worst.AUC.Value-0.5) {
			worst = l
		}
	}
	e := worst.AUC
	switch significant := r.Independence.P <= config.level; {
	case significant && worst.Sign == 0:
		set(CannotTell, "scores depend on v (P %.3g), and the training labels have no association that would tell which "+
			"way is the shortcut", r.Independence.P)
	case significant && e.Lo > 0.5:
		set(UsesShortcut, "among rows of the same y, scores tell v=%d with an AUC of %.3f in the direction of the "+
			"training data (P %.3g)", worst.V, e.Value, r.Independence.P)
	case significant && e.Hi < 0.5:
		set(OverCorrected, "among rows of the same y, scores lean against the training data's direction of v=%d, with an "+
			"AUC of %.3f (P %.3g)", worst.V, e.Value, r.Independence.P)
	case significant:
		set(CannotTell, "scores depend on v (P %.3g), but not by being higher or lower: AUC %s", r.Independence.P, span(e))
	case r.within(config.margin):
		set(Clean, "scores do not depend on v among rows of the same y (P %.3g), and an AUC further than %g from 1/2 can "+
			"be ruled out", r.Independence.P, config.margin)
	default:
		set(CannotTell, "no dependence was found (P %.3g), but an AUC of %.3f cannot be ruled out: more rows with rare "+
			"combinations of labels are needed", r.Independence.P, furthest(e))
	}
}

// within reports whether the intervals of all levels lie within a margin of 1/2.
func (r *AuditReport) within(margin float64) bool {
	for _, l := range r.Levels {
		if !(l.AUC.Lo > 0.5-margin && l.AUC.Hi < 0.5+margin) {
			return false
		}
	}
	return true
}

// furthest is the end of an interval that is further from 1/2.
func furthest(e stats.Estimate) float64 {
	if e.Hi-0.5 > 0.5-e.Lo {
		return e.Hi
	}
	return e.Lo
}

// String is the report for people.
func (r AuditReport) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "verdict: %v\n%s\n", r.Verdict, r.Reason)
	fmt.Fprintf(&s, "%d rows", r.Rows)
	if r.Unknown > 0 {
		fmt.Fprintf(&s, ", %d more without a known auxiliary label", r.Unknown)
	}
	fmt.Fprintf(&s, "; the training labels have a Cramér's V of %.3f\n", r.Training)
	for _, l := range r.Levels {
		fmt.Fprintf(&s, "AUC of v=%d within y: %s\n", l.V, span(l.AUC))
	}
	if t := r.Independence; t != nil {
		fmt.Fprintf(&s, "independence within y: P %.4g of at least %.3g\n", t.P, t.Smallest)
	}
	if r.Overlap != nil {
		s.WriteString(r.Overlap.String())
	}
	if r.Shift != nil {
		s.WriteString(r.Shift.String())
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&s, "not estimable: %s\n", m)
	}
	return s.String()
}
