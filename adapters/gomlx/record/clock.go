package record

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/pipeline"
)

// Clock counts the seconds of the training steps of one loop. It is not safe for concurrent use.
type Clock struct {
	config  config
	ds      train.Dataset // as the loop gets it
	loop    *train.Loop
	seconds float64
	warmup  int           // steps that have not counted
	began   time.Duration // of the step
	span    pipeline.Span // of what the loop does
	samples int           // of the update
	updates int           // global step
	started bool
}

// secondsPath is where the seconds are in the parameters of a store.
const secondsPath = host.Scope + "/seconds"

// Option is a choice of [NewClock].
type Option func(*config) error

type config struct {
	profiler *pipeline.Profiler
	warmup   int
	now      func() time.Duration
}

// WithWarmup leaves out the first n steps of each process, 0 or more; default 1, which compiles the graph.
func WithWarmup(n int) Option {
	return func(c *config) error {
		c.warmup = n
		return option.Range(n >= 0, "WithWarmup", n, "0 or more")
	}
}

// WithProfiler has the clock tell a profiler what the loop does: that it waits for a batch, trains, which is Forward
// since GoMLX does all of a step in one program, and evaluates. Default none.
func WithProfiler(p *pipeline.Profiler) Option {
	return func(c *config) error {
		c.profiler = p
		return option.Nil(p != nil, "WithProfiler")
	}
}

// WithNow sets the clock that is read, for tests: time since some start.
func WithNow(now func() time.Duration) Option {
	return func(c *config) error {
		c.now = now
		return option.Nil(now != nil, "WithNow")
	}
}

// NewClock makes a clock that stands at 0. Options are [WithWarmup], [WithProfiler] and [WithNow].
func NewClock(opts ...Option) (*Clock, error) {
	start := time.Now()
	c := &Clock{config: config{warmup: 1, now: func() time.Duration { return time.Since(start) }}}
	if err := option.Apply("record: NewClock", &c.config, opts); err != nil {
		return nil, err
	}
	return c, nil
}

// Seconds is the time of the training steps so far, of those before a resume too.
func (c *Clock) Seconds() float64 { return c.seconds }

// first is the priority of hooks that run before all others.
const first = train.Priority(math.MinInt)

// Attach has the clock follow a loop, which must be run with the data set that Attach returns: another is an error that
// wraps [tensor.ErrConflict] when the run starts. A clock follows one loop.
func (c *Clock) Attach(loop *train.Loop, ds train.Dataset) train.Dataset {
	c.loop, c.ds = loop, &timed{ds, c}
	if d, ok := ds.(train.DistributedDataset); ok {
		c.ds = &timedDistributed{d, c}
	}
	loop.OnStart("clock", first, func(loop *train.Loop, ds train.Dataset) error {
		if ds != c.ds {
			return fmt.Errorf("record: the loop runs with another data set than that of Clock.Attach: %w",
				tensor.ErrConflict)
		}
		c.start()
		return nil
	})
	loop.OnStep("clock", first, func(*train.Loop, []*tensors.Tensor) error {
		c.stepped()
		return nil
	})
	loop.OnEnd("clock", first, func(*train.Loop, []*tensors.Tensor) error {
		c.update()
		return nil
	})
	return c.ds
}

// start takes up the seconds of a run that is resumed.
func (c *Clock) start() {
	if c.started {
		return
	}
	c.started = true
	c.updates = int(c.loop.Trainer.GlobalStep())
	if s, ok := c.loop.Trainer.Store().GetParam(secondsPath); ok {
		c.seconds, _ = s.(float64)
	}
	if c.config.profiler != nil {
		c.config.profiler.Reset()
	}
}

// waits notes that the loop asks for a batch.
func (c *Clock) waits() {
	c.update()
	c.begin(pipeline.Wait)
}

// has notes that the loop has got a batch, of so many samples, and trains.
func (c *Clock) has(samples int) {
	c.end()
	c.samples += samples
	c.began = c.config.now()
	c.begin(pipeline.Forward)
}

// stepped notes that the loop has trained.
func (c *Clock) stepped() {
	c.end()
	if c.warmup < c.config.warmup {
		c.warmup++
	} else {
		c.seconds += (c.config.now() - c.began).Seconds()
	}
	c.loop.Trainer.Store().SetParam(secondsPath, c.seconds)
}

// update tells the profiler of an update of the weights that is over, with all hooks.
func (c *Clock) update() {
	if c.config.profiler == nil {
		return
	}
	if step := int(c.loop.Trainer.GlobalStep()); step > c.updates {
		c.updates = step
		c.config.profiler.EndStep(c.samples)
		c.samples = 0
	}
}

func (c *Clock) begin(phase pipeline.Phase) {
	if c.config.profiler != nil {
		c.span = c.config.profiler.Begin(phase)
	}
}

func (c *Clock) end() {
	if c.config.profiler != nil {
		c.span.End()
	}
}

// timed is a data set that tells when it is waited for.
type timed struct {
	train.Dataset
	c *Clock
}

// Iter implements train.Dataset.
func (d *timed) Iter() iter.Seq2[train.Batch, error] {
	return follow(d.c, d.Dataset.Iter(), func(b train.Batch) int {
		if len(b.Inputs) == 0 || b.Inputs[0].Rank() == 0 {
			return 0
		}
		return b.Inputs[0].Shape().Dimensions[0]
	})
}

// timedDistributed is the same of one whose batches are sharded.
type timedDistributed struct {
	train.DistributedDataset
	c *Clock
}

// DistributedIter implements train.DistributedDataset.
func (d *timedDistributed) DistributedIter() iter.Seq2[train.DistributedBatch, error] {
	return follow(d.c, d.DistributedDataset.DistributedIter(), func(b train.DistributedBatch) int {
		if len(b.Inputs) == 0 || b.Inputs[0].Shape().Rank() == 0 {
			return 0
		}
		return b.Inputs[0].Shape().Dimensions[0]
	})
}

func follow[B any](c *Clock, batches iter.Seq2[B, error], samples func(B) int) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		c.waits()
		for b, err := range batches {
			if err == nil {
				c.has(samples(b))
			}
			if !yield(b, err) {
				return
			}
			c.waits()
		}
		c.end()
	}
}
