package maddness

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [Fit], [FitTargets], [FitEncoder], [Encoder.Bind] and [New].
type Option func(*config) error

type config struct {
	given map[string]bool

	codebooks   int
	ridge       float64
	metric      Metric
	metricDims  int
	candidates  int
	refine      int
	wide        int
	grouping    Grouping
	columns     [][]int
	splitter    Splitter
	paper       bool
	trainRows   int
	validation  float64
	heldOut     float64 // error of the chosen variant; NaN without validation
	seed        uint64
	meter       *meter
	workers     int
	bias        []float32
	relu        bool
	bits        int
	aggregation Aggregation
}

// Metric is what the trees of a fit keep together: the rows of one leaf should be alike in it.
type Metric uint8

// The metrics.
const (
	// OutputSSE is the squared error of what the columns of a codebook contribute to the product: x_J * B_J. It needs
	// to know B, and is the more accurate.
	OutputSSE Metric = iota
	// InputSSE is the squared error of the columns themselves, whatever they are multiplied with: the paper's choice.
	InputSSE
)

// Grouping is how columns are divided among codebooks.
type Grouping uint8

// The groupings.
const (
	// Contiguous gives each codebook D/C neighbouring columns, and one more to each of the first D mod C.
	Contiguous Grouping = iota
	// OutputCovariance puts columns together whose contributions to the product vary together: groups of the same
	// sizes, grown greedily by |cov(x_i, x_j) * <b_i, b_j>| from the column of most energy. It helps where D/C is 8 or
	// more.
	OutputCovariance
)

// String is the name of the grouping.
func (g Grouping) String() string {
	if g == OutputCovariance {
		return "OutputCovariance"
	}
	return "Contiguous"
}

// Aggregation is how the table entries of a row are added up. The zero value is [Exact].
type Aggregation uint32

// Exact adds int8 entries, which have a scale for each output, exactly.
const Exact Aggregation = 0

const (
	averaging  = 1
	saturating = 2
)

// Average is the paper's approximation for processors without wide sums: within groups of u codebooks, entries of 8
// bits without sign are averaged in pairs, each average rounding up, and the expected excess is taken off at the end. u
// is a power of two, 1 to 256, and divides the number of codebooks. All outputs share one scale, as in the reference.
// It loses accuracy, about u/8 squared units per entry, and is here to compare with.
func Average(u int) Aggregation { return aggregate(averaging, u) }

// Saturate is Bolt's approximation: within groups of u codebooks, 1 to 256, entries of 8 bits without sign are added
// and clipped at 255. u divides the number of codebooks. All outputs share one scale, set so that a group's sum is
// clipped from four standard deviations on.
func Saturate(u int) Aggregation { return aggregate(saturating, u) }

func aggregate(kind, u int) Aggregation {
	if u < 0 || u > 1<<20 {
		u = 0 // refused by WithAggregation
	}
	return Aggregation(u<<2 | kind)
}

func (a Aggregation) kind() int  { return int(a & 3) }
func (a Aggregation) group() int { return int(a >> 2) }

// String is the call that makes a.
func (a Aggregation) String() string {
	switch a.kind() {
	case averaging:
		return fmt.Sprintf("Average(%d)", a.group())
	case saturating:
		return fmt.Sprintf("Saturate(%d)", a.group())
	}
	return "Exact"
}

// validate says what is wrong with a; codebooks 0 means that their number is not known yet.
func (a Aggregation) validate(codebooks int) error {
	u := a.group()
	var want string
	switch {
	case a == Exact:
	case a.kind() == averaging && (u < 1 || u > 256 || u&(u-1) != 0):
		want = "a power of two, 1 to 256"
	case a.kind() == saturating && (u < 1 || u > 256):
		want = "1 to 256"
	case a.kind() != averaging && a.kind() != saturating:
		return fmt.Errorf("aggregation %d is none: %w", uint32(a), tensor.ErrRange)
	case codebooks%u != 0:
		want = fmt.Sprintf("a divisor of the %d codebooks", codebooks)
	}
	if want != "" {
		return fmt.Errorf("%v: want %s: %w", a, want, tensor.ErrRange)
	}
	return nil
}

// WithCodebooks sets the number C of codebooks, at least 1 and at most the number of columns; default 16, or as many as
// [WithColumns] names. Each costs four comparisons and M table entries per row; the error falls roughly as 1/C.
func WithCodebooks(c int) Option {
	return func(o *config) error {
		if c < 1 {
			return fmt.Errorf("maddness: WithCodebooks(%d): want at least 1: %w", c, tensor.ErrRange)
		}
		o.codebooks = c
		return o.set("WithCodebooks")
	}
}

// WithRidge sets the penalty lambda on the squares of table entries, in rows: an entry that n training rows use shrinks
// by about n/(n+lambda). Greater than 0; default 1.
func WithRidge(lambda float64) Option {
	return func(o *config) error {
		if !(lambda > 0) || math.IsInf(lambda, 1) {
			return fmt.Errorf("maddness: WithRidge(%v): want a finite number above 0: %w", lambda, tensor.ErrRange)
		}
		o.ridge = lambda
		return o.set("WithRidge")
	}
}

// WithMetric sets what the trees keep together; default [OutputSSE], and [InputSSE] for [FitEncoder], which cannot know
// outputs.
func WithMetric(m Metric) Option {
	return func(o *config) error {
		if m > InputSSE {
			return fmt.Errorf("maddness: WithMetric(%d): %w", m, tensor.ErrRange)
		}
		o.metric = m
		return o.set("WithMetric")
	}
}

// WithMetricDims sets to how many principal directions outputs are reduced while splits are searched, at least 1;
// default 16. It has no effect on [InputSSE] without [WithRefine].
func WithMetricDims(q int) Option {
	return func(o *config) error {
		if q < 1 {
			return fmt.Errorf("maddness: WithMetricDims(%d): want at least 1: %w", q, tensor.ErrRange)
		}
		o.metricDims = q
		return o.set("WithMetricDims")
	}
}

// WithCandidates restricts each level of a tree to the n columns, of those it may look at, with the largest squared
// error within buckets, as the paper does with 4; default 0, all of them.
func WithCandidates(n int) Option {
	return func(o *config) error {
		if n < 0 {
			return fmt.Errorf("maddness: WithCandidates(%d): want 0 or more: %w", n, tensor.ErrRange)
		}
		o.candidates = n
		return o.set("WithCandidates")
	}
}

// WithRefine sets the number of passes of coordinate descent after the first fit, 0 or more; default 2. In each, every
// tree is fitted anew to what the others leave of the targets, and kept if that lowers the squared error.
func WithRefine(passes int) Option {
	return func(o *config) error {
		if passes < 0 {
			return fmt.Errorf("maddness: WithRefine(%d): want 0 or more: %w", passes, tensor.ErrRange)
		}
		o.refine = passes
		return o.set("WithRefine")
	}
}

// WithWide sets how many columns, those most correlated with what is to be explained, a tree may look at in refinement
// beside its own; 0 or more, default 32.
func WithWide(columns int) Option {
	return func(o *config) error {
		if columns < 0 {
			return fmt.Errorf("maddness: WithWide(%d): want 0 or more: %w", columns, tensor.ErrRange)
		}
		o.wide = columns
		return o.set("WithWide")
	}
}

// WithGrouping sets how columns are divided among codebooks; default [Contiguous].
func WithGrouping(g Grouping) Option {
	return func(o *config) error {
		if g > OutputCovariance {
			return fmt.Errorf("maddness: WithGrouping(%d): %w", g, tensor.ErrRange)
		}
		o.grouping = g
		return o.set("WithGrouping")
	}
}

// WithColumns says which columns each codebook may look at, instead of a grouping. Groups may overlap and need not
// cover all columns; [WithWide](0) keeps refinement inside of them.
func WithColumns(groups [][]int) Option {
	return func(o *config) error {
		if len(groups) == 0 {
			return fmt.Errorf("maddness: WithColumns: no groups: %w", tensor.ErrEmpty)
		}
		o.columns = nil
		for c, g := range groups {
			own := slices.Clone(g)
			slices.Sort(own)
			if len(own) == 0 {
				return fmt.Errorf("maddness: WithColumns: group %d is empty: %w", c, tensor.ErrEmpty)
			}
			if own[0] < 0 {
				return fmt.Errorf("maddness: WithColumns: group %d names column %d: %w", c, own[0], tensor.ErrRange)
			}
			if n := len(own); len(slices.Compact(own)) < n {
				return fmt.Errorf("maddness: WithColumns: group %d names a column twice: %w", c, tensor.ErrRange)
			}
			o.columns = append(o.columns, own)
		}
		return o.set("WithColumns")
	}
}

// WithSplitter sets the search for splits; default [Exhaustive].
func WithSplitter(s Splitter) Option {
	return func(o *config) error {
		if s == nil {
			return fmt.Errorf("maddness: WithSplitter(nil): %w", tensor.ErrEmpty)
		}
		o.splitter = s
		return o.set("WithSplitter")
	}
}

// WithPaper makes the reference's choices with unquantised thresholds: [InputSSE], 4 candidates, [Contiguous] groups,
// no refinement, prototypes that shrink towards the means of their buckets, and [Average] over 16 codebooks, or over
// the largest power of two that divides their number. The options for these may not be given beside it, except
// [WithAggregation], and it is not for [FitTargets].
func WithPaper() Option {
	return func(o *config) error {
		o.paper, o.metric, o.candidates, o.grouping, o.refine = true, InputSSE, 4, Contiguous, 0
		return errors.Join(o.set("WithPaper"), o.set("WithMetric"), o.set("WithMetricDims"), o.set("WithCandidates"), o.set("WithRefine"),
			o.set("WithWide"), o.set("WithGrouping"), o.set("WithColumns"), o.set("WithSplitter"), o.set("WithValidation"))
	}
}

// WithTrainRows sets how many training rows are used at most, at least 1; default 65536. If there are more, that many
// are drawn with the seed. A fit needs about 12 bytes per row and column, and 16 per row and output.
func WithTrainRows(most int) Option {
	return func(o *config) error {
		if most < 1 {
			return fmt.Errorf("maddness: WithTrainRows(%d): want at least 1: %w", most, tensor.ErrRange)
		}
		o.trainRows = most
		return o.set("WithTrainRows")
	}
}

// WithValidation holds out this fraction of the training rows, in (0, 0.5], and chooses by the error on them: first
// among both groupings with 0, 1 and 2 passes of refinement, then among ridges of 1, 3 and 10. The choice is then
// fitted to all rows. What [WithGrouping], [WithColumns], [WithRefine] or [WithRidge] fix does not vary. Default 0: no
// choice is made. It takes about eight times as long.
func WithValidation(fraction float64) Option {
	return func(o *config) error {
		if !(fraction > 0 && fraction <= 0.5) {
			return fmt.Errorf("maddness: WithValidation(%v): want above 0 and at most 0.5: %w", fraction, tensor.ErrRange)
		}
		o.validation = fraction
		return o.set("WithValidation")
	}
}

// WithSeed sets the seed of all draws: training rows, rows held out, the order of refinement; default 0.
func WithSeed(seed uint64) Option {
	return func(o *config) error {
		o.seed = seed
		return o.set("WithSeed")
	}
}

// WithProgress calls f while a fit runs, on the goroutine that called Fit: done of total trees are
// fitted. With [WithValidation] the total grows when the variant to be fitted is known.
func WithProgress(f func(done, total int)) Option {
	return func(o *config) error {
		if f == nil {
			return fmt.Errorf("maddness: WithProgress(nil): %w", tensor.ErrEmpty)
		}
		o.meter.report = f
		return o.set("WithProgress")
	}
}

// WithWorkers sets the number of goroutines of every later product and of the fit, except for its products of
// matrices, which take up to GOMAXPROCS as all of package tensor's do; at least 1, default GOMAXPROCS at the time of
// each. Results do not depend on it.
func WithWorkers(n int) Option {
	return func(o *config) error {
		if n < 1 {
			return fmt.Errorf("maddness: WithWorkers(%d): want at least 1: %w", n, tensor.ErrRange)
		}
		o.workers = n
		return o.set("WithWorkers")
	}
}

// WithBias adds a constant to each output, the bias of a layer; one element per output, default none.
func WithBias(bias []float32) Option {
	return func(o *config) error {
		if len(bias) == 0 {
			return fmt.Errorf("maddness: WithBias: no elements: %w", tensor.ErrEmpty)
		}
		if err := tensor.CheckFinite("WithBias", bias); err != nil {
			return fmt.Errorf("maddness: %w", err)
		}
		o.bias = bias
		return o.set("WithBias")
	}
}

// WithReLU replaces negative outputs by 0 while they are written. Tables are fitted to the outputs before it.
func WithReLU() Option {
	return func(o *config) error {
		o.relu = true
		return o.set("WithReLU")
	}
}

// WithLUTBits sets to how many bits table entries are rounded, 2 to 8; default 8. Fewer than 8 go with [Exact] only.
func WithLUTBits(bits int) Option {
	return func(o *config) error {
		if bits < 2 || bits > 8 {
			return fmt.Errorf("maddness: WithLUTBits(%d): want 2 to 8: %w", bits, tensor.ErrRange)
		}
		o.bits = bits
		return o.set("WithLUTBits")
	}
}

// WithAggregation sets how table entries are added up; default [Exact].
func WithAggregation(a Aggregation) Option {
	return func(o *config) error {
		if err := a.validate(0); err != nil {
			return fmt.Errorf("maddness: WithAggregation: %w", err)
		}
		o.aggregation = a
		return o.set("WithAggregation")
	}
}

// set notes that an option was given and refuses it the second time.
func (o *config) set(name string) error {
	if o.given[name] {
		return fmt.Errorf("maddness: %s is given twice, or beside an option that decides it: %w", name, ErrConflict)
	}
	o.given[name] = true
	return nil
}

// configure applies the options and reports everything that is wrong with them at once. Options not in allowed, if that
// is not nil, are refused.
func configure(call string, opts []Option, allowed []string) (*config, error) {
	o := &config{given: map[string]bool{}, meter: &meter{}, codebooks: 16, ridge: 1, metricDims: 16, refine: 2, wide: 32,
		trainRows: 1 << 16, heldOut: math.NaN(), bits: 8}
	var errs []error
	for i, opt := range opts {
		if opt == nil {
			errs = append(errs, fmt.Errorf("maddness: %s: option %d is nil: %w", call, i, tensor.ErrEmpty))
			continue
		}
		errs = append(errs, opt(o))
	}
	conflict := func(bad bool, what string) {
		if bad {
			errs = append(errs, fmt.Errorf("maddness: %s: %s: %w", call, what, ErrConflict))
		}
	}
	if !o.paper {
		conflict(o.columns != nil && o.given["WithGrouping"], "WithColumns beside WithGrouping")
	}
	conflict(o.columns != nil && o.given["WithCodebooks"] && o.codebooks != len(o.columns),
		fmt.Sprintf("WithCodebooks(%d) beside %d groups of WithColumns", o.codebooks, len(o.columns)))
	conflict(o.bits != 8 && o.aggregation != Exact, fmt.Sprintf("WithLUTBits(%d) beside %v", o.bits, o.aggregation))
	conflict(o.validation > 0 && o.given["WithRefine"] && o.given["WithRidge"] && (o.given["WithGrouping"] || o.columns != nil),
		"WithValidation has nothing to choose beside WithRefine, WithRidge and WithGrouping or WithColumns")
	if allowed != nil {
		for _, name := range slices.Sorted(maps.Keys(o.given)) {
			conflict(!slices.Contains(allowed, name), name+" has no effect here; it belongs to the fit")
		}
	}
	if o.columns != nil {
		o.codebooks = len(o.columns)
	}
	if o.paper && !o.given["WithAggregation"] {
		u := 16
		for o.codebooks%u != 0 {
			u /= 2
		}
		o.aggregation = Average(u)
	}
	return o, errors.Join(errs...)
}
