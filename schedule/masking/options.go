package masking

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Option changes a default of [New].
type Option func(*config) error

type config struct {
	vocab    int
	seed     uint64
	special  []int
	excluded []int
	workers  int

	maskProb, randomProb float64
	rangeLo, rangeHi     int
	ignore               int32
	rts, hf              bool

	unit          unit
	exact         bool
	min, max      int
	target        float64
	subset        bool
	continues     func(id int) bool
	spanP         float64
	spanMax       int
	noiseLength   float64
	sentinelFirst int
	sentinelCount int

	used map[string]bool // names of the options used, to find contradictions
}

// unit is what is selected as a whole.
type unit uint8

const (
	tokens unit = iota
	words
	spans
	noise // T5's alternation of noise and clean spans
)

// WithSeed sets the seed of all draws; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithSpecial declares ids that are never selected and never drawn as random replacements: padding, separators, class
// tokens. The mask id is one of them anyway; by default there are no others.
func WithSpecial(ids ...int) Option {
	return func(c *config) error {
		c.special = append(c.special, ids...)
		return c.checkIDs("WithSpecial", ids)
	}
}

// WithReplaceProbs sets the probabilities with which a selected token becomes the mask id or a random id; otherwise it
// stays. Both in [0, 1] with a sum of at most 1; default 0.8 and 0.1, as in BERT. It excludes [WithRTS].
func WithReplaceProbs(mask, random float64) Option {
	return func(c *config) error {
		c.maskProb, c.randomProb = mask, random
		c.use("WithReplaceProbs")
		err := errors.Join(probability("WithReplaceProbs: mask", mask), probability("WithReplaceProbs: random", random))
		// Probabilities such as 0.7 and 0.3 may add up to a little more than 1.
		if sum := mask + random; err == nil && sum > 1+1e-12 {
			err = fmt.Errorf("masking: WithReplaceProbs: %v + %v is more than 1: %w", mask, random, tensor.ErrRange)
		}
		return err
	}
}

// WithRandomRange restricts random replacements to the ids lo <= id < hi; default the whole vocabulary. Protected ids
// are left out of either.
func WithRandomRange(lo, hi int) Option {
	return func(c *config) error {
		c.use("WithRandomRange")
		if lo < 0 || hi > c.vocab || lo >= hi {
			return fmt.Errorf("masking: WithRandomRange(%d, %d): want 0 <= lo < hi <= %d: %w", lo, hi, c.vocab, tensor.ErrRange)
		}
		c.rangeLo, c.rangeHi = lo, hi
		return nil
	}
}

// WithRandomExclude leaves ids out of random replacement that may be selected all the same.
func WithRandomExclude(ids ...int) Option {
	return func(c *config) error {
		c.use("WithRandomExclude")
		c.excluded = append(c.excluded, ids...)
		return c.checkIDs("WithRandomExclude", ids)
	}
}

// WithIgnoreIndex sets the label of positions that are no targets; default -100, as in torch. It must not be an id that
// can be a label.
func WithIgnoreIndex(label int) Option {
	return func(c *config) error {
		c.use("WithIgnoreIndex")
		if label < math.MinInt32 || label > math.MaxInt32 {
			return fmt.Errorf("masking: WithIgnoreIndex(%d) is not an int32: %w", label, tensor.ErrRange)
		}
		c.ignore = int32(label)
		return nil
	}
}

// WithRTS replaces every selected token by a random id, and makes the labels 1 where it did and 0 elsewhere: random
// token substitution, for a loss over all positions. A replacement that happens to be the original is labelled 1 too, as
// Ankner et al. do.
func WithRTS() Option {
	return func(c *config) error {
		c.rts = true
		c.use("WithRTS")
		return nil
	}
}

// WithTargetRate keeps the labels of a part of the selected positions only, so that at any rate above it a fraction of rate of
// all positions are targets; corruption is not changed. In [0, 1]. This is the control "subset" of Ankner et al., who keep
// each label with probability rate/p. Here the targets are exactly those of a masker with this constant rate, which
// has the same distribution and makes the two comparable pair by pair. It needs independent selection.
func WithTargetRate(rate float64) Option {
	return func(c *config) error {
		c.target, c.subset = rate, true
		c.use("WithTargetRate")
		return probability("WithTargetRate", rate)
	}
}

// WithExactCount selects exactly round(rate * candidates) tokens of a row, halves to even, instead of each with
// probability rate. Candidates are the tokens that are not protected. Of whole words it takes those in random order that
// fit into the number, as BERT does.
func WithExactCount() Option {
	return func(c *config) error {
		c.exact = true
		c.use("WithExactCount")
		return nil
	}
}

// WithMinTargets selects at least n tokens of every row that has as many candidates, whatever the rate; default 0. A short
// row without a single target makes a mean over targets NaN.
func WithMinTargets(n int) Option {
	return func(c *config) error {
		c.min = n
		c.use("WithMinTargets")
		return atLeast("WithMinTargets", n, 0)
	}
}

// WithMaxTargets selects at most n >= 1 tokens of a row; by default there is no such limit. It needs a unit that counts:
// [WithExactCount], [WithSpans], [WithT5Spans] or Hugging Face's whole words.
func WithMaxTargets(n int) Option {
	return func(c *config) error {
		c.max = n
		c.use("WithMaxTargets")
		return atLeast("WithMaxTargets", n, 1)
	}
}

// WithWords selects whole words. continues tells of every id whether it continues the word before it, like the ids of
// WordPiece's tokens that start with ##; it is called once per id, by [New]. A word is selected with probability rate, or by
// count with [WithExactCount]; replacement is decided per token. With [WithSpans] spans are made of whole words.
func WithWords(continues func(id int) bool) Option {
	return func(c *config) error {
		c.continues = continues
		c.use("WithWords")
		if continues == nil {
			return fmt.Errorf("masking: WithWords: function is nil: %w", tensor.ErrEmpty)
		}
		return nil
	}
}

// WithSpans selects contiguous spans (SpanBERT, Joshi et al. 2020) until round(rate * candidates) tokens are selected,
// cutting the last span. Lengths are geometric with parameter p in (0, 1], not longer than max, 1 to 65536; SpanBERT has 0.2
// and 10, a mean of 3.8. They count tokens, or words with [WithWords]. Replacement is decided once per span. A
// span ends where a protected token or another span begins.
func WithSpans(p float64, max int) Option {
	return func(c *config) error {
		c.spanP, c.spanMax = p, max
		c.use("WithSpans")
		err := probability("WithSpans: p", p)
		if p == 0 {
			err = fmt.Errorf("masking: WithSpans: p is 0: %w", tensor.ErrRange)
		}
		if max < 1 || max > 1<<16 {
			err = errors.Join(err, fmt.Errorf("masking: WithSpans: max is %d, want 1 to 65536: %w", max, tensor.ErrRange))
		}
		return err
	}
}

// WithT5Spans divides a row into clean and noise spans in turn (T5, Raffel et al. 2020): n = round(rate * candidates) noise
// tokens, at least one and not all, in round(n/mean) spans of random lengths; the first span is clean, the last is
// noise. mean >= 1; T5 has 3. At rate 0 there is no noise. [Masker.MaskSentinels] writes T5's form of the result.
func WithT5Spans(mean float64) Option {
	return func(c *config) error {
		c.noiseLength = mean
		c.use("WithT5Spans")
		if !(mean >= 1) || math.IsInf(mean, 1) {
			return fmt.Errorf("masking: WithT5Spans(%v): want a finite number >= 1: %w", mean, tensor.ErrRange)
		}
		return nil
	}
}

// WithSentinels sets the ids that stand for spans in [Masker.MaskSentinels]: first for the first span, first-1 for the
// second and so on, count of them. T5 has 32099 and 100. They are protected like special ids.
func WithSentinels(first, count int) Option {
	return func(c *config) error {
		c.use("WithSentinels")
		if count < 1 || first >= c.vocab || first-count < -1 {
			return fmt.Errorf("masking: WithSentinels(%d, %d): want ids from 0 to %d: %w", first, count, c.vocab-1, tensor.ErrRange)
		}
		c.sentinelFirst, c.sentinelCount = first, count
		return nil
	}
}

// WithHFCompatible follows Hugging Face's collators where the defaults differ: random replacements come from the whole
// vocabulary, special ids included, and whole words are selected by a count of round(rate * length), length including
// special tokens and halves rounded to even, at least 1 and at most 512 unless [WithMaxTargets] says otherwise.
// The draws are this package's own; [Masker.MaskDraws] takes others.
func WithHFCompatible() Option {
	return func(c *config) error {
		c.hf = true
		c.use("WithHFCompatible")
		return nil
	}
}

// WithWorkers sets how many goroutines [Masker.MaskBatch] uses at most, >= 0; default 0, which means GOMAXPROCS. It never
// changes the result.
func WithWorkers(n int) Option {
	return func(c *config) error {
		c.workers = n
		return atLeast("WithWorkers", n, 0)
	}
}

func newConfig(vocab, maskID int, opts []Option) (config, error) {
	c := config{vocab: vocab, maskProb: 0.8, randomProb: 0.1, rangeHi: vocab, ignore: -100, used: map[string]bool{}}
	if vocab < 1 || vocab > math.MaxInt32 {
		// Every id is wrong then: no need to say it of each.
		return c, fmt.Errorf("masking: vocab is %d, want 1 to %d: %w", vocab, math.MaxInt32, tensor.ErrRange)
	}
	errs := []error{c.checkIDs("maskID", []int{maskID})}
	for _, o := range opts {
		errs = append(errs, o(&c))
	}
	switch {
	case c.used["WithT5Spans"]:
		c.unit = noise
	case c.used["WithSpans"]:
		c.unit = spans
	case c.used["WithWords"]:
		c.unit = words
	}
	errs = append(errs, c.contradictions())
	if c.counts() && c.unit == words && c.hf {
		c.min = max(c.min, 1)
		if c.max == 0 {
			c.max = 512
		}
	}
	if c.max > 0 && c.min > c.max {
		errs = append(errs, fmt.Errorf("masking: at least %d targets and at most %d: %w", c.min, c.max, tensor.ErrRange))
	}
	if label := int(c.ignore); !c.rts && label >= 0 && label < vocab && !c.isSpecial(label, maskID) {
		errs = append(errs, fmt.Errorf("masking: WithIgnoreIndex(%d) is the label of id %d too: %w", label, label, tensor.ErrRange))
	}
	return c, errors.Join(errs...)
}

func (c *config) contradictions() error {
	var errs []error
	exclude := func(a string, others ...string) {
		for _, b := range others {
			if c.used[a] && c.used[b] {
				errs = append(errs, fmt.Errorf("masking: %s and %s exclude each other: %w", a, b, tensor.ErrRange))
			}
		}
	}
	exclude("WithRTS", "WithReplaceProbs", "WithTargetRate", "WithIgnoreIndex", "WithSentinels")
	exclude("WithHFCompatible", "WithRandomRange", "WithRandomExclude")
	exclude("WithT5Spans", "WithSpans", "WithWords", "WithExactCount")
	exclude("WithSpans", "WithExactCount")
	exclude("WithTargetRate", "WithMinTargets", "WithSentinels")
	if c.subset && c.counts() {
		errs = append(errs, fmt.Errorf("masking: WithTargetRate needs independent selection, of tokens or words without a count: %w", tensor.ErrRange))
	}
	if c.used["WithMaxTargets"] && !c.counts() {
		errs = append(errs, fmt.Errorf("masking: WithMaxTargets needs selection by count: %w", tensor.ErrRange))
	}
	return errors.Join(errs...)
}

// counts tells whether a row has a number of tokens to select.
func (c *config) counts() bool {
	return c.exact || c.unit == spans || c.unit == noise || c.unit == words && c.hf
}

func (c *config) use(option string) { c.used[option] = true }

func (c *config) isSpecial(id, maskID int) bool {
	for _, s := range append(c.special, maskID) {
		if id == s {
			return true
		}
	}
	return c.sentinelCount > 0 && id <= c.sentinelFirst && id > c.sentinelFirst-c.sentinelCount
}

func (c *config) checkIDs(name string, ids []int) error {
	for i, id := range ids {
		if id < 0 || id >= c.vocab {
			if name == "maskID" {
				return fmt.Errorf("masking: maskID is %d, want 0 to %d: %w", id, c.vocab-1, tensor.ErrRange)
			}
			return fmt.Errorf("masking: %s: id %d of the list is %d, want 0 to %d: %w", name, i, id, c.vocab-1, tensor.ErrRange)
		}
	}
	return nil
}

func probability(name string, p float64) error {
	switch {
	case p-p != 0:
		return fmt.Errorf("masking: %s is %v: %w", name, p, tensor.ErrNotFinite)
	case p < 0 || p > 1:
		return fmt.Errorf("masking: %s is %v, want 0 to 1: %w", name, p, tensor.ErrRange)
	}
	return nil
}

func atLeast(name string, n, lo int) error {
	if n < lo {
		return fmt.Errorf("masking: %s(%d): want >= %d: %w", name, n, lo, tensor.ErrRange)
	}
	return nil
}
