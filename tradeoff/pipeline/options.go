package pipeline

import (
	"math"
	"time"

	"github.com/espalier-ml/espalier/internal/option"
)

// Option is a choice of [New]: a [ReadingOption] or a [ProfilerOption].
type Option = func(*config) error

// ReadingOption is a choice of [New] and of [Judge].
type ReadingOption func(*config) error

// ProfilerOption is a choice of [New] alone.
type ProfilerOption func(*config) error

type config struct {
	reading
	steps int
	clock func() time.Duration
}

// reading is how a trace is judged.
type reading struct {
	warmup int
	peaks  Peaks
}

// WithWarmup leaves out the first n steps, 0 or more; default 10. They fill caches and compile.
func WithWarmup(n int) ReadingOption {
	return func(c *config) error {
		c.warmup = n
		return option.Range(n >= 0, "WithWarmup", n, "0 or more")
	}
}

// WithRoofline sets the peaks of the machine, such as those of [MeasurePeaks]; default none, and no roofline.
func WithRoofline(p Peaks) ReadingOption {
	return func(c *config) error {
		c.peaks = p
		ok := p.Flops > 0 && p.Bytes > 0 && !math.IsInf(p.Flops, 1) && !math.IsInf(p.Bytes, 1)
		return option.Range(ok, "WithRoofline", p, "finite numbers above 0")
	}
}

// WithSteps sets how many steps are kept, the last ones, at least 2; default 10,000. A step takes 88 bytes.
func WithSteps(n int) ProfilerOption {
	return func(c *config) error {
		c.steps = n
		return option.Range(n >= 2 && n <= 1<<24, "WithSteps", n, "2 to 2^24")
	}
}

// WithClock sets the clock, for tests: time since some start. Memory is then not looked at.
func WithClock(now func() time.Duration) ProfilerOption {
	return func(c *config) error {
		c.clock = now
		return option.Nil(now != nil, "WithClock")
	}
}
