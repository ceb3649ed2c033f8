package survival

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Baseline is the hazard of a score of 0 in one stratum. Those of a score s have exp(s) times as much of it.
type Baseline struct {
	Stratum int            `json:"stratum"`
	Steps   []BaselineStep `json:"steps"`
	Last    float64        `json:"last"` // the largest finite time of all, beyond which nothing is known
}

// BaselineStep is a time at which the cumulative hazard rises.
type BaselineStep struct {
	Time float64 `json:"time"`
	H    float64 `json:"h"` // from here on
}

// FitBaseline finds the hazard that goes with scores from anywhere, which must be logarithms of hazards, such as the
// outputs of a network trained with Cox's loss: by stratum, in the order of their numbers (Breslow 1974). Scores on
// another scale go through [FitCox] as a column first. The error wraps [ErrNoEvents], [tensor.ErrShape],
// [tensor.ErrNotFinite] or [tensor.ErrRange].
func FitBaseline(times []stats.Lifetime, score []float64, opts ...SampleOption) ([]Baseline, error) {
	c, err := configure("FitBaseline", opts)
	if err != nil {
		return nil, err
	}
	if err := c.check(times); err != nil {
		return nil, err
	}
	if err := c.checkScores("score", score, len(times)); err != nil {
		return nil, err
	}
	s, err := newSample(times, &c)
	if err != nil {
		return nil, err
	}
	l := newLikelihood(s, nil, 0, Breslow)
	l.offset = make([]float64, len(score))
	for at, i := range s.row {
		l.offset[at] = score[i]
	}
	l.eval(nil)
	return l.baselines(), nil
}

// baselines are the cumulative hazards, in the scale of x b.
func (l *likelihood) baselines() []Baseline {
	all := make([]Baseline, len(l.strata))
	for k, of := range l.strata {
		b := Baseline{Stratum: of.label}
		scale := math.Exp(-l.top[k])
		h := 0.0
		for g := of.first; g < of.end; g++ {
			h += l.all[g+1] - l.all[g]
			b.Steps = append(b.Steps, BaselineStep{l.groups[g].time, h * scale})
		}
		for _, t := range l.time[of.lo:of.hi] {
			if !math.IsInf(t, 1) {
				b.Last = max(b.Last, t)
			}
		}
		all[k] = b
	}
	return all
}

// Hazard is the cumulative hazard of a score at time t. The error wraps [stats.ErrUnreached] for t beyond the last
// lifetime, [tensor.ErrRange] for a negative one and [tensor.ErrNotFinite].
func (b Baseline) Hazard(score, t float64) (float64, error) {
	const call = "survival: Baseline.Hazard"
	c := config{call: call}
	switch {
	case t != t || score-score != 0:
		return 0, c.errorf("a score of %v at time %v: %w", score, t, tensor.ErrNotFinite)
	case t < 0:
		return 0, c.errorf("t is %v: %w", t, tensor.ErrRange)
	case t > b.Last:
		return 0, c.errorf("t is %v and the last lifetime ended at %v: %w", t, b.Last, stats.ErrUnreached)
	}
	after, _ := slices.BinarySearchFunc(b.Steps, t, func(s BaselineStep, t float64) int {
		if s.Time <= t {
			return -1
		}
		return 1
	})
	if after == 0 {
		return 0, nil
	}
	return b.Steps[after-1].H * math.Exp(score), nil
}

// Survival is the probability that the event of a score has not happened at time t. The error is that of
// [Baseline.Hazard].
func (b Baseline) Survival(score, t float64) (float64, error) {
	h, err := b.Hazard(score, t)
	return math.Exp(-h), err
}
