package masking

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
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
	positions     bool // words are by position
	lengths       law
	noiseLength   float64
	rolled        bool
	sentinelFirst int
	sentinelCount int

	given option.Given
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
// tokens. The mask id is one of them anyway; by default there are no others. Where it is given again, the last ids
// stand alone.
func WithSpecial(ids ...int) Option {
	return func(c *config) error {
		c.special = slices.Clone(ids)
		return c.checkIDs("WithSpecial", ids)
	}
}

// WithReplaceProbs sets the probabilities with which a selected token becomes the mask id or a random id; otherwise it
// stays. Both in [0, 1] with a sum of at most 1; default 0.8 and 0.1, as in BERT. It excludes [WithRTS].
func WithReplaceProbs(mask, random float64) Option {
	return func(c *config) error {
		c.maskProb, c.randomProb = mask, random
		c.given.Mark("WithReplaceProbs")
		err := errors.Join(probability("WithReplaceProbs: mask", mask), probability("WithReplaceProbs: random", random))
		// Probabilities such as 0.7 and 0.3 may add up to a little more than 1.
		if sum := mask + random; err == nil && sum > 1+1e-12 {
			err = fmt.Errorf("WithReplaceProbs: %v + %v is more than 1: %w", mask, random, tensor.ErrRange)
		}
		return err
	}
}

// WithRandomRange restricts random replacements to the ids lo <= id < hi; default the whole vocabulary. Protected ids
// are left out of either.
func WithRandomRange(lo, hi int) Option {
	return func(c *config) error {
		c.given.Mark("WithRandomRange")
		if lo < 0 || hi > c.vocab || lo >= hi {
			return fmt.Errorf("WithRandomRange(%d, %d): want 0 <= lo < hi <= %d: %w", lo, hi, c.vocab, tensor.ErrRange)
		}
		c.rangeLo, c.rangeHi = lo, hi
		return nil
	}
}

// WithRandomExclude leaves ids out of random replacement that may be selected all the same; default none. Where it is
// given again, the last ids stand alone.
func WithRandomExclude(ids ...int) Option {
	return func(c *config) error {
		c.given.Mark("WithRandomExclude")
		c.excluded = slices.Clone(ids)
		return c.checkIDs("WithRandomExclude", ids)
	}
}

// WithIgnoreIndex sets the label of positions that are no targets; default -100, as in torch. It must not be an id that
// can be a label.
func WithIgnoreIndex(label int) Option {
	return func(c *config) error {
		c.given.Mark("WithIgnoreIndex")
		if label < math.MinInt32 || label > math.MaxInt32 {
			return fmt.Errorf("WithIgnoreIndex(%d) is not an int32: %w", label, tensor.ErrRange)
		}
		c.ignore = int32(label)
		return nil
	}
}

// WithRTS replaces every selected token by a random id, and makes the labels 1 where it did and 0 elsewhere: random
// token substitution, for a loss over all positions. A replacement that happens to be the original is labelled 1 too,
// as Ankner et al. do.
func WithRTS() Option {
	return func(c *config) error {
		c.rts = true
		c.given.Mark("WithRTS")
		return nil
	}
}

// WithTargetRate keeps the labels of a part of the selected positions only, so that at any rate above it a fraction
// of rate of all positions are targets; corruption is not changed. In [0, 1]. This is the control "subset" of Ankner
// et al., who keep each label with probability rate/p. Here the targets are exactly those of a masker with this
// constant rate, which has the same distribution and makes the two comparable pair by pair. It needs independent
// selection.
func WithTargetRate(rate float64) Option {
	return func(c *config) error {
		c.target, c.subset = rate, true
		c.given.Mark("WithTargetRate")
		return probability("WithTargetRate", rate)
	}
}

// WithExactCount selects exactly round(rate * candidates) tokens of a row, halves to even, instead of each with
// probability rate. Candidates are the tokens that are not protected. Of whole words it takes those in random order
// that fit into the number, as BERT does.
func WithExactCount() Option {
	return func(c *config) error {
		c.exact = true
		c.given.Mark("WithExactCount")
		return nil
	}
}

// WithMinTargets selects at least n tokens of every row that has as many candidates, whatever the rate; default 0. A
// short row without a single target makes a mean over targets NaN.
func WithMinTargets(n int) Option {
	return func(c *config) error {
		c.min = n
		c.given.Mark("WithMinTargets")
		return atLeast("WithMinTargets", n, 0)
	}
}

// WithMaxTargets selects at most n >= 1 tokens of a row; by default there is no such limit. It needs a unit that
// counts: [WithExactCount], [WithSpans], [WithT5Spans] or Hugging Face's whole words.
func WithMaxTargets(n int) Option {
	return func(c *config) error {
		c.max = n
		c.given.Mark("WithMaxTargets")
		return atLeast("WithMaxTargets", n, 1)
	}
}

// WithWords selects whole words. continues tells of every id whether it continues the word before it, like the ids of
// WordPiece's tokens that start with ##; it is called once per id, by [New]. A word is selected with probability
// rate, or by count with [WithExactCount]; replacement is decided per token. With [WithSpans] spans are made of whole
// words. Where ids do not tell, [WithWordPositions] takes the words of every batch.
func WithWords(continues func(id int) bool) Option {
	return func(c *config) error {
		c.continues = continues
		c.given.Mark("WithWords")
		return option.Nil(continues != nil, "WithWords")
	}
}

// WithWordPositions is [WithWords] with words that every batch brings along, in the Continues of its [Key]: for
// tokenizers that know words by their offsets in the text, and for languages that do not write spaces. It excludes
// [WithWords].
func WithWordPositions() Option {
	return func(c *config) error {
		c.positions = true
		c.given.Mark("WithWordPositions")
		return nil
	}
}

// WithT5Spans divides a row into clean and noise spans in turn (T5, Raffel et al. 2020): n = round(rate * candidates)
// noise tokens, at least one and not all, in round(n/mean) spans of random lengths; the first span is clean, the last
// is noise. mean >= 1; T5 has 3. At rate 0 there is no noise. [Masker.MaskSentinels] writes T5's form of the result.
//
// The last candidate of a row is therefore noise whatever the seed, and the first never is. Rows that are too short for
// two spans always lose their last tokens: at 0.15 the last 1, 1, 2 and 3 of 2, 5, 10 and 20. [WithRoll] mends that.
func WithT5Spans(mean float64) Option {
	return func(c *config) error {
		c.noiseLength = mean
		c.given.Mark("WithT5Spans")
		if !(mean >= 1) || math.IsInf(mean, 1) {
			return fmt.Errorf("WithT5Spans(%v): want a finite number >= 1: %w", mean, tensor.ErrRange)
		}
		return nil
	}
}

// WithRoll moves the noise of [WithT5Spans] along the row by a random number of candidates, keyed like all draws, and
// what leaves it at the end comes in at the start, so that every candidate is noise equally often. A span that is cut
// by that is two, and two of which one comes in next to the other are one. It is the random_roll of T5's code, and off
// by default as it is there.
func WithRoll() Option {
	return func(c *config) error {
		c.rolled = true
		c.given.Mark("WithRoll")
		return nil
	}
}

// WithSentinels sets the ids that stand for spans in [Masker.MaskSentinels]: first for the first span, first-1 for the
// second and so on, count of them. T5 has 32099 and 100. They are protected like special ids.
func WithSentinels(first, count int) Option {
	return func(c *config) error {
		c.given.Mark("WithSentinels")
		if count < 1 || first >= c.vocab || first-count < -1 {
			return fmt.Errorf("WithSentinels(%d, %d): want ids from 0 to %d: %w", first, count, c.vocab-1, tensor.ErrRange)
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
		c.given.Mark("WithHFCompatible")
		return nil
	}
}

// WithWorkers sets how many goroutines [Masker.MaskBatch] uses at most, >= 0; default 0, which means GOMAXPROCS. It
// never changes the result.
func WithWorkers(n int) Option {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

func newConfig(vocab, maskID int, opts []Option) (config, error) {
	c := config{vocab: vocab, maskProb: 0.8, randomProb: 0.1, rangeHi: vocab, ignore: -100}
	if vocab < 1 || vocab > math.MaxInt32 {
		// Every id is wrong then: no need to say it of each.
		return c, fmt.Errorf("vocab is %d, want 1 to %d: %w", vocab, math.MaxInt32, tensor.ErrRange)
	}
	errs := []error{c.checkIDs("maskID", []int{maskID}), option.Apply("masking: New", &c, opts)}
	switch {
	case c.given.Has("WithT5Spans"):
		c.unit = noise
	case c.lengths.name != "":
		c.unit = spans
	case c.given.Has("WithWords") || c.positions:
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
		errs = append(errs, option.Conflict("at least %d targets and at most %d", c.min, c.max))
	}
	if label := int(c.ignore); !c.rts && label >= 0 && label < vocab && !c.isSpecial(label, maskID) {
		errs = append(errs, fmt.Errorf("WithIgnoreIndex(%d) is the label of id %d too: %w", label, label, tensor.ErrRange))
	}
	return c, errors.Join(errs...)
}

func (c *config) contradictions() error {
	var errs []error
	exclude := func(a string, others ...string) {
		for _, b := range others {
			if c.given.Has(a) && c.given.Has(b) {
				errs = append(errs, option.Conflict("%s beside %s", a, b))
			}
		}
	}
	exclude("WithRTS", "WithReplaceProbs", "WithTargetRate", "WithIgnoreIndex", "WithSentinels")
	exclude("WithHFCompatible", "WithRandomRange", "WithRandomExclude")
	exclude("WithT5Spans", "WithSpans", "WithPoissonSpans", "WithFixedSpans", "WithWords", "WithWordPositions",
		"WithExactCount")
	exclude("WithSpans", "WithPoissonSpans", "WithFixedSpans", "WithExactCount")
	exclude("WithPoissonSpans", "WithFixedSpans", "WithExactCount")
	exclude("WithFixedSpans", "WithExactCount")
	exclude("WithWords", "WithWordPositions")
	exclude("WithTargetRate", "WithMinTargets", "WithSentinels")
	if c.subset && c.counts() {
		errs = append(errs, option.Conflict("WithTargetRate needs independent selection, of tokens or words without a count"))
	}
	if c.rolled && c.unit != noise {
		errs = append(errs, option.Conflict("WithRoll needs WithT5Spans"))
	}
	if c.given.Has("WithMaxTargets") && !c.counts() {
		errs = append(errs, option.Conflict("WithMaxTargets needs selection by count"))
	}
	return errors.Join(errs...)
}

// counts tells whether a row has a number of tokens to select.
func (c *config) counts() bool {
	return c.exact || c.unit == spans || c.unit == noise || c.unit == words && c.hf
}

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
				return fmt.Errorf("maskID is %d, want 0 to %d: %w", id, c.vocab-1, tensor.ErrRange)
			}
			return fmt.Errorf("%s: id %d of the list is %d, want 0 to %d: %w", name, i, id, c.vocab-1, tensor.ErrRange)
		}
	}
	return nil
}

func probability(name string, p float64) error {
	switch {
	case p-p != 0:
		return fmt.Errorf("%s is %v: %w", name, p, tensor.ErrNotFinite)
	case p < 0 || p > 1:
		return fmt.Errorf("%s is %v, want 0 to 1: %w", name, p, tensor.ErrRange)
	}
	return nil
}

func atLeast(name string, n, lo int) error {
	return option.Range(n >= lo, name, n, fmt.Sprintf("%d or more", lo))
}
