package tradeoff

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// AtQuality sets the quality at which [Speedup] compares: the target that was fixed before the runs. Default: the
// worst of the best qualities of the baseline's runs, the best that all of them reach.
func AtQuality(q float64) MatchOption {
	return matchOption{func(c *config) error {
		c.given.Mark("AtQuality")
		if q-q != 0 {
			return fmt.Errorf("AtQuality(%v): %w", q, tensor.ErrNotFinite)
		}
		c.quality = q
		return nil
	}}
}

// WithInterpolation sets how curves are read between their points. Default: [FirstHit].
func WithInterpolation(how Interpolation) ReadingOption {
	return readingOption{func(c *config) error {
		c.given.Mark("WithInterpolation")
		c.interpolation = how
		return option.Range(interpolations.Valid(how), "WithInterpolation", how, "one of the constants")
	}}
}

// WithFit has [Speedup] and [RunsNeeded] read times off a [Saturating] curve that is fitted to each run, as Ankner et
// al. 2024 do (appendix F), within the costs of the run: the noise of evaluations averages out, and so do real bends.
// The best qualities of noisy runs may lie above their curves; give the target AtQuality. It does not go with
// WithInterpolation.
func WithFit() MatchOption {
	return matchOption{func(c *config) error {
		c.given.Mark("WithFit")
		c.fit = true
		return nil
	}}
}

// matchedTimes is the times of both arms to the target, and the target.
func (c *config) matchedTimes(base, method Runs) (arms [2][]stats.Lifetime, q float64, err error) {
	q = c.quality
	if !c.given.Has("AtQuality") {
		q = base.CommonBest()
	}
	if !c.fit {
		return [2][]stats.Lifetime{base.Times(q, c.interpolation), method.Times(q, c.interpolation)}, q, nil
	}
	if err := c.given.Exclusive("WithFit", "WithInterpolation"); err != nil {
		return arms, q, c.errorf("%w", err)
	}
	for k, r := range []Runs{base, method} {
		fits := make([]Saturating, len(r.Curves))
		for i, curve := range r.Curves {
			if fits[i], err = FitSaturating(curve); err != nil {
				return arms, q, c.errorf("curve %d of %q: %w", i, r.Name, err)
			}
		}
		next := 0
		arms[k] = r.times(func(curve Curve) (cost float64, reached bool) {
			f := fits[next]
			next++
			if cost, reached = f.TimeToQuality(q); reached {
				return cost, true
			}
			first, _ := f.QualityAt(curve.points[0].Cost)
			return curve.points[0].Cost, curve.direction.Reaches(first, q) // or before
		}, math.Inf(1))
	}
	return arms, q, nil
}

// Speedup is the factor by which method is faster than base at matched quality: the ratio of their times to a quality,
// above 1 if method is faster (Portes et al. 2022; after Bartoldson et al. 2023). It is a measured speedup if the costs
// are seconds; with steps or FLOPs it is a theoretical one.
//
// If all runs reach the target it is the ratio of the geometric means of the times, with Welch's t interval of their
// logarithms. If some do not, they are not dropped: it is the ratio of medians, in which they are infinite, with
// bootstrap quantiles and a warning; one that failed never does. If half of the runs of an arm do not, there is no
// ratio: the error wraps [ErrNotReached], and [stats.LogRank] and [stats.KaplanMeier] are the tools. A run whose first
// evaluation reaches the target may have been there before; a warning says so.
//
// Intervals are [stats.LogT] or, where runs are censored, [stats.Percentile], or by [WithInterval] those of the
// bootstrap.
func Speedup(base, method Runs, opts ...SpeedupOption) (stats.Estimate, error) {
	c, err := configure("Speedup", opts)
	if err == nil {
		err = pair(base, method)
	}
	if err != nil {
		return stats.Estimate{}, err
	}
	arms, q, err := c.matchedTimes(base, method)
	if err != nil {
		return stats.Estimate{}, err
	}
	e, err := speedup(arms, c.interval)
	if err != nil {
		return stats.Estimate{}, c.errorf("%q over %q at quality %v (their best are %v and %v): %w", method.Name, base.Name,
			q, method.best(), base.best(), err)
	}
	for k, r := range []Runs{base, method} {
		e.Warnings = append(e.Warnings, r.warnings(", and never reach what they had not reached")...)
		if n := startsAt(r, q); n > 0 {
			bound := "a lower bound" // if base was faster than seen, so is the truth smaller
			if k == 0 {
				bound = "an upper bound"
			}
			e.Warnings = append(e.Warnings,
				fmt.Errorf("%d of %d runs of %q reach the target at their first evaluation, so that the speedup is %s; "+
					"evaluate earlier: %w", n, len(r.Curves), r.Name, bound, ErrNoOverlap))
		}
	}
	return e, nil
}

// SpeedupOfTimes is [Speedup] of times to a quality that were measured elsewhere. It takes the options of the
// bootstrap.
func SpeedupOfTimes(base, method []stats.Lifetime, opts ...stats.Option) (stats.Estimate, error) {
	c := call("SpeedupOfTimes")
	if err := errors.Join(c.checkTimes("base", base), c.checkTimes("method", method)); err != nil {
		return stats.Estimate{}, err
	}
	e, err := speedup([2][]stats.Lifetime{base, method}, opts)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	return e, nil
}

// CommonBest is the best quality that all runs reach, those aside that failed, unless all did. It is NaN if no run has
// a quality.
func (r Runs) CommonBest() float64 {
	q, all := math.NaN(), r.Failed() == len(r.Curves)
	for _, c := range r.Curves {
		if c.Len() == 0 || c.failed && !all {
			continue
		}
		if best := c.Best().Quality; q != q || c.direction.Better(q, best) {
			q = best
		}
	}
	return q
}

// best is the best quality of all runs.
func (r Runs) best() float64 {
	q := math.NaN()
	for _, c := range r.Curves {
		if best := c.Best().Quality; c.Len() > 0 && (q != q || c.direction.Better(best, q)) {
			q = best
		}
	}
	return q
}

// startsAt counts runs whose first point reaches q.
func startsAt(r Runs, q float64) int {
	n := 0
	for _, c := range r.Curves {
		if c.Len() > 0 && c.direction.Reaches(c.points[0].Quality, q) {
			n++
		}
	}
	return n
}

func speedup(arms [2][]stats.Lifetime, opts []stats.Option) (stats.Estimate, error) {
	x, censored := logTimes(arms)
	if censored > 0 {
		return medianSpeedup(arms, opts)
	}
	return stats.RatioOfLogs(x[0], x[1], opts...)
}

// logTimes is the logarithms of times, infinite for those that are censored.
func logTimes(arms [2][]stats.Lifetime) (x [2][]float64, censored int) {
	for k, times := range arms {
		for _, t := range times {
			v := math.Log(t.Time)
			if !t.Event {
				v = math.Inf(1)
				censored++
			}
			x[k] = append(x[k], v)
		}
	}
	return x, censored
}
