package maddness

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [Fit]. An option says in its type what else it is a choice of.
type Option interface{ apply(*config) error }

// TargetsOption is a choice of [Fit] and [FitTargets].
type TargetsOption interface {
	Option
	ofTargets()
}

// EncoderOption is a choice of [Fit] and [FitEncoder].
type EncoderOption interface {
	Option
	ofEncoder()
}

// LearnOption is a choice of whatever learns trees: [Fit], [FitTargets] and [FitEncoder].
type LearnOption interface {
	TargetsOption
	EncoderOption
}

// TableOption is a choice of whatever rounds tables without learning: [New] and [Encoder.Bind].
type TableOption interface {
	Option
	ofTables()
}

// RefitOption is a choice of [Operator.RefitLUT], [Operator.RefitLabels] and [Operator.RefitSoft].
type RefitOption interface {
	Option
	ofRefit()
}

// choice is every option. The types that constructors return say where it may stand.
type choice func(*config) error

func (f choice) apply(o *config) error { return f(o) }
func (choice) ofTargets()              {}
func (choice) ofEncoder()              {}
func (choice) ofTables()               {}
func (choice) ofRefit()                {}

type config struct {
	given option.Given

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
	paper       bool // prototypes shrink towards the means of their buckets
	transposed  bool // the matrix is
	trainRows   int
	added       int // rows are added up to this many
	validation  float64
	seed        uint64
	progress    func(done, total int)
	workers     int
	bias        []float32
	relu        bool
	bits        int
	aggregation Aggregation
	averaged    bool // the aggregation is the paper's, whatever the number of codebooks
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

var metrics = enum.Of[Metric]("metric", "output sse", "input sse")

// String is the name.
func (m Metric) String() string { return metrics.String(m) }

// MarshalText writes the name.
func (m Metric) MarshalText() ([]byte, error) { return metrics.Marshal(m) }

// UnmarshalText reads a name.
func (m *Metric) UnmarshalText(text []byte) error { return metrics.Unmarshal(m, text) }

// WithCodebooks sets the number C of codebooks, at least 1 and at most the number of columns; default 16, or as many as
// [WithColumns] names. Each costs four comparisons and M table entries per row; the error falls roughly as 1/C.
func WithCodebooks(c int) LearnOption {
	return choice(func(o *config) error {
		o.codebooks = c
		o.given.Mark("WithCodebooks")
		return option.Range(c >= 1, "WithCodebooks", c, "at least 1")
	})
}

// WithRidge sets the penalty lambda on the squares of table entries, in rows: an entry that n training rows use shrinks
// by about n/(n+lambda). Greater than 0; default 1.
func WithRidge(lambda float64) interface {
	LearnOption
	RefitOption
} {
	return choice(func(o *config) error {
		o.ridge = lambda
		o.given.Mark("WithRidge")
		return option.Range(lambda > 0 && !math.IsInf(lambda, 1), "WithRidge", lambda, "a finite number above 0")
	})
}

// WithMetric sets what the trees keep together; default [OutputSSE]. [FitEncoder], which cannot know outputs, has
// [InputSSE].
func WithMetric(m Metric) TargetsOption {
	return choice(func(o *config) error {
		o.metric = m
		return metrics.Option("WithMetric", m)
	})
}

// WithMetricDims sets to how many principal directions outputs are reduced while splits are searched, at least 1;
// default 16. It has no effect on [InputSSE] without [WithRefine].
func WithMetricDims(q int) LearnOption {
	return choice(func(o *config) error {
		o.metricDims = q
		return option.Range(q >= 1, "WithMetricDims", q, "at least 1")
	})
}

// WithCandidates restricts each level of a tree to the n columns, of those it may look at, with the largest squared
// error within buckets, as the paper does with 4; default 0, all of them.
func WithCandidates(n int) LearnOption {
	return choice(func(o *config) error {
		o.candidates = n
		return option.Range(n >= 0, "WithCandidates", n, "0 or more")
	})
}

// WithRefine sets the number of passes of coordinate descent after the first fit, 0 or more; default 1. In each, every
// tree is fitted anew to what the others leave of the targets, and kept if that lowers the squared error.
func WithRefine(passes int) LearnOption {
	return choice(func(o *config) error {
		o.refine = passes
		o.given.Mark("WithRefine")
		return option.Range(passes >= 0, "WithRefine", passes, "0 or more")
	})
}

// WithWide sets how many columns, those most correlated with what is to be explained, a tree may look at in refinement
// beside its own; 0 or more, default 16.
func WithWide(columns int) LearnOption {
	return choice(func(o *config) error {
		o.wide = columns
		return option.Range(columns >= 0, "WithWide", columns, "0 or more")
	})
}

// WithGrouping sets how columns are divided among codebooks; default [Contribution], and [Contiguous] for [FitEncoder],
// which cannot know contributions.
func WithGrouping(g Grouping) LearnOption {
	return choice(func(o *config) error {
		o.given.Mark("WithGrouping")
		o.grouping = g
		return groupings.Option("WithGrouping", g)
	})
}

// WithColumns says which columns each codebook may look at, instead of a grouping. Groups may overlap and need not
// cover all columns; [WithWide](0) keeps refinement inside of them.
func WithColumns(groups [][]int) LearnOption {
	return choice(func(o *config) error {
		if len(groups) == 0 {
			return fmt.Errorf("WithColumns: no groups: %w", tensor.ErrEmpty)
		}
		o.columns = nil
		for c, g := range groups {
			own := slices.Clone(g)
			slices.Sort(own)
			if len(own) == 0 {
				return fmt.Errorf("WithColumns: group %d is empty: %w", c, tensor.ErrEmpty)
			}
			if own[0] < 0 {
				return fmt.Errorf("WithColumns: group %d names column %d: %w", c, own[0], tensor.ErrRange)
			}
			if n := len(own); len(slices.Compact(own)) < n {
				return fmt.Errorf("WithColumns: group %d names a column twice: %w", c, tensor.ErrRange)
			}
			o.columns = append(o.columns, own)
		}
		return nil
	})
}

// WithSplitter sets the search for splits; default [Binned].
func WithSplitter(s Splitter) LearnOption {
	return choice(func(o *config) error {
		o.splitter = s
		return option.Nil(s != nil, "WithSplitter")
	})
}

// WithPaper makes the reference's choices with unquantised thresholds: [InputSSE], 4 candidates, [Contiguous] groups,
// no refinement, [Exhaustive] splits, no added rows, prototypes that shrink towards the means of their buckets, and
// [Average] over 16 codebooks, or over the largest power of two that divides their number. It is as if the options for
// these had been given in its place: later ones override it. It leaves [WithValidation] nothing to choose.
func WithPaper() EncoderOption {
	return choice(func(o *config) error {
		o.paper, o.metric, o.candidates, o.grouping, o.refine = true, InputSSE, 4, Contiguous, 0
		o.splitter, o.columns, o.validation, o.averaged, o.added = Exhaustive{}, nil, 0, true, 0
		o.given.Mark("WithGrouping", "WithRefine", "WithAddedRows")
		return nil
	})
}

// WithTrainRows sets how many training rows are used at most, at least 1; default 65536. If there are more, that many
// are drawn with the seed. A fit needs about 13 bytes per row and column, and 16 per row and output; so do the rows of
// [WithAddedRows].
func WithTrainRows(most int) LearnOption {
	return choice(func(o *config) error {
		o.trainRows = most
		return option.Range(most >= 1, "WithTrainRows", most, "at least 1")
	})
}

// WithAddedRows sets up to how many training rows are added to if there are fewer, at most three for each; 0 or more,
// default 16384, but 0 for fewer than 8 codebooks if there are 16 rows or more for each of their leaves. A row that is
// added is one plus 0.3 times the difference of two others, drawn with the seed, each column kept within its range;
// outputs are known because the matrix is. [Stats] count and measure only rows that were given. 0 adds none, which is
// better where all rows are of few kinds.
func WithAddedRows(total int) EncoderOption {
	return choice(func(o *config) error {
		o.added = total
		o.given.Mark("WithAddedRows")
		return option.Range(total >= 0, "WithAddedRows", total, "0 or more")
	})
}

// WithSimple learns in a simpler way, often faster and less accurate: [Contiguous] groups, no added rows, two passes of
// refinement that look at 32 other columns, [Exhaustive] splits. It is as if the options for these had been given in
// its place: later ones override it.
func WithSimple() LearnOption {
	return choice(func(o *config) error {
		o.grouping, o.columns, o.added, o.refine, o.wide, o.splitter = Contiguous, nil, 0, 2, 32, Exhaustive{}
		o.given.Mark("WithGrouping", "WithRefine", "WithAddedRows")
		return nil
	})
}

// WithValidation holds out this fraction of the training rows, in (0, 0.5], and chooses by the error on them: first
// among both groupings with 0, 1 and 2 passes of refinement, then among ridges of 1, 3 and 10. The choice is then
// fitted to all rows. What [WithGrouping], [WithColumns], [WithRefine] or [WithRidge] fix does not vary. Default 0: no
// choice is made. It takes about eight times as long. It is for the estimate that it gives, [Stats].HeldOutNMSE, and
// for fits to few rows without [WithAddedRows], which may want a larger ridge: elsewhere the defaults do as well.
func WithValidation(fraction float64) LearnOption {
	return choice(func(o *config) error {
		o.validation = fraction
		return option.Range(fraction > 0 && fraction <= 0.5, "WithValidation", fraction, "above 0 and at most 0.5")
	})
}

// WithSeed sets the seed of all draws: training rows, rows held out, the order of refinement; default 0.
func WithSeed(seed uint64) LearnOption {
	return choice(func(o *config) error {
		o.seed = seed
		return nil
	})
}

// WithProgress calls f while a fit runs, on the goroutine that called it: done of total trees are fitted. With
// [WithValidation] the total grows when the variant to be fitted is known. Refits count steps of their minimisation,
// which may end before the last.
func WithProgress(f func(done, total int)) interface {
	LearnOption
	RefitOption
} {
	return choice(func(o *config) error {
		o.progress = f
		return option.Nil(f != nil, "WithProgress")
	})
}

// WithWorkers sets the number of goroutines of every later product and of the fit, except for its products of
// matrices, which take up to GOMAXPROCS as all of package tensor's do; 0 or more, default 0, which is GOMAXPROCS at the
// time of each. Results do not depend on it.
func WithWorkers(n int) interface {
	LearnOption
	TableOption
} {
	return choice(func(o *config) error {
		o.workers = n
		return option.Workers(n)
	})
}

// WithBias adds a constant to each output, the bias of a layer; one element per output, default none.
func WithBias(bias []float32) interface {
	TargetsOption
	TableOption
} {
	return choice(func(o *config) error {
		if len(bias) == 0 {
			return fmt.Errorf("WithBias: no elements: %w", tensor.ErrEmpty)
		}
		o.bias = bias
		return tensor.ValidateFinite("WithBias", bias)
	})
}

// WithTransposed says that the matrix is M x D, outputs by columns, as PyTorch's layers store their weights, and not
// D x M. Where both numbers are equal nothing else can tell.
func WithTransposed() Option {
	return choice(func(o *config) error {
		o.transposed = true
		return nil
	})
}

// WithReLU replaces negative outputs by 0 while they are written. Tables are fitted to the outputs before it.
func WithReLU() interface {
	TargetsOption
	TableOption
} {
	return choice(func(o *config) error {
		o.relu = true
		return nil
	})
}

// WithLUTBits sets to how many bits table entries are rounded, 2 to 8; default 8. Fewer than 8 go with [Exact] only.
func WithLUTBits(bits int) interface {
	TargetsOption
	TableOption
} {
	return choice(func(o *config) error {
		o.bits = bits
		return option.Range(bits >= 2 && bits <= 8, "WithLUTBits", bits, "2 to 8")
	})
}

// WithAggregation sets how table entries are added up; default [Exact].
func WithAggregation(a Aggregation) interface {
	TargetsOption
	TableOption
} {
	return choice(func(o *config) error {
		o.aggregation, o.averaged = a, false
		return option.Call("WithAggregation", a.validate(0))
	})
}

// configure applies the options and reports everything that is wrong with them at once.
func configure[O Option](call string, opts []O) (*config, error) {
	o := &config{codebooks: 16, ridge: 1, metricDims: 16, refine: 1, wide: 16, grouping: Contribution,
		trainRows: 1 << 16, added: 1 << 14, bits: 8}
	choices := make([]func(*config) error, len(opts))
	for i, opt := range opts {
		if any(opt) != nil {
			choices[i] = opt.apply
		}
	}
	err := errors.Join(option.Apply(call, o, choices), option.Call(call, o.contradictions()))
	if o.columns != nil {
		o.codebooks = len(o.columns)
	}
	if o.averaged && o.codebooks > 0 {
		u := 16
		for o.codebooks%u != 0 {
			u /= 2
		}
		o.aggregation = Average(u)
	}
	return o, err
}

// contradictions between options.
func (o *config) contradictions() error {
	var errs []error
	conflict := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, option.Conflict(format, args...))
		}
	}
	conflict(o.columns != nil && o.given.Has("WithGrouping"), "WithColumns beside WithGrouping")
	conflict(o.columns != nil && o.given.Has("WithCodebooks") && o.codebooks != len(o.columns),
		"WithCodebooks(%d) beside %d groups of WithColumns", o.codebooks, len(o.columns))
	conflict(o.bits != 8 && o.averaged, "WithLUTBits(%d) beside WithPaper, which averages", o.bits)
	conflict(o.bits != 8 && o.aggregation != Exact && !o.averaged, "WithLUTBits(%d) beside %v", o.bits, o.aggregation)
	conflict(o.validation > 0 && o.paper, "WithValidation beside WithPaper")
	conflict(o.validation > 0 && o.given.Has("WithRefine") && o.given.Has("WithRidge") &&
		(o.given.Has("WithGrouping") || o.columns != nil),
		"WithValidation has nothing to choose beside WithRefine, WithRidge and WithGrouping or WithColumns")
	return errors.Join(errs...)
}
