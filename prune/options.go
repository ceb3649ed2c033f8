package prune

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [New].
type Option = func(*config) error

// MaskOption is an [Option] that means something without a training loop too: a choice of [ComputeMasks].
type MaskOption func(*config) error

// LoopOption is an [Option] for what only happens in a training loop.
type LoopOption func(*config) error

type config struct {
	given option.Given

	scorer       any // Scorer[T]; nil means kind
	kind         string
	scope        Scope
	groups       func(Info) string
	pattern      Pattern
	distribution Distribution
	rule         Rule
	target       target
	schedule     Schedule
	rewire       *Rewire
	fixed        []string
	filter       func(Info) bool
	biases       bool
	macs         map[string]int64
	layout       Layout
	layouts      map[string]Layout
	minKeep      int
	collapse     bool
	regrow       bool
	seed         uint64
	workers      int
}

// Scope is which scores are compared with each other.
type Scope uint8

// The scopes.
const (
	PerTensor Scope = iota // each parameter has a threshold of its own, and the sparsity its distribution gives it
	Global                 // one threshold for all parameters
	PerRow                 // one for each output of each weight, as Wanda does
)

var scopes = enum.Of[Scope]("scope", "per tensor", "global", "per row")

// String is the name.
func (s Scope) String() string { return scopes.String(s) }

// MarshalText writes the name.
func (s Scope) MarshalText() ([]byte, error) { return scopes.Marshal(s) }

// UnmarshalText reads a name.
func (s *Scope) UnmarshalText(text []byte) error { return scopes.Unmarshal(s, text) }

// Rule is how a sparsity becomes a set of elements.
type Rule uint8

// The rules.
const (
	// RuleExact prunes the sparsity times the number of elements, rounded half to even, whatever ties there are: the
	// rule of torch.nn.utils.prune.
	RuleExact Rule = iota
	// RuleQuantile is ShrinkBench's rule: a linearly interpolated quantile is the threshold, and everything equal to it
	// is kept. Ties can make it miss the target.
	RuleQuantile
	// RuleBernoulli is that of ShrinkBench's random pruning: each element is kept with the probability of the density,
	// whatever its score, so that the number pruned is random too.
	RuleBernoulli
)

var rules = enum.Of[Rule]("rule", "exact", "quantile", "bernoulli")

// String is the name.
func (r Rule) String() string { return rules.String(r) }

// MarshalText writes the name.
func (r Rule) MarshalText() ([]byte, error) { return rules.Marshal(r) }

// UnmarshalText reads a name.
func (r *Rule) UnmarshalText(text []byte) error { return rules.Unmarshal(r, text) }

// WithScorer sets the score; default [Magnitude]. Its element type must be that of the parameters.
func WithScorer[T tensor.Float](s Scorer[T]) MaskOption {
	return func(c *config) error {
		c.scorer = s
		return option.Nil(s != nil, "WithScorer")
	}
}

// WithScope sets which scores are compared; default [PerTensor]. [Global] goes with the [Unstructured] pattern only,
// and chooses the sparsities of the parameters itself: a distribution beside it is an error.
func WithScope(s Scope) MaskOption {
	return func(c *config) error {
		c.scope = s
		c.given.Mark("WithScope")
		return scopes.Option("WithScope", s)
	}
}

// WithGroups compares the scores of all parameters for which key is equal, instead of a scope. Every group has the same
// sparsity.
func WithGroups(key func(Info) string) MaskOption {
	return func(c *config) error {
		c.groups = key
		return option.Nil(key != nil, "WithGroups")
	}
}

// WithPattern sets what is pruned together; default [Unstructured].
func WithPattern(p Pattern) MaskOption {
	return func(c *config) error {
		c.pattern = p
		return option.Nil(p != nil, "WithPattern")
	}
}

// WithDistribution sets how the sparsity is divided over the parameters; default [Uniform].
func WithDistribution(d Distribution) MaskOption {
	return func(c *config) error {
		c.distribution = d
		return option.Nil(d != nil, "WithDistribution")
	}
}

// WithRule sets how a sparsity becomes a set of elements; default [RuleExact].
func WithRule(r Rule) MaskOption {
	return func(c *config) error {
		c.rule = r
		return rules.Option("WithRule", r)
	}
}

// WithSparsity sets the target as the fraction of prunable elements that go, in [0, 1]. With one threshold per
// parameter it is that of each, rounded for itself; the targets below are met by the model as a whole.
func WithSparsity(s float64) MaskOption {
	return setTarget("WithSparsity", bySparsity, s, s >= 0 && s <= 1, "0 to 1")
}

// WithCompression sets the target as the size of the model over what is left of it, >= 1. Parameters that are not
// pruned count in both. It is met to the rounding of one element or, where single elements cannot be chosen, by the
// least pruning that is at least this.
func WithCompression(ratio float64) MaskOption {
	return setTarget("WithCompression", byCompression, ratio, ratio >= 1 && !math.IsInf(ratio, 1), "at least 1")
}

// WithNonzeros sets the target as the number of scalars that stay, those of parameters that are not pruned included.
func WithNonzeros(n int) MaskOption {
	return setTarget("WithNonzeros", byNonzeros, float64(n), n >= 0, "at least 0")
}

// WithSpeedup sets the target as the theoretical speedup: multiply-adds before over after, >= 1. It needs [WithMACs].
// Pruned is as little as reaches it.
func WithSpeedup(ratio float64) MaskOption {
	return setTarget("WithSpeedup", bySpeedup, ratio, ratio >= 1 && !math.IsInf(ratio, 1), "at least 1")
}

func setTarget(name string, kind targetKind, value float64, ok bool, want string) MaskOption {
	return func(c *config) error {
		c.target = target{kind, value}
		c.given.Mark(name)
		return option.Range(ok, name, value, want)
	}
}

// WithSchedule sets when masks change; default OneShot(0).
func WithSchedule(s Schedule) MaskOption {
	return func(c *config) error {
		c.schedule = s
		return option.Call("WithSchedule", s.faults())
	}
}

// WithRewire moves connections after the schedule has ended: [SET] or [RigL]; default never.
func WithRewire(r Rewire) LoopOption {
	return func(c *config) error {
		c.rewire = &r
		return option.Call("WithRewire", r.fault())
	}
}

// WithFixed names parameters that are counted but never pruned, such as the classifier's; default none. Where it is
// given again, the last names stand alone.
func WithFixed(names ...string) MaskOption {
	return func(c *config) error {
		c.fixed = slices.Clone(names)
		return nil
	}
}

// WithFilter sets which parameters may be pruned; default those with two or more dimensions. [WithFixed] takes
// precedence.
func WithFilter(prunable func(Info) bool) MaskOption {
	return func(c *config) error {
		c.filter = prunable
		return option.Nil(prunable != nil, "WithFilter")
	}
}

// WithBiases prunes biases too: parameters of one dimension that share the name of a weight up to the last dot or
// slash. Default no.
func WithBiases() MaskOption {
	return func(c *config) error {
		c.biases = true
		return nil
	}
}

// WithMACs tells the dense multiply-adds per example by name of the weight; see [LinearMACs] and [ConvMACs]. Default
// none, so that no speedup is reported.
func WithMACs(macs map[string]int64) MaskOption {
	return func(c *config) error {
		c.macs = maps.Clone(macs)
		return nil
	}
}

// WithLayout says which dimension of a weight counts outputs; default [LayoutNN].
func WithLayout(l Layout) MaskOption {
	return func(c *config) error {
		c.layout = l
		return layouts.Option("WithLayout", l)
	}
}

// WithLayouts is [WithLayout] for single weights by name, such as transposed convolutions among others; default none.
func WithLayouts(byName map[string]Layout) MaskOption {
	return func(c *config) error {
		c.layouts = maps.Clone(byName)
		return nil
	}
}

// WithMinKeep sets how many elements every prunable parameter keeps at least, its best; default 1 with one threshold
// per parameter and 0 under [Global], [WithGroups] and [PerRow], and for rules and patterns that do not count
// elements, where a weight that would lose everything is an error instead: see [WithCollapse].
func WithMinKeep(n int) MaskOption {
	return func(c *config) error {
		c.minKeep = n
		c.given.Mark("WithMinKeep")
		return option.Range(n >= 0, "WithMinKeep", n, "0 or more")
	}
}

// WithCollapse permits that a weight loses all of its elements; it is reported in [StepInfo] and [Stats]. By default
// it is an error wrapping [ErrCollapse], and masks stay as they were.
func WithCollapse() MaskOption {
	return func(c *config) error {
		c.collapse = true
		return nil
	}
}

// WithRegrow lets an update bring pruned elements back if their score is high enough; they start at zero. By default
// masks only ever shrink.
func WithRegrow() MaskOption {
	return func(c *config) error {
		c.regrow = true
		return nil
	}
}

// WithSeed sets the seed of random scores and rules and of SET; default 0.
func WithSeed(seed uint64) MaskOption {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithWorkers sets the number of goroutines, 0 or more; default 0, which is GOMAXPROCS. Results do not depend on it.
func WithWorkers(n int) MaskOption {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

// Presets lists the names that [WithPreset] knows.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

type preset struct {
	kind  string
	scope Scope
	rule  Rule
}

var presets = map[string]preset{
	"shrinkbench/RandomPruning":   {"magnitude", PerTensor, RuleBernoulli},
	"shrinkbench/GlobalMagWeight": {"magnitude", Global, RuleQuantile},
	"shrinkbench/LayerMagWeight":  {"magnitude", PerTensor, RuleQuantile},
	"shrinkbench/GlobalMagGrad":   {"taylor", Global, RuleQuantile},
	"shrinkbench/LayerMagGrad":    {"taylor", PerTensor, RuleQuantile},
	"shrinkbench/GlobalMagAct":    {"activations", Global, RuleQuantile},
	"shrinkbench/LayerMagAct":     {"activations", PerTensor, RuleQuantile},
}

// WithPreset is a strategy of ShrinkBench to the bit: score, scope, the quantile rule, biases pruned like weights, and
// layers that collapse unnoticed. It is as if the options for these had been given in its place: later ones override
// it. The classifier is named with [WithFixed] and compression with [WithCompression]. Gradient strategies read Grad:
// fill it with the mean cross-entropy of one batch. Activation strategies need WithScorer with
// [Activations.ShrinkBench]. Random masks have the same law but not numpy's draws.
func WithPreset(name string) MaskOption {
	return func(c *config) error {
		p, known := presets[name]
		if !known {
			return fmt.Errorf("WithPreset(%q): want one of %q: %w", name, Presets(), tensor.ErrRange)
		}
		c.kind, c.biases, c.collapse, c.rule = p.kind, true, true, p.rule
		if p.kind != "activations" {
			c.scorer = nil
		}
		return WithScope(p.scope)(c)
	}
}
