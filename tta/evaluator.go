package tta

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Evaluator compares aggregated outputs with those of the original view, example by example. It keeps about 50 bytes an
// example and no outputs, can be merged with others, and is not safe for concurrent use.
type Evaluator struct {
	classes  int // that are told apart
	config   evaluatorConfig
	scratch  []float32
	original tally
	new      tally
	seen     []judged
	seenOn   int // examples that the aggregator was fitted on
}

// judged is an example: its class and what the original view and the aggregate say.
type judged struct{ label, original, new int32 }

// tally is what one of the two adds up to.
type tally struct {
	top        int // labels among the first k
	loss       []float64
	brier      []float64
	confidence []float64
}

// EvaluatorOption is a choice of [NewEvaluator] and [Evaluate].
type EvaluatorOption interface{ forEvaluator(*evaluatorConfig) error }

type evaluatorChoice func(*evaluatorConfig) error

func (f evaluatorChoice) forEvaluator(c *evaluatorConfig) error { return f(c) }

type evaluatorConfig struct {
	top          int
	bins         int
	binning      stats.Binning
	superclasses []int
	level        float64
	workers      int
}

// WithTop sets the k of top-k accuracy, 1 or more; default 5, or the number of classes if there are fewer.
func WithTop(k int) EvaluatorOption {
	return evaluatorChoice(func(c *evaluatorConfig) error {
		c.top = k
		return option.Range(k >= 1, "WithTop", k, "1 or more")
	})
}

// WithBins sets the bins of the calibration error and how they are made; default 15 of equal width.
func WithBins(n int, how stats.Binning) EvaluatorOption {
	return evaluatorChoice(func(c *evaluatorConfig) error {
		c.bins, c.binning = n, how
		return option.Range(n >= 1 && n <= 1<<20, "WithBins", n, "1 to 2^20")
	})
}

// WithSuperclasses sets the superclass of each class, so that corruptions within one are counted apart; default none.
func WithSuperclasses(of []int) EvaluatorOption {
	return evaluatorChoice(func(c *evaluatorConfig) error {
		c.superclasses = of
		return option.Nil(len(of) > 0, "WithSuperclasses")
	})
}

// WithLevel sets the coverage of intervals, in (0, 1); default 0.95.
func WithLevel(level float64) EvaluatorOption {
	return evaluatorChoice(func(c *evaluatorConfig) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithLevel", level, "a value in (0, 1)")
	})
}

// NewEvaluator is for outputs of the given width: one for a single logit of two classes. The error wraps
// [tensor.ErrRange] or [tensor.ErrShape].
func NewEvaluator(classes int, opts ...EvaluatorOption) (*Evaluator, error) {
	const call = "NewEvaluator"
	c := evaluatorConfig{top: min(5, labelsOf(classes)), bins: 15, level: 0.95}
	if err := option.Apply("tta: "+call, &c, choices(opts, EvaluatorOption.forEvaluator)); err != nil {
		return nil, err
	}
	switch wide := labelsOf(classes); {
	case classes < 1:
		return nil, fmt.Errorf("tta: %s: %d classes: %w", call, classes, tensor.ErrRange)
	case c.top > wide:
		return nil, fmt.Errorf("tta: %s: WithTop(%d) of %d classes: %w", call, c.top, wide, tensor.ErrRange)
	case c.superclasses != nil && len(c.superclasses) != wide:
		return nil, fmt.Errorf("tta: %s: %d superclasses for %d classes: %w",
			call, len(c.superclasses), wide, tensor.ErrShape)
	}
	return &Evaluator{classes: labelsOf(classes), config: c, scratch: make([]float32, labelsOf(classes))}, nil
}

// Evaluate compares an aggregator with the original view on labelled outputs, which must be others than those it was
// fitted on; if they are not, the report warns. The error is that of [Aggregate], or wraps [ErrIdentity] or [ErrLabel].
func Evaluate(o *Outputs, a Aggregator, opts ...EvaluatorOption) (Report, error) {
	const call = "Evaluate"
	if err := o.labelled(call); err != nil {
		return Report{}, err
	}
	if err := matches(call, o, a); err != nil {
		return Report{}, err
	}
	view, err := o.original(call)
	if err != nil {
		return Report{}, err
	}
	e, err := NewEvaluator(o.classes, opts...)
	if err != nil {
		return Report{}, err
	}
	out := aggregate(o, a, e.config.workers)
	for n, y := range o.labels {
		if err := e.Add(o.View(n, view), out.Row(n), y); err != nil {
			return Report{}, err
		}
	}
	for inner := a; inner != nil; {
		if f, ok := inner.(*Fitted); ok {
			e.seenOn = f.fittedOn(o)
		}
		s, ok := inner.(*Scaled)
		if !ok {
			break
		}
		inner = s.of
	}
	return e.Report()
}

// Add adds an example: the outputs of the original view, the aggregated ones and the class. Errors wrap
// [tensor.ErrShape], [tensor.ErrNotFinite] or [ErrLabel]; the example is then not counted.
func (e *Evaluator) Add(original, aggregated []float32, label int) error {
	n := len(e.seen)
	for _, x := range []struct {
		name string
		out  []float32
	}{{"original", original}, {"aggregated", aggregated}} {
		if labelsOf(len(x.out)) != e.classes {
			return fmt.Errorf("tta: Evaluator.Add: %d %s outputs of example %d, want %d classes: %w",
				len(x.out), x.name, n, e.classes, tensor.ErrShape)
		}
		if err := tensor.ValidateFinite(x.name, x.out); err != nil {
			return fmt.Errorf("tta: Evaluator.Add: example %d: %w", n, err)
		}
	}
	if label < 0 || label >= e.classes {
		return fmt.Errorf("tta: Evaluator.Add: label %d of example %d, want 0 to %d: %w", label, n, e.classes-1, ErrLabel)
	}
	e.seen = append(e.seen, judged{int32(label), int32(e.original.add(e, original, label)),
		int32(e.new.add(e, aggregated, label))})
	return nil
}

// add judges an output and returns the class it predicts.
func (t *tally) add(e *Evaluator, x []float32, label int) int {
	p := e.scratch
	if len(x) == 1 {
		p[0], p[1] = -x[0]/2, x[0]/2
	} else {
		copy(p, x)
	}
	rank := 0
	for c, v := range p {
		if v > p[label] || v == p[label] && c < label {
			rank++
		}
	}
	if rank < e.config.top {
		t.top++
	}
	t.loss = append(t.loss, crossEntropy(x, label))
	best := predicted(x)
	brier, confidence := 0.0, 0.0
	sum := tensor.LogSumExp(p)
	for c, v := range p {
		q := math.Exp(float64(v) - sum)
		if c == best {
			confidence = min(q, 1)
		}
		if c == label {
			q -= 1
		}
		brier += q * q
	}
	t.brier = append(t.brier, brier)
	t.confidence = append(t.confidence, confidence)
	return best
}

// Merge adds the examples of another evaluator of the same classes and options, after its own. The error wraps
// [tensor.ErrShape] or [tensor.ErrConflict].
func (e *Evaluator) Merge(other *Evaluator) error {
	switch {
	case other == nil || other.classes != e.classes:
		return fmt.Errorf("tta: Evaluator.Merge: of other classes: %w", tensor.ErrShape)
	case other.config.top != e.config.top || other.config.bins != e.config.bins ||
		other.config.binning != e.config.binning || !slices.Equal(other.config.superclasses, e.config.superclasses):
		return fmt.Errorf("tta: Evaluator.Merge: of other options: %w", tensor.ErrConflict)
	}
	e.seen = append(e.seen, other.seen...)
	e.original.merge(other.original)
	e.new.merge(other.new)
	e.seenOn += other.seenOn
	return nil
}

func (t *tally) merge(o tally) {
	t.top += o.top
	t.loss = append(t.loss, o.loss...)
	t.brier = append(t.brier, o.brier...)
	t.confidence = append(t.confidence, o.confidence...)
}

// Report compares what was added. The error wraps [tensor.ErrEmpty] if that is nothing.
func (e *Evaluator) Report() (Report, error) {
	if len(e.seen) == 0 {
		return Report{}, fmt.Errorf("tta: Evaluator.Report: no examples: %w", tensor.ErrEmpty)
	}
	r := Report{N: len(e.seen), Classes: e.classes, Top: e.config.top}
	level := stats.WithLevel(e.config.level)
	var err error
	right := func(of func(judged) int32) []bool {
		out := make([]bool, len(e.seen))
		for i, j := range e.seen {
			out[i] = of(j) == j.label
		}
		return out
	}
	if r.Original, err = e.original.metrics(e, right(func(j judged) int32 { return j.original })); err != nil {
		return Report{}, err
	}
	if r.Aggregated, err = e.new.metrics(e, right(func(j judged) int32 { return j.new })); err != nil {
		return Report{}, err
	}
	e.changes(&r)
	if r.McNemar, err = stats.McNemar(r.Corrections, r.Corruptions); err != nil {
		return Report{}, err
	}
	if r.Net, err = stats.PairedShares(r.Corrections, r.Corruptions, r.N, level); err != nil {
		return Report{}, err
	}
	if r.N > 1 {
		d, err := stats.PairedDifference(e.new.loss, e.original.loss, level)
		if err != nil {
			return Report{}, err
		}
		r.LossDifference = &d
	}
	if err := r.holm(); err != nil {
		return Report{}, err
	}
	r.warn(e)
	return r, nil
}

func (t *tally) metrics(e *Evaluator, right []bool) (Metrics, error) {
	m := Metrics{Top: float64(t.top) / float64(len(right))}
	for _, ok := range right {
		if ok {
			m.Correct++
		}
	}
	var err error
	if m.Accuracy, err = stats.Share(m.Correct, len(right), stats.WithLevel(e.config.level)); err != nil {
		return m, err
	}
	m.Loss, m.Brier = average(t.loss), average(t.brier)
	m.Calibration, err = stats.Calibrate(t.confidence, right, e.config.bins, e.config.binning)
	return m, err
}

// changes counts what became right and wrong.
func (e *Evaluator) changes(r *Report) {
	r.PerClass = make([]ClassReport, e.classes)
	corruptions, corrections := map[Confusion]int{}, map[Confusion]int{}
	for c := range r.PerClass {
		r.PerClass[c].Class = c
	}
	for _, j := range e.seen {
		c := &r.PerClass[j.label]
		c.N++
		was, is := j.original == j.label, j.new == j.label
		if was {
			c.OriginalCorrect++
		}
		if is {
			c.AggregatedCorrect++
		}
		if j.original != j.new {
			r.Changed++
		}
		switch {
		case was && !is:
			r.Corruptions++
			c.Corruptions++
			corruptions[Confusion{Label: int(j.label), Predicted: int(j.new)}]++
			if s := e.config.superclasses; s != nil && s[j.label] == s[j.new] {
				r.CorruptionsWithin++
			}
		case !was && is:
			r.Corrections++
			c.Corrections++
			corrections[Confusion{Label: int(j.label), Predicted: int(j.original)}]++
		case j.original != j.new:
			r.WrongToWrong++
			c.WrongToWrong++
		}
	}
	r.CorruptionPairs, r.CorrectionPairs = sorted(corruptions), sorted(corrections)
}

// sorted lists pairs, the most frequent first.
func sorted(count map[Confusion]int) []Confusion {
	var all []Confusion
	for p, n := range count {
		p.N = n
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Confusion) int {
		return cmp.Or(b.N-a.N, a.Label-b.Label, a.Predicted-b.Predicted)
	})
	return all
}
