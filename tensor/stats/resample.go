package stats

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Bootstrap is a statistic of a sample and of its resamples.
type Bootstrap struct {
	Values     []float64   // of the sample itself, one for each output of the statistic
	Replicates [][]float64 // [output][replicate]
	N          int         // units, or clusters, of the smallest stratum

	config    config
	influence [][][]float64 // [output][stratum][unit], for BCa
}

// Resample draws a design again and again and computes a statistic of each draw. worker returns the statistic, with
// scratch memory of its own for one goroutine: it gets the drawn units, which it may reorder and must not keep, and
// fills outputs numbers. It is also called with every unit once, which gives the values of the sample itself, and for
// [BCa] without each unit.
//
// It takes every option. Intervals are [Percentile] by default, and [Basic], [BC] or [BCa] by [WithInterval]. The error
// wraps that of ctx if it ends first, [tensor.ErrNotFinite] if the statistic of the sample is not finite, or the fault
// of the design.
func Resample(
	ctx context.Context, d Design, outputs int, worker func() func(drawn []int, out []float64), opts ...Option,
) (Bootstrap, error) {
	c, err := configure("Resample", opts)
	if err != nil {
		return Bootstrap{}, err
	}
	return c.resample(ctx, d, outputs, worker)
}

// ResampleCounts is [Resample] for statistics that need to know only how often each unit was drawn, such as weighted
// sums: counts[i] is how often unit i was. Drawing and looking up are faster than with indices.
func ResampleCounts(
	ctx context.Context, d Design, outputs int, worker func() func(counts []int32, out []float64), opts ...Option,
) (Bootstrap, error) {
	c, err := configure("ResampleCounts", opts)
	if err != nil {
		return Bootstrap{}, err
	}
	if err := d.check(&c); err != nil {
		return Bootstrap{}, err
	}
	byIndex := func() func([]int, []float64) {
		stat, counts := worker(), make([]int32, d.units)
		return func(drawn []int, out []float64) {
			clear(counts)
			for _, i := range drawn {
				counts[i]++
			}
			stat(counts, out)
		}
	}
	if c.draws != nil {
		return c.resample(ctx, d, outputs, byIndex)
	}
	b, err := c.original(&d, outputs, byIndex)
	if err != nil {
		return Bootstrap{}, err
	}
	b.Replicates, err = c.replicate(ctx, outputs, func() func(int, *rand.Rand, []float64) {
		stat, counts := worker(), make([]int32, d.units)
		return func(_ int, rng *rand.Rand, out []float64) {
			clear(counts)
			d.count(counts, rng)
			stat(counts, out)
		}
	})
	return b, err
}

// Replicate resamples by a scheme of the caller's own: worker returns a function, with scratch memory of its own for
// one goroutine, that draws replicate b with the stream of (seed, b) and fills outputs numbers. It returns
// replicates[output][b].
func Replicate(
	ctx context.Context, outputs int, worker func() func(b int, rng *rand.Rand, out []float64), opts ...ResampleOption,
) ([][]float64, error) {
	c, err := configure("Replicate", opts)
	if err != nil {
		return nil, err
	}
	return c.replicate(ctx, outputs, worker)
}

// FromReplicates is the estimate of a value with replicates that were drawn elsewhere, n units being the fewest of a
// sample. For [BCa], without is the statistic without each unit, a slice for each sample. It takes [WithLevel] and
// [WithInterval]; the default is [Percentile].
func FromReplicates(value float64, replicates []float64, n int, without [][]float64, opts ...Option) (Estimate, error) {
	c, err := configure("FromReplicates", opts)
	if err != nil {
		return Estimate{}, err
	}
	if len(replicates) == 0 {
		return Estimate{}, c.errorf("no replicates: %w", tensor.ErrEmpty)
	}
	var influence [][]float64
	for _, sample := range without {
		influence = append(influence, influences(sample))
	}
	return c.estimate(value, replicates, n, influence)
}

// Estimate is an output of the statistic with its interval. The error wraps [ErrDegenerate] where the replicates leave
// [BC] or [BCa] without their corrections, and [tensor.ErrRange] for an output that there is not.
func (b Bootstrap) Estimate(output int) (Estimate, error) {
	if output < 0 || output >= len(b.Values) {
		return Estimate{}, b.config.errorf("output %d of %d: %w", output, len(b.Values), tensor.ErrRange)
	}
	var influence [][]float64
	if b.influence != nil {
		influence = b.influence[output]
	}
	return b.config.estimate(b.Values[output], b.Replicates[output], b.N, influence)
}

// estimate makes the interval. A unit drawn from one unit is always the same, so that one value bounds nothing.
func (c *config) estimate(value float64, replicates []float64, n int, influence [][]float64) (Estimate, error) {
	e := Estimate{Value: value, Level: c.level, Interval: c.interval, N: n}
	if e.Interval == Auto {
		e.Interval = Percentile
	}
	if e.Interval == BCa && influence == nil {
		return Estimate{}, c.errorf("%v without a jackknife: %w", e.Interval, tensor.ErrConflict)
	}
	var err error
	if e.Lo, e.Hi, err = c.fromReplicates(e.Interval, value, replicates, influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	if n < 2 {
		e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	}
	e.Warnings = warnings(e.Interval, n, false)
	return e, nil
}

func (c *config) resample(
	ctx context.Context, d Design, outputs int, worker func() func([]int, []float64),
) (Bootstrap, error) {
	if err := d.check(c); err != nil {
		return Bootstrap{}, err
	}
	b, err := c.original(&d, outputs, worker)
	if err != nil {
		return Bootstrap{}, err
	}
	b.Replicates, err = c.replicate(ctx, outputs, c.drawing(&d, worker))
	return b, err
}

// drawing makes a worker of [config.replicate] of a statistic of drawn units.
func (c *config) drawing(d *Design, worker func() func([]int, []float64)) func() func(int, *rand.Rand, []float64) {
	return func() func(int, *rand.Rand, []float64) {
		stat, drawn := worker(), make([]int, 0, d.units)
		return func(b int, rng *rand.Rand, out []float64) {
			if c.draws != nil {
				drawn = append(drawn[:0], c.draws[b]...)
			} else {
				drawn = d.draw(drawn[:0], rng)
			}
			stat(drawn, out)
		}
	}
}

// original is the statistic of the sample itself and, for BCa, without each unit.
func (c *config) original(d *Design, outputs int, worker func() func([]int, []float64)) (Bootstrap, error) {
	if outputs < 1 {
		return Bootstrap{}, c.errorf("%d outputs, want 1 or more: %w", outputs, tensor.ErrRange)
	}
	b := Bootstrap{N: d.smallest(), config: *c, Values: make([]float64, outputs)}
	stat := worker()
	drawn := d.all(make([]int, 0, d.units), -1, -1)
	stat(drawn, b.Values)
	for k, v := range b.Values {
		if v-v != 0 {
			return Bootstrap{}, c.errorf("output %d of the statistic of the sample is %v: %w", k, v, tensor.ErrNotFinite)
		}
	}
	if c.interval != BCa {
		return b, nil
	}
	b.influence = make([][][]float64, outputs)
	out := make([]float64, outputs)
	for s, members := range d.strata {
		if len(members) < 2 {
			continue // without its only unit there is no sample
		}
		without := make([][]float64, outputs)
		for i := range members {
			drawn = d.all(drawn[:0], s, i)
			stat(drawn, out)
			for k, v := range out {
				without[k] = append(without[k], v)
			}
		}
		for k := range without {
			b.influence[k] = append(b.influence[k], influences(without[k]))
		}
	}
	return b, nil
}

// replicate returns replicates[output][b].
func (c *config) replicate(
	ctx context.Context, outputs int, worker func() func(b int, rng *rand.Rand, out []float64),
) ([][]float64, error) {
	replicates := make([][]float64, outputs)
	for k := range replicates {
		replicates[k] = make([]float64, c.replicates)
	}
	const grain = 64
	var lock sync.Mutex
	done := 0
	tensor.ParallelWorkers(c.workers, c.replicates, grain, func(lo, hi int) {
		if ctx.Err() != nil {
			return
		}
		draw, out := worker(), make([]float64, outputs)
		for b := lo; b < hi; b++ {
			draw(b, tensor.Stream(c.seed, uint64(b)), out)
			for k, v := range out {
				replicates[k][b] = v
			}
		}
		if c.progress != nil {
			lock.Lock()
			defer lock.Unlock()
			done += hi - lo
			c.progress(done, c.replicates)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, c.errorf("%w", context.Cause(ctx))
	}
	return replicates, nil
}

// resampled completes e with an interval of replicates of a statistic of samples that are drawn from each by itself.
// The statistic may reorder its arguments.
func (c *config) resampled(e Estimate, samples [][]float64, stat func(drawn [][]float64) float64) (Estimate, error) {
	sizes := make([]int, len(samples))
	for k, x := range samples {
		sizes[k] = len(x)
	}
	all, d := slices.Concat(samples...), Samples(sizes...)
	b, err := c.resample(context.Background(), d, 1, func() func([]int, []float64) {
		y, drawn := make([]float64, len(all)), make([][]float64, len(samples))
		return func(units []int, out []float64) {
			for i, unit := range units {
				y[i] = all[unit]
			}
			// Of the units in order, each belongs to the sample that its number falls in.
			at := 0
			for k := range samples {
				n := min(sizes[k], len(units)-at)
				if len(units) < len(all) { // one was left out
					n = within(units[at:], d.strata[k])
				}
				drawn[k] = y[at : at+n]
				at += n
			}
			out[0] = stat(drawn)
		}
	})
	if err != nil {
		return Estimate{}, err
	}
	r, err := b.Estimate(0)
	if err != nil {
		return Estimate{}, err
	}
	r.Value = e.Value
	constant := true
	for _, x := range samples {
		constant = constant && equal(x)
	}
	r.Warnings = warnings(r.Interval, r.N, constant)
	return r, nil
}

// within counts the leading units that belong to a sample.
func within(units []int, sample []int32) int {
	n := 0
	for n < len(units) && units[n] <= int(sample[len(sample)-1]) {
		n++
	}
	return n
}
