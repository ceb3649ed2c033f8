package survival

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Censoring is how likely lifetimes are not to be censored by a time, G(t), for measures that weight those who were
// observed by 1/G to stand for those who were not (IPCW). They hold if censoring has nothing to do with the risk. It is
// immutable.
type Censoring struct {
	g    stats.Survival
	last float64 // G is above 0 up to here
}

// FitCensoring estimates G by the reverse Kaplan-Meier curve: events come before censorings of the same time. Its
// lifetimes are those that are evaluated, or those of training if they are few. The error is that of
// [stats.ReverseKaplanMeier].
func FitCensoring(times []stats.Lifetime) (Censoring, error) {
	g, err := stats.ReverseKaplanMeier(times)
	if err != nil {
		return Censoring{}, err
	}
	c := Censoring{g: g, last: math.Inf(1)}
	if steps := g.Steps(); len(steps) > 0 && steps[len(steps)-1].S == 0 {
		c.last = steps[len(steps)-1].Time
	}
	return c, nil
}

// before is G(t-). The error says up to when there is one.
func (g Censoring) before(c *config, t float64) (float64, error) {
	if v := g.g.Before(t); v > 0 {
		return v, nil
	}
	return 0, c.errorf("G is 0 before time %v, the last usable time is %v: %w", t, g.last, stats.ErrUnreached)
}

// Uno is Uno's C (Uno et al. 2011): [Concord] of the events before tau, pairs weighted by 1/G(t-)^2 of their event, so
// that it does not depend on the censoring. Its error takes G for known. The error is that of Concord, or wraps
// [stats.ErrUnreached] where G is 0 before an event, and says which tau would do; tau may be +Inf.
func (g Censoring) Uno(times []stats.Lifetime, risk []float64, tau float64) (Concordance, error) {
	c := config{call: "survival: Censoring.Uno"}
	if !(tau > 0) {
		return Concordance{}, c.errorf("tau is %v, want a time above 0: %w", tau, tensor.ErrRange)
	}
	if err := c.check(times); err != nil {
		return Concordance{}, err
	}
	for _, t := range times {
		if t.Event && t.Time < tau {
			if _, err := g.before(&c, t.Time); err != nil {
				return Concordance{}, err
			}
		}
	}
	return c.concord(times, risk, func(t float64) float64 {
		if t >= tau {
			return 0
		}
		v := g.g.Before(t)
		return 1 / (v * v)
	})
}

// Brier is the mean squared difference of survival[i], the predicted probability that the event of i has not happened
// at time t, and whether it had not, weighted by 1/G (Graf et al. 1999). 0.25 is that of one half for everybody. The
// interval takes G for known. The error wraps [stats.ErrUnreached] where G is 0, and [tensor.ErrRange] for what is no
// probability.
func (g Censoring) Brier(
	times []stats.Lifetime, survival []float64, t float64, opts ...stats.LevelOption,
) (stats.Estimate, error) {
	c := config{call: "survival: Censoring.Brier"}
	losses, err := g.brier(&c, times, survival, t)
	if err != nil {
		return stats.Estimate{}, err
	}
	if len(losses) == 1 {
		return stats.Estimate{}, c.errorf("a single lifetime: %w", stats.ErrTooFew)
	}
	all := make([]stats.Option, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return stats.Mean(losses, all...)
}

// brier is the weighted squared difference of each lifetime.
func (g Censoring) brier(c *config, times []stats.Lifetime, survival []float64, t float64) ([]float64, error) {
	if err := c.check(times); err != nil {
		return nil, err
	}
	if err := c.checkScores("survival", survival, len(times)); err != nil {
		return nil, err
	}
	if !(t >= 0) || math.IsInf(t, 1) {
		return nil, c.errorf("t is %v, want a finite time: %w", t, tensor.ErrRange)
	}
	losses := make([]float64, len(times))
	for i, s := range survival {
		if s < 0 || s > 1 {
			return nil, c.errorf("survival[%d] = %v is no probability: %w", i, s, tensor.ErrRange)
		}
		switch {
		case times[i].Time > t:
			left := g.g.At(t)
			if left == 0 {
				return nil, c.errorf("G(%v) is 0, the last usable time is before %v: %w", t, g.last, stats.ErrUnreached)
			}
			losses[i] = (1 - s) * (1 - s) / left
		case times[i].Event:
			left, err := g.before(c, times[i].Time)
			if err != nil {
				return nil, err
			}
			losses[i] = s * s / left
		}
	}
	return losses, nil
}

// IntegratedBrier is the mean of [Censoring.Brier] over the times at, ascending, by trapezia. survival has a row for
// each lifetime and a column for each time.
func (g Censoring) IntegratedBrier(
	times []stats.Lifetime, survival tensor.Matrix[float64], at []float64,
) (float64, error) {
	c := config{call: "survival: Censoring.IntegratedBrier"}
	if survival.Rows != len(times) || survival.Cols != len(at) {
		return 0, c.errorf("survival is %d by %d for %d lifetimes and %d times: %w", survival.Rows, survival.Cols,
			len(times), len(at), tensor.ErrShape)
	}
	if len(at) < 2 {
		return 0, c.errorf("%d times, want two or more: %w", len(at), tensor.ErrEmpty)
	}
	area, last := 0.0, 0.0
	column := make([]float64, len(times))
	for k, t := range at {
		if k > 0 && !(t > at[k-1]) {
			return 0, c.errorf("at[%d] = %v after %v, want ascending times: %w", k, t, at[k-1], tensor.ErrRange)
		}
		for i := range column {
			column[i] = survival.Row(i)[k]
		}
		losses, err := g.brier(&c, times, column, t)
		if err != nil {
			return 0, err
		}
		mean := 0.0
		for _, v := range losses {
			mean += v / float64(len(losses))
		}
		if k > 0 {
			area += (mean + last) / 2 * (t - at[k-1])
		}
		last = mean
	}
	return area / (at[len(at)-1] - at[0]), nil
}

// AUC is how well a risk tells those whose event came by time t from those who were observed without one beyond it
// (cumulative cases and dynamic controls, Uno et al. 2007): [stats.AUC] with cases weighted by 1/G. Those who were
// censored before are left out. The error is that of [stats.AUC], as where nobody had an event by t, or wraps
// [stats.ErrUnreached] where G is 0.
func (g Censoring) AUC(
	times []stats.Lifetime, risk []float64, t float64, opts ...stats.LevelOption,
) (stats.Estimate, error) {
	c := config{call: "survival: Censoring.AUC"}
	if err := c.check(times); err != nil {
		return stats.Estimate{}, err
	}
	if err := c.checkScores("risk", risk, len(times)); err != nil {
		return stats.Estimate{}, err
	}
	if !(t >= 0) || math.IsInf(t, 1) {
		return stats.Estimate{}, c.errorf("t is %v, want a finite time: %w", t, tensor.ErrRange)
	}
	var positive []bool
	var score, weight []float64
	for i, of := range times {
		w := 1.0
		switch {
		case of.Time > t:
		case of.Event:
			left, err := g.before(&c, of.Time)
			if err != nil {
				return stats.Estimate{}, err
			}
			w = 1 / left
		default:
			continue
		}
		positive, score, weight = append(positive, of.Time <= t), append(score, risk[i]), append(weight, w)
	}
	if len(positive) == 0 {
		return stats.Estimate{}, c.errorf("all were censored by %v: %w", t, stats.ErrOneClass)
	}
	return stats.AUC(positive, score, weight, opts...)
}
