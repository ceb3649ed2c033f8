package pipeline

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// Arm is a variant of the loop in an [Experiment]: Step does one step of it. Arms of the names below mean something to
// [Measured.Confirm]; others are compared all the same.
type Arm struct {
	Name string
	Step func() error
}

// The arms that an experiment on a bottleneck has.
const (
	Real        = "real"         // the loop as it is; needed
	CachedBatch = "cached batch" // the same without the loader: one prepared batch again and again
	NoOpModel   = "no-op model"  // the same without the model: the loader alone sets the pace
	DoubleBatch = "double batch" // the same with batches of twice the size
)

// Measured is the result of an [Experiment].
type Measured struct {
	Arms []ArmTimes `json:"arms"`
}

// ArmTimes is what the steps of an arm took.
type ArmTimes struct {
	Name   string    `json:"name"`
	Median float64   `json:"median"` // seconds
	Times  []float64 `json:"times"`
	// Ratio is the time of the real loop over that of the arm, a geometric mean over blocks with its interval: above 1 the
	// arm is faster. It is that of 1 for the real loop.
	Ratio stats.Estimate `json:"ratio"`
	P     float64        `json:"p"` // of a Mann-Whitney test of the block medians; 1 for the real loop
}

// ExperimentOption is a choice of [Experiment].
type ExperimentOption func(*experimentConfig) error

type experimentConfig struct {
	blocks, block, warmup int
	progress              func(done, total int)
	clock                 func() time.Duration
}

// WithBlocks sets how many blocks each arm runs, at least 4, and the steps of a block, at least 1; default 8 of 5. Arms
// take turns block by block, so that what drifts does so for all.
func WithBlocks(blocks, steps int) ExperimentOption {
	return func(c *experimentConfig) error {
		c.blocks, c.block = blocks, steps
		return option.Range(blocks >= 4 && steps >= 1, "WithBlocks", [2]int{blocks, steps}, "4 blocks and 1 step or more")
	}
}

// WithWarmupSteps sets the steps of each arm that are not timed, 0 or more; default 3.
func WithWarmupSteps(n int) ExperimentOption {
	return func(c *experimentConfig) error {
		c.warmup = n
		return option.Range(n >= 0, "WithWarmupSteps", n, "0 or more")
	}
}

// WithProgress is told after each block how many are done; default nobody.
func WithProgress(f func(done, total int)) ExperimentOption {
	return func(c *experimentConfig) error {
		c.progress = f
		return option.Nil(f != nil, "WithProgress")
	}
}

// WithStepClock sets the clock, for tests: time since some start.
func WithStepClock(now func() time.Duration) ExperimentOption {
	return func(c *experimentConfig) error {
		c.clock = now
		return option.Nil(now != nil, "WithStepClock")
	}
}

// Experiment runs the arms in turns and compares the times of their steps with those of the arm [Real]. Options are
// [WithBlocks], [WithWarmupSteps], [WithProgress] and [WithStepClock]. The error is the first of a step or of ctx, or
// wraps [tensor.ErrEmpty] without the arm Real or for one without a step, and [tensor.ErrConflict] for a name that is
// there twice.
func Experiment(ctx context.Context, arms []Arm, opts ...ExperimentOption) (Measured, error) {
	const call = "pipeline: Experiment"
	start := time.Now()
	c := experimentConfig{blocks: 8, block: 5, warmup: 3, clock: func() time.Duration { return time.Since(start) }}
	if err := option.Apply(call, &c, opts); err != nil {
		return Measured{}, err
	}
	base := -1
	seen := map[string]bool{}
	for i, a := range arms {
		switch {
		case a.Step == nil:
			return Measured{}, fmt.Errorf("%s: arm %q has no step: %w", call, a.Name, tensor.ErrEmpty)
		case seen[a.Name]:
			return Measured{}, fmt.Errorf("%s: two arms are called %q: %w", call, a.Name, tensor.ErrConflict)
		case a.Name == Real:
			base = i
		}
		seen[a.Name] = true
	}
	if base < 0 {
		return Measured{}, fmt.Errorf("%s: no arm is called %q: %w", call, Real, tensor.ErrEmpty)
	}
	times, err := c.run(ctx, arms)
	if err != nil {
		return Measured{}, err
	}
	return compare(call, arms, times, base)
}

// run returns times[arm][block][step] in seconds.
func (c *experimentConfig) run(ctx context.Context, arms []Arm) ([][][]float64, error) {
	times := make([][][]float64, len(arms))
	for block := -1; block < c.blocks; block++ {
		for k := range arms {
			i := k
			if block%2 == 1 {
				i = len(arms) - 1 - k // there and back, so that no arm always comes first
			}
			n := c.block
			if block < 0 {
				n = c.warmup
			}
			own := make([]float64, n)
			for s := range own {
				if err := ctx.Err(); err != nil {
					return nil, fmt.Errorf("pipeline: Experiment: %w", err)
				}
				begin := c.clock()
				if err := arms[i].Step(); err != nil {
					return nil, fmt.Errorf("pipeline: Experiment: arm %q: %w", arms[i].Name, err)
				}
				own[s] = max((c.clock() - begin).Seconds(), 1e-9)
			}
			if block < 0 {
				continue
			}
			times[i] = append(times[i], own)
			if c.progress != nil {
				c.progress(block*len(arms)+k+1, c.blocks*len(arms))
			}
		}
	}
	return times, nil
}

func compare(call string, arms []Arm, times [][][]float64, base int) (Measured, error) {
	medians := make([][]float64, len(arms))
	for i := range arms {
		for _, block := range times[i] {
			medians[i] = append(medians[i], quantiles(block).Median)
		}
	}
	var m Measured
	for i, a := range arms {
		t := ArmTimes{Name: a.Name, P: 1}
		for _, block := range times[i] {
			t.Times = append(t.Times, block...)
		}
		t.Median = quantiles(t.Times).Median
		ratios := make([]float64, len(medians[i]))
		for b := range ratios {
			ratios[b] = medians[base][b] / medians[i][b]
		}
		var err error
		if t.Ratio, err = stats.GeoMean(ratios); err != nil {
			return Measured{}, fmt.Errorf("%s: %w", call, err)
		}
		if i != base {
			u, err := stats.MannWhitney(medians[base], medians[i])
			if err != nil {
				return Measured{}, fmt.Errorf("%s: %w", call, err)
			}
			t.P = u.P
		}
		m.Arms = append(m.Arms, t)
	}
	return m, nil
}

// Outcome is what an experiment says of a verdict.
type Outcome uint8

// The outcomes.
const (
	Untested Outcome = iota // no arm asks about it
	Confirmed
	Refuted
	Undecided // differences too small for the steps that were run
)

var outcomes = enum.Of[Outcome]("outcome", "untested", "confirmed", "refuted", "undecided")

// String is the outcome's name.
func (o Outcome) String() string { return outcomes.String(o) }

// MarshalText writes the name.
func (o Outcome) MarshalText() ([]byte, error) { return outcomes.Marshal(o) }

// UnmarshalText reads a name.
func (o *Outcome) UnmarshalText(text []byte) error { return outcomes.Unmarshal(o, text) }

// Confirmation is what an experiment says of a report.
type Confirmation struct {
	Outcome Outcome  `json:"outcome"`
	Reasons []string `json:"reasons"`
}

// noticeable is the ratio of times from which on a difference counts.
const noticeable = 1.05

// Confirm holds the verdict of a report against the experiment. That the loop waits for its input is confirmed if it is
// faster on a cached batch, that arithmetic is the limit if it is not; overhead, if twice the batch takes less than 1.3
// times as long. Time that asynchronous work has moved into another phase is found out so.
func (m Measured) Confirm(v Bottleneck) Confirmation {
	var c Confirmation
	switch v {
	case taxonomy.Input, taxonomy.InputLoad, taxonomy.InputPreprocess:
		c.faster(m.arm(CachedBatch), true)
		if a := m.arm(NoOpModel); a != nil && a.Ratio.Hi < noticeable {
			c.say(Confirmed, "without the model a step takes as long: the input is the ceiling")
		}
	case taxonomy.Compute, taxonomy.MemoryBandwidth, taxonomy.Optimizer:
		c.faster(m.arm(CachedBatch), false)
		if a := m.arm(NoOpModel); a != nil && a.Ratio.Lo > noticeable {
			c.say(Confirmed, "without the model a step is %.3g times as fast", a.Ratio.Value)
		}
		if a := m.arm(DoubleBatch); a != nil && 1/a.Ratio.Value >= 1.3 && v != taxonomy.Optimizer {
			c.say(Confirmed, "twice the batch takes %.3g times as long", 1/a.Ratio.Value)
		}
	case taxonomy.Overhead:
		c.overhead(m.arm(DoubleBatch))
	}
	if c.Outcome == Untested {
		c.Reasons = append(c.Reasons, fmt.Sprintf("no arm of the experiment asks about %v", v))
	}
	return c
}

func (m Measured) arm(name string) *ArmTimes {
	for i := range m.Arms {
		if m.Arms[i].Name == name {
			return &m.Arms[i]
		}
	}
	return nil
}

// say adds a reason. One that refutes outweighs those that confirm.
func (c *Confirmation) say(o Outcome, format string, args ...any) {
	c.Reasons = append(c.Reasons, fmt.Sprintf(format, args...))
	switch {
	case o == Refuted, c.Outcome == Untested, c.Outcome == Undecided && o == Confirmed:
		c.Outcome = o
	}
}

// faster asks whether the loop is faster on a cached batch.
func (c *Confirmation) faster(a *ArmTimes, expected bool) {
	if a == nil {
		return
	}
	outcome := func(is bool) Outcome {
		if is == expected {
			return Confirmed
		}
		return Refuted
	}
	switch {
	case a.Ratio.Lo > noticeable && a.P < 0.05:
		c.say(outcome(true), "on a cached batch a step is %.3g times as fast: that much is to be gained from the input",
			a.Ratio.Value)
	case a.Ratio.Hi < 1/(2-noticeable):
		c.say(outcome(false), "on a cached batch a step takes as long: the input is not what limits it")
	default:
		c.say(Undecided, "on a cached batch a step is %.3g times as fast, %.3g to %.3g: run more blocks",
			a.Ratio.Value, a.Ratio.Lo, a.Ratio.Hi)
	}
}

// overhead asks whether time grows less than the batch. With t(B) = a + bB, a is 2t(B) - t(2B), and not below 0.
func (c *Confirmation) overhead(a *ArmTimes) {
	if a == nil {
		return
	}
	times := 1 / a.Ratio.Value
	fixed := math.Max(0, 2-times)
	switch lo, hi := 1/a.Ratio.Hi, 1/a.Ratio.Lo; {
	case hi < 1.7:
		c.say(Confirmed, "twice the batch takes %.3g times as long: %.0f %% of a step do not depend on the batch",
			times, 100*fixed)
	case lo > 1.7:
		c.say(Refuted, "twice the batch takes %.3g times as long", times)
	default:
		c.say(Undecided, "twice the batch takes %.3g times as long, %.3g to %.3g: run more blocks", times, lo, hi)
	}
}

// String is a table for people.
func (m Measured) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %10s  %s\n", "arm", "median ms", "times as fast as real")
	for _, a := range m.Arms {
		fmt.Fprintf(&b, "%-16s %10.4g  %.3g [%.3g, %.3g] P %.2g\n",
			a.Name, 1e3*a.Median, a.Ratio.Value, a.Ratio.Lo, a.Ratio.Hi, a.P)
	}
	return b.String()
}
