package prune

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Option is a choice of [New].
type Option func(*config) error

type config struct {
	given map[string]bool

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
	minKeep      int
	collapse     bool
	regrow       bool
	seed         uint64
	workers      int
}

// set notes that an option was given and refuses it the second time.
func (c *config) set(name string) error {
	if c.given[name] {
		return fmt.Errorf("prune: %s is given twice: %w", name, ErrConflict)
	}
	c.given[name] = true
	return nil
}

// Scope is which scores are compared with each other.
type Scope uint8

// The scopes.
const (
	PerTensor Scope = iota // each parameter has a threshold of its own, and the sparsity its distribution gives it
	Global                 // one threshold for all parameters
	PerRow                 // one for each output of each weight, as Wanda does
)

// Rule is how a sparsity becomes a set of elements.
type Rule uint8

// The rules.
const (
	// RuleExact prunes the sparsity times the number of elements, rounded half to even, whatever ties there are: the rule of
	// torch.nn.utils.prune.
	RuleExact Rule = iota
	// RuleQuantile is ShrinkBench's rule: a linearly interpolated quantile is the threshold, and everything equal to it is kept. Ties can make it miss the target.
	RuleQuantile
	// RuleBernoulli is that of ShrinkBench's random pruning: each element is kept with the probability of the density,
	// whatever its score, so that the number pruned is random too.
	RuleBernoulli
)

// WithScorer sets the score; default [Magnitude]. Its element type must be that of the parameters.
func WithScorer[T tensor.Float](s Scorer[T]) Option {
	return func(c *config) error {
		if s == nil {
			return fmt.Errorf("prune: WithScorer(nil): %w", tensor.ErrEmpty)
		}
		c.scorer = s
		return c.set("WithScorer")
	}
}

// WithScope sets which scores are compared; default [PerTensor]. [Global] goes with the [Unstructured] pattern only, and
// chooses the sparsities of the parameters itself: a distribution beside it is an error.
func WithScope(s Scope) Option {
	return func(c *config) error {
		if s > PerRow {
			return fmt.Errorf("prune: WithScope(%d): %w", s, tensor.ErrRange)
		}
		c.scope = s
		return c.set("WithScope")
	}
}

// WithGroups compares the scores of all parameters for which key is equal, instead of a scope. Every group has the same
// sparsity.
func WithGroups(key func(Info) string) Option {
	return func(c *config) error {
		if key == nil {
			return fmt.Errorf("prune: WithGroups(nil): %w", tensor.ErrEmpty)
		}
		c.groups = key
		return c.set("WithGroups")
	}
}

// WithPattern sets what is pruned together; default [Unstructured].
func WithPattern(p Pattern) Option {
	return func(c *config) error {
		if p == nil {
			return fmt.Errorf("prune: WithPattern(nil): %w", tensor.ErrEmpty)
		}
		c.pattern = p
		return c.set("WithPattern")
	}
}

// WithDistribution sets how the sparsity is divided over the parameters; default [Uniform].
func WithDistribution(d Distribution) Option {
	return func(c *config) error {
		if d == nil {
			return fmt.Errorf("prune: WithDistribution(nil): %w", tensor.ErrEmpty)
		}
		c.distribution = d
		return c.set("WithDistribution")
	}
}

// WithRule sets how a sparsity becomes a set of elements; default [RuleExact].
func WithRule(r Rule) Option {
	return func(c *config) error {
		if r > RuleBernoulli {
			return fmt.Errorf("prune: WithRule(%d): %w", r, tensor.ErrRange)
		}
		c.rule = r
		return c.set("WithRule")
	}
}

// WithSparsity sets the target as the fraction of prunable elements that go, in [0, 1]. With one threshold per parameter it is
// that of each, rounded for itself; the targets below are met by the model as a whole.
func WithSparsity(s float64) Option {
	return setTarget("WithSparsity", bySparsity, s, s >= 0 && s <= 1, "0 to 1")
}

// WithCompression sets the target as the size of the model over what is left of it, >= 1. Parameters that are not pruned
// count in both. It is met to the rounding of one element or, where single
// elements cannot be chosen, by the least pruning that is at least this.
func WithCompression(ratio float64) Option {
	return setTarget("WithCompression", byCompression, ratio, ratio >= 1 && !math.IsInf(ratio, 1), "at least 1")
}

// WithNonzeros sets the target as the number of scalars that stay, those of parameters that are not pruned included.
func WithNonzeros(n int) Option {
	return setTarget("WithNonzeros", byNonzeros, float64(n), n >= 0, "at least 0")
}

// WithSpeedup sets the target as the theoretical speedup: multiply-adds before over after, >= 1. It needs [WithMACs].
// Pruned is as little as reaches it.
func WithSpeedup(ratio float64) Option {
	return setTarget("WithSpeedup", bySpeedup, ratio, ratio >= 1 && !math.IsInf(ratio, 1), "at least 1")
}

func setTarget(name string, kind targetKind, value float64, ok bool, want string) Option {
	return func(c *config) error {
		if !ok {
			return fmt.Errorf("prune: %s(%v): want %s: %w", name, value, want, tensor.ErrRange)
		}
		if c.target.kind != noTarget {
			return fmt.Errorf("prune: %s beside another target: %w", name, ErrConflict)
		}
		c.target = target{kind, value}
		return nil
	}
}

// WithSchedule sets when masks change; default OneShot(0).
func WithSchedule(s Schedule) Option {
	return func(c *config) error {
		if err := s.Validate(); err != nil {
			return err
		}
		c.schedule = s
		return c.set("WithSchedule")
	}
}

// WithRewire moves connections after the schedule has ended: [SET] or [RigL]; default never.
func WithRewire(r Rewire) Option {
	return func(c *config) error {
		if err := r.Validate(); err != nil {
			return err
		}
		c.rewire = &r
		return c.set("WithRewire")
	}
}

// WithFixed names parameters that are counted but never pruned, such as the classifier's; may be given several times.
func WithFixed(names ...string) Option {
	return func(c *config) error {
		c.fixed = append(c.fixed, names...)
		return nil
	}
}

// WithFilter sets which parameters may be pruned; default those with two or more dimensions. [WithFixed] takes precedence.
func WithFilter(prunable func(Info) bool) Option {
	return func(c *config) error {
		if prunable == nil {
			return fmt.Errorf("prune: WithFilter(nil): %w", tensor.ErrEmpty)
		}
		c.filter = prunable
		return c.set("WithFilter")
	}
}

// WithBiases prunes biases too: parameters of one dimension that share the name of a weight up to the last dot. Default no.
func WithBiases() Option {
	return func(c *config) error {
		c.biases = true
		return c.set("WithBiases")
	}
}

// WithMACs tells the dense multiply-adds per example by name of the weight; see [LinearMACs] and [ConvMACs]. Default none,
// so that no speedup is reported.
func WithMACs(macs map[string]int64) Option {
	return func(c *config) error {
		c.macs = maps.Clone(macs)
		return c.set("WithMACs")
	}
}

// WithLayout says which dimension of a weight counts outputs; default [LayoutNN].
func WithLayout(l Layout) Option {
	return func(c *config) error {
		if l > OutputLast {
			return fmt.Errorf("prune: WithLayout(%d): %w", l, tensor.ErrRange)
		}
		c.layout = l
		return c.set("WithLayout")
	}
}

// WithMinKeep sets how many elements every prunable parameter keeps at least, its best; default 1 with one threshold per
// parameter and 0 under [Global], [WithGroups] and [PerRow], and for rules and patterns that do not count elements, where a
// weight that would lose everything is an error instead: see [WithCollapse].
func WithMinKeep(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("prune: WithMinKeep(%d): %w", n, tensor.ErrRange)
		}
		c.minKeep = n
		return c.set("WithMinKeep")
	}
}

// WithCollapse permits that a weight loses all of its elements; it is reported in [StepInfo] and [Stats]. By default it is
// an error wrapping [ErrCollapse], and masks stay as they were.
func WithCollapse() Option {
	return func(c *config) error {
		c.collapse = true
		return c.set("WithCollapse")
	}
}

// WithRegrow lets an update bring pruned elements back if their score is high enough; they start at zero. By default masks only
// ever shrink.
func WithRegrow() Option {
	return func(c *config) error {
		c.regrow = true
		return c.set("WithRegrow")
	}
}

// WithSeed sets the seed of random scores and rules and of SET; default 0.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return c.set("WithSeed")
	}
}

// WithWorkers sets the number of goroutines, >= 1; default GOMAXPROCS. Results do not depend on it.
func WithWorkers(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("prune: WithWorkers(%d): want at least 1: %w", n, tensor.ErrRange)
		}
		c.workers = n
		return c.set("WithWorkers")
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
// layers that collapse unnoticed. The options for these may not be given beside it. The classifier is named with
// [WithFixed] and compression with [WithCompression]. Gradient strategies read Grad: fill it with the mean cross-entropy of one
// batch. Activation strategies need WithScorer with [Activations.ShrinkBench]. Random masks have the same law but not
// numpy's draws.
func WithPreset(name string) Option {
	return func(c *config) error {
		p, known := presets[name]
		if !known {
			return fmt.Errorf("prune: WithPreset(%q): want one of %q: %w", name, Presets(), tensor.ErrRange)
		}
		c.kind, c.scope, c.rule, c.biases, c.collapse = p.kind, p.scope, p.rule, true, true
		err := c.set("WithPreset")
		for _, option := range []string{"WithScope", "WithRule", "WithBiases", "WithCollapse"} {
			if err == nil {
				err = c.set(option)
			}
		}
		if p.kind != "activations" && err == nil {
			err = c.set("WithScorer")
		}
		return err
	}
}
