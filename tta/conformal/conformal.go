package conformal

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Score is how unlike an example a class is, the higher the less alike.
type Score struct {
	cumulative bool
	lambda     float64
	rank       int
}

// LAC is one less the probability: the smallest sets on average (Sadinle et al. 2019).
func LAC() Score { return Score{} }

// APS is the probability of all classes before a class, from the surest on, and a random share of its own: sets that
// grow where the model is unsure.
func APS() Score { return Score{cumulative: true} }

// RAPS is APS plus lambda for each rank of the class beyond the given one, the surest having rank 1.
func RAPS(lambda float64, rank int) Score { return Score{true, lambda, rank} }

// String is the score's name.
func (s Score) String() string {
	switch {
	case !s.cumulative:
		return "LAC"
	case s.lambda == 0:
		return "APS"
	}
	return fmt.Sprintf("RAPS (lambda %g, rank %d)", s.lambda, s.rank)
}

// Option is a choice of [Calibrate].
type Option func(*config) error

type config struct {
	seed       uint64
	fixed      bool
	allowEmpty bool
	byClass    bool
}

// WithSeed sets the seed of the random shares of APS and RAPS; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithoutRandomization counts all of a class's own probability: coverage is then above the level wanted with non-empty
// sets.
func WithoutRandomization() Option {
	return func(c *config) error {
		c.fixed = true
		return nil
	}
}

// WithEmptySets lets sets be empty. By default the surest class is always in.
func WithEmptySets() Option {
	return func(c *config) error {
		c.allowEmpty = true
		return nil
	}
}

// WithClasses has a threshold for each class, so that each is covered with the probability wanted.
func WithClasses() Option {
	return func(c *config) error {
		c.byClass = true
		return nil
	}
}

// Calibrated makes sets. It is immutable.
type Calibrated struct {
	score     Score
	config    config
	threshold []float64 // by class
	classes   int
	Warnings  []string
}

// Calibrate finds the thresholds: the k-th smallest score of the labels, with k = ceil((n+1)(1-alpha)). Rows of outputs
// are numbers whose softmax is the predicted distribution, or single logits of two classes. If there are fewer rows
// than 1/alpha - 1, of a class with [WithClasses], every class is in every set, and Warnings say how many it takes.
//
// Errors wrap [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite], or [tensor.ErrRange] for labels, for alpha
// outside (0, 1) or for a lambda or rank below 0.
func Calibrate(outputs tensor.Matrix[float32], labels []int, s Score, alpha float64, opts ...Option) (*Calibrated,
	error) {
	const call = "conformal: Calibrate"
	var c config
	if err := option.Apply(call, &c, opts); err != nil {
		return nil, err
	}
	if !(alpha > 0 && alpha < 1) || !(s.lambda >= 0) || s.rank < 0 {
		return nil, fmt.Errorf("%s: alpha %v and score %v: %w", call, alpha, s, tensor.ErrRange)
	}
	if err := check(call, outputs, labels); err != nil {
		return nil, err
	}
	r := &Calibrated{score: s, config: c, classes: max(outputs.Cols, 2)}
	scores := make([][]float64, r.classes)
	w := newWork(r.classes)
	for n, y := range labels {
		r.scores(w, outputs.Row(n), tensor.Stream(c.seed, 0, uint64(n)).Float64())
		if !c.byClass {
			scores[0] = append(scores[0], w.score[y])
			continue
		}
		scores[y] = append(scores[y], w.score[y])
	}
	for y := range r.classes {
		if !c.byClass && y > 0 {
			r.threshold = append(r.threshold, r.threshold[0])
			continue
		}
		q, ok := quantile(scores[y], alpha)
		if !ok {
			of := "examples"
			if c.byClass {
				of = fmt.Sprintf("examples of class %d", y)
			}
			r.Warnings = append(r.Warnings, fmt.Sprintf("%d %s: it takes %d for alpha %g, and until then all classes are in",
				len(scores[y]), of, int(math.Ceil(1/alpha-1-1e-9)), alpha))
		}
		r.threshold = append(r.threshold, q)
	}
	return r, nil
}

// quantile is the k-th smallest score, and false and infinity if there are too few.
func quantile(scores []float64, alpha float64) (float64, bool) {
	n := len(scores)
	// 1-alpha is not exact, and a k that rounding raises by one costs coverage's price for nothing.
	k := int(math.Ceil(float64(n+1)*(1-alpha) - 1e-9))
	if k > n {
		return math.Inf(1), false
	}
	slices.Sort(scores)
	return scores[max(k, 1)-1], true
}

func check(call string, outputs tensor.Matrix[float32], labels []int) error {
	if err := outputs.Validate(); err != nil {
		return fmt.Errorf("%s: outputs: %w", call, err)
	}
	switch {
	case outputs.Rows == 0 || outputs.Cols == 0:
		return fmt.Errorf("%s: no outputs: %w", call, tensor.ErrEmpty)
	case outputs.Rows != len(labels):
		return fmt.Errorf("%s: %d labels for %d rows: %w", call, len(labels), outputs.Rows, tensor.ErrShape)
	}
	for n, y := range labels {
		if y < 0 || y >= max(outputs.Cols, 2) {
			return fmt.Errorf("%s: label %d of row %d: %w", call, y, n, tensor.ErrRange)
		}
		if err := tensor.ValidateFinite("outputs", outputs.Row(n)); err != nil {
			return fmt.Errorf("%s: row %d: %w", call, n, err)
		}
	}
	return nil
}

// work is the scratch memory of scores.
type work struct {
	p, score []float64
	order    []int
}

func newWork(classes int) *work {
	return &work{make([]float64, classes), make([]float64, classes), make([]int, classes)}
}

// scores fills w with the scores of all classes and their order, the surest first. Calibration and sets share it, so
// that the label that set a threshold is in its own set.
func (r *Calibrated) scores(w *work, x []float32, u float64) {
	if len(x) == 1 {
		w.p[0], w.p[1] = 0, float64(x[0])
	} else {
		for c, v := range x {
			w.p[c] = float64(v)
		}
	}
	tensor.Softmax(w.p, w.p)
	for c := range w.order {
		w.order[c] = c
	}
	slices.SortFunc(w.order, func(a, b int) int { return cmp.Or(cmp.Compare(w.p[b], w.p[a]), a-b) })
	if r.config.fixed {
		u = 1
	}
	before := 0.0
	for rank, c := range w.order {
		if !r.score.cumulative {
			w.score[c] = 1 - w.p[c]
			continue
		}
		w.score[c] = before + u*w.p[c] + r.score.lambda*float64(max(0, rank+1-r.score.rank))
		before += w.p[c]
	}
}

// Threshold is the largest score that is in, for a class; +Inf if everything is.
func (r *Calibrated) Threshold(class int) float64 { return r.threshold[class] }

// Set appends the classes of an example to dst, the surest first. key tells examples apart for the random share: the
// same example with the same key has the same set. It panics with an error that wraps [tensor.ErrShape] for a row of
// another width.
func (r *Calibrated) Set(dst []int, outputs []float32, key uint64) []int {
	if max(len(outputs), 2) != r.classes || len(outputs) == 0 {
		panic(fmt.Errorf("conformal: Set: %d outputs for %d classes: %w", len(outputs), r.classes, tensor.ErrShape))
	}
	w := newWork(r.classes)
	r.scores(w, outputs, tensor.Stream(r.config.seed, 1, key).Float64())
	for rank, c := range w.order {
		if w.score[c] <= r.threshold[c] || rank == 0 && !r.config.allowEmpty {
			dst = append(dst, c)
		}
	}
	return dst
}

// Report is how sets do on labelled examples.
type Report struct {
	N        int            `json:"n"`
	Coverage stats.Estimate `json:"coverage"` // share of the sets that hold the label
	MeanSize float64        `json:"mean_size"`
	Empty    int            `json:"empty"`
	Sizes    []int          `json:"sizes"` // sets by size, from 0 on
	// ByClass is the coverage of each class; nil for a class without examples.
	ByClass []*stats.Estimate `json:"by_class"`
}

// Evaluate makes the sets of labelled examples, row n with key n. Errors are those of [Calibrate].
func (r *Calibrated) Evaluate(outputs tensor.Matrix[float32], labels []int) (Report, error) {
	const call = "conformal: Evaluate"
	if err := check(call, outputs, labels); err != nil {
		return Report{}, err
	}
	if max(outputs.Cols, 2) != r.classes {
		return Report{}, fmt.Errorf("%s: %d outputs for %d classes: %w", call, outputs.Cols, r.classes, tensor.ErrShape)
	}
	report := Report{N: len(labels), Sizes: make([]int, r.classes+1), ByClass: make([]*stats.Estimate, r.classes)}
	in, of := make([]int, r.classes), make([]int, r.classes)
	covered, total := 0, 0
	var set []int
	for n, y := range labels {
		set = r.Set(set[:0], outputs.Row(n), uint64(n))
		report.Sizes[len(set)]++
		total += len(set)
		of[y]++
		if slices.Contains(set, y) {
			in[y]++
			covered++
		}
	}
	report.Empty, report.MeanSize = report.Sizes[0], float64(total)/float64(len(labels))
	var err error
	if report.Coverage, err = stats.Share(covered, len(labels)); err != nil {
		return Report{}, err
	}
	for y, n := range of {
		if n == 0 {
			continue
		}
		e, err := stats.Share(in[y], n)
		if err != nil {
			return Report{}, err
		}
		report.ByClass[y] = &e
	}
	return report, nil
}
