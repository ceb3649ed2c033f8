package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
)

// Lifetime is the time until an event, or until the observation ended without one: it is then censored, and the event
// is known to come later if at all.
type Lifetime struct {
	Time  float64 `json:"time"`  // of the event, or at which the observation ended; >= 0
	Event bool    `json:"event"` // false: censored at Time; +Inf is one whose event never comes
}

// Lifetimes pairs times with flags that are 1 for an event and 0 for the end of the observation. The error wraps
// [tensor.ErrShape] if there are not as many of both, and [tensor.ErrRange] for any other flag: durations in the wrong
// place, or 1 and 2 as some programs write them.
func Lifetimes(time, event []float64) ([]Lifetime, error) {
	c := config{call: "stats: Lifetimes"}
	if len(time) != len(event) {
		return nil, c.errorf("%d times and %d events: %w", len(time), len(event), tensor.ErrShape)
	}
	times := make([]Lifetime, len(time))
	for i, e := range event {
		if e != 0 && e != 1 {
			return nil, c.errorf("event[%d] = %v, want 0 or 1: %w", i, e, tensor.ErrRange)
		}
		times[i] = Lifetime{time[i], e == 1}
	}
	if err := c.checkTimes("time", times); err != nil {
		return nil, err
	}
	return times, nil
}

// Survival is the Kaplan-Meier estimate of S(t), the probability that the event has not happened at time t. Censored
// lifetimes count as long as they were observed; nothing is dropped. It is immutable.
type Survival struct {
	steps []SurvivalStep
	n     int
	ended []float64 // times without their event
	last  float64   // the largest time, event or not
}

// SurvivalStep is a time at which events happened.
type SurvivalStep struct {
	Time   float64 // S changes here
	S      float64 // the estimate from here on
	SE     float64 // Greenwood's standard error of S; NaN where S is 0, for which the formula has none
	AtRisk int     // lifetimes that had not ended before
	Events int     // of them, those with the event here
}

// MarshalJSON writes a standard error that there is not as null.
func (s SurvivalStep) MarshalJSON() ([]byte, error) {
	return json.Marshal(survivalStepJSON{s.Time, s.S, report.Number(s.SE), s.AtRisk, s.Events})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *SurvivalStep) UnmarshalJSON(b []byte) error {
	var j survivalStepJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = SurvivalStep{j.Time, j.S, float64(j.SE), j.AtRisk, j.Events}
	return nil
}

type survivalStepJSON struct {
	Time   float64       `json:"time"`
	S      float64       `json:"s"`
	SE     report.Number `json:"se"`
	AtRisk int           `json:"at_risk"`
	Events int           `json:"events"`
}

// KaplanMeier estimates the survival of lifetimes (Kaplan and Meier 1958). Times that differ by rounding alone count as
// one (see [LogRank]). The error wraps [tensor.ErrEmpty] if there are none, and [tensor.ErrNotFinite] or
// [tensor.ErrRange] for a time that is negative or not finite, +Inf without its event aside.
func KaplanMeier(times []Lifetime) (Survival, error) {
	c := config{call: "stats: KaplanMeier"}
	counts, err := c.counts("times", times)
	if err != nil {
		return Survival{}, err
	}
	return product(counts, len(times)), nil
}

// ReverseKaplanMeier estimates how long lifetimes were followed, or would have been but for their event: the
// probability of not being censored by a time (Schemper and Smith 1996). Its median is the median follow-up, and its
// values weight what censoring took away. At one time events come before censorings. The error is that of
// [KaplanMeier].
func ReverseKaplanMeier(times []Lifetime) (Survival, error) {
	c := config{call: "stats: ReverseKaplanMeier"}
	counts, err := c.counts("times", times)
	if err != nil {
		return Survival{}, err
	}
	for i, at := range counts {
		left := 0
		if i+1 < len(counts) {
			left = counts[i+1].risk
		}
		counts[i] = counted{at.time, at.risk - at.events, at.risk - at.events - left}
		if math.IsInf(at.time, 1) {
			counts[i].events = 0 // followed for ever
		}
	}
	return product(counts, len(times)), nil
}

// product multiplies the shares that are left at each time.
func product(counts []counted, n int) Survival {
	k := Survival{n: n, last: lastSeen(counts)}
	s, variance := 1.0, 0.0
	for i, at := range counts {
		left := 0 // at risk afterwards
		if i+1 < len(counts) {
			left = counts[i+1].risk
		}
		for range at.risk - at.events - left {
			k.ended = append(k.ended, at.time)
		}
		if at.events == 0 {
			continue
		}
		n, d := at.risk, at.events
		s *= 1 - float64(d)/float64(n)
		variance += float64(d) / (float64(n) * float64(n-d))
		se := s * math.Sqrt(variance)
		if s == 0 {
			se = math.NaN()
		}
		k.steps = append(k.steps, SurvivalStep{at.time, s, se, n, d})
	}
	return k
}

// Censored returns the times at which lifetimes ended without their event, in order, +Inf for those that never have it.
func (s Survival) Censored() []float64 { return slices.Clone(s.ended) }

// lastSeen is the largest finite time, 0 if there is none.
func lastSeen(counts []counted) float64 {
	for _, at := range slices.Backward(counts) {
		if !math.IsInf(at.time, 1) {
			return at.time
		}
	}
	return 0
}

// counted is a distinct time with how many were at risk and had their event.
type counted struct {
	time         float64
	risk, events int
}

// counts is the distinct times in their order.
func (c *config) counts(name string, times []Lifetime) ([]counted, error) {
	if err := c.checkTimes(name, times); err != nil {
		return nil, err
	}
	return count(untie(times)[0]), nil
}

// count counts lifetimes that are sorted by time.
func count(sorted []Lifetime) []counted {
	var all []counted
	for i := 0; i < len(sorted); {
		at := counted{time: sorted[i].Time, risk: len(sorted) - i}
		for ; i < len(sorted) && sorted[i].Time == at.time; i++ {
			if sorted[i].Event {
				at.events++
			}
		}
		all = append(all, at)
	}
	return all
}

func (c *config) checkTimes(name string, times []Lifetime) error {
	if len(times) == 0 {
		return c.errorf("%s has no lifetimes: %w", name, tensor.ErrEmpty)
	}
	for i, t := range times {
		switch {
		case t.Time != t.Time, math.IsInf(t.Time, -1), t.Event && math.IsInf(t.Time, 1):
			return c.errorf("%s[%d].Time = %v; one without its event is censored at its last time: %w", name, i, t.Time,
				tensor.ErrNotFinite)
		case t.Time < 0:
			return c.errorf("%s[%d].Time = %v: %w", name, i, t.Time, tensor.ErrRange)
		}
	}
	return nil
}

// untie returns the groups sorted by time, with times that differ by rounding alone made equal.
func untie(groups ...[]Lifetime) [][]Lifetime {
	sorted := make([][]Lifetime, len(groups))
	var all []float64
	for k, g := range groups {
		sorted[k] = slices.Clone(g)
		slices.SortFunc(sorted[k], func(a, b Lifetime) int { // those of one time are counted, in any order
			switch {
			case a.Time < b.Time:
				return -1
			case a.Time > b.Time:
				return 1
			}
			return 0
		})
		all = slices.Grow(all, len(g))
		for _, t := range sorted[k] {
			all = append(all, t.Time)
		}
	}
	slices.Sort(all)
	merged := slices.Clone(all)
	if MergeTimes(merged) {
		for _, g := range sorted {
			for i := range g {
				at, _ := slices.BinarySearch(all, g[i].Time)
				g[i].Time = merged[at]
			}
		}
	}
	return sorted
}

// MergeTimes makes those of ascending times equal to the one before that differ from it by rounding alone, as R's
// survival does: where the gap is no more than 2^-26, absolute or relative to the mean of the distinct finite times. It
// reports whether there were any. Functions of this package have done it themselves.
func MergeTimes(ascending []float64) bool {
	const rounding = 1.0 / (1 << 26)
	sum, distinct := 0.0, 0
	for i, t := range ascending {
		if (i == 0 || t != ascending[i-1]) && !math.IsInf(t, 0) {
			sum += t
			distinct++
		}
	}
	scale := sum / float64(distinct)
	merged := false
	for i, last := 1, 0.0; i < len(ascending); i++ {
		if i == 1 {
			last = ascending[0] // as it was before it was merged
		}
		t := ascending[i]
		switch gap := t - last; {
		case gap > 0 && (gap <= rounding || gap/scale <= rounding):
			merged = true
			fallthrough
		case gap == 0:
			ascending[i] = ascending[i-1]
		}
		last = t
	}
	return merged
}

// Steps are the times at which S changes.
func (s Survival) Steps() []SurvivalStep { return slices.Clone(s.steps) }

// Last is the largest of all times; S is not known beyond, unless it is 0.
func (s Survival) Last() float64 { return s.last }

// At is S(t), 1 before the first step.
func (s Survival) At(t float64) float64 {
	if step := s.step(t); step >= 0 {
		return s.steps[step].S
	}
	return 1
}

// Before is the limit of S from the left, the probability of an event at t or later.
func (s Survival) Before(t float64) float64 { return s.At(math.Nextafter(t, math.Inf(-1))) }

// step is the last step at or before t, or -1.
func (s Survival) step(t float64) int {
	after, _ := slices.BinarySearchFunc(s.steps, t, func(step SurvivalStep, t float64) int {
		if step.Time <= t {
			return -1
		}
		return 1
	})
	return after - 1
}

// Interval is S(t) with its log-log interval, which stays within 0 and 1. The error wraps [ErrUnreached] for t beyond
// the last lifetime while S is not 0, and [ErrDegenerate] before the first event and where S is 0, which have no
// interval.
func (s Survival) Interval(t float64, opts ...LevelOption) (Estimate, error) {
	c, err := configure("Survival.Interval", opts)
	switch {
	case err != nil:
		return Estimate{}, err
	case t != t:
		return Estimate{}, c.errorf("t is NaN: %w", tensor.ErrNotFinite)
	case t > s.last && s.At(s.last) > 0:
		return Estimate{}, c.errorf("t is %v and the last lifetime ended at %v: %w", t, s.last, ErrUnreached)
	}
	at := s.step(t)
	if at < 0 || s.steps[at].S == 0 {
		return Estimate{}, c.errorf("S(%v) is %v, which has no standard error: %w", t, s.At(t), ErrDegenerate)
	}
	e := Estimate{Value: s.steps[at].S, Level: c.level, Interval: LogLog, N: s.n}
	e.Lo, e.Hi = s.steps[at].logLog(c.z())
	return e, nil
}

// logLog is the interval of S on the scale of log(-log S), from 0 to 1 where there is none.
func (s SurvivalStep) logLog(z float64) (lo, hi float64) {
	if s.S == 0 {
		return 0, 1
	}
	g, half := math.Log(-math.Log(s.S)), z*s.SE/math.Abs(s.S*math.Log(s.S))
	return math.Exp(-math.Exp(g + half)), math.Exp(-math.Exp(g - half))
}

// roundingOfS is how near S counts as equal to a share, as in R: it is a product of as many fractions as there are
// times.
const roundingOfS = 1.0 / (1 << 26)

// Reached is the first time by which a share p has had the event, S <= 1-p, and true; +Inf and false if too few did.
func (s Survival) Reached(p float64) (t float64, ok bool) {
	for _, step := range s.steps {
		if step.S <= 1-p+roundingOfS {
			return step.Time, true
		}
	}
	return math.Inf(1), false
}

// Median is [Survival.Quantile] of one half.
func (s Survival) Median(opts ...LevelOption) (Estimate, error) { return s.Quantile(0.5, opts...) }

// Quantile is the time by which a share p, in (0, 1), has had the event. As in R, it is the middle of the times during
// which S is 1-p exactly. It is +Inf, with a warning that wraps [ErrUnreached], if S stays above.
//
// The ends of the interval are the first times at which the lower and the upper end of the log-log interval of S have
// come down to 1-p (Brookmeyer and Crowley 1982), infinite if they never do. The error wraps [ErrDegenerate] if neither
// does, as where hardly any lifetime has an event.
func (s Survival) Quantile(p float64, opts ...LevelOption) (Estimate, error) {
	c, err := configure("Survival.Quantile", opts)
	if err != nil {
		return Estimate{}, err
	}
	if !(p > 0 && p < 1) {
		return Estimate{}, c.errorf("p is %v, want a value in (0, 1): %w", p, tensor.ErrRange)
	}
	e := Estimate{Value: s.quantile(p), Lo: math.Inf(1), Hi: math.Inf(1), Level: c.level, Interval: LogLog, N: s.n}
	for _, step := range s.steps {
		lo, hi := step.logLog(c.z())
		if lo <= 1-p && math.IsInf(e.Lo, 1) {
			e.Lo = step.Time
		}
		if hi < 1-p && math.IsInf(e.Hi, 1) {
			e.Hi = step.Time
		}
	}
	if math.IsInf(e.Lo, 1) {
		return Estimate{}, c.errorf("no step of %d lifetimes is compatible with %v: %w", s.n, 1-p, ErrDegenerate)
	}
	if math.IsInf(e.Value, 1) {
		e.Warnings = append(e.Warnings, fmt.Errorf("%.3g have not had the event when the last lifetime ends at %v: %w",
			s.At(s.last), s.last, ErrUnreached))
	}
	return e, nil
}

func (s Survival) quantile(p float64) float64 {
	for i, step := range s.steps {
		switch {
		case step.S > 1-p+roundingOfS:
		case step.S < 1-p-roundingOfS:
			return step.Time
		case i+1 < len(s.steps):
			return (step.Time + s.steps[i+1].Time) / 2
		default:
			return (step.Time + s.last) / 2
		}
	}
	return math.Inf(1)
}

// RMST is the restricted mean time with its standard error: the integral of S from 0 to tau, the mean of lifetimes that
// are cut off at tau. The interval is [Normal]. The error wraps [ErrUnreached] if tau lies beyond the last lifetime,
// where S is not known unless it is 0, and [tensor.ErrRange] if tau is not a finite time above 0.
func (s Survival) RMST(tau float64, opts ...LevelOption) (e Estimate, se float64, err error) {
	c, err := configure("Survival.RMST", opts)
	switch {
	case err != nil:
		return Estimate{}, 0, err
	case !(tau > 0) || math.IsInf(tau, 1):
		return Estimate{}, 0, c.errorf("tau is %v, want a finite time above 0: %w", tau, tensor.ErrRange)
	case tau > s.last && s.At(s.last) > 0:
		return Estimate{}, 0, c.errorf("tau is %v and the last lifetime ended at %v: %w", tau, s.last, ErrUnreached)
	}
	area, at, value := 0.0, 0.0, 1.0
	var before []float64 // the area before each step
	for _, step := range s.steps {
		if step.Time >= tau {
			break
		}
		area += float64(value * (step.Time - at))
		at, value = step.Time, step.S
		before = append(before, area)
	}
	area += float64(value * (tau - at))
	variance := 0.0
	for i, a := range before {
		if n, d := float64(s.steps[i].AtRisk), float64(s.steps[i].Events); n > d {
			variance += float64((area - a) * (area - a) * d / (n * (n - d)))
		}
	}
	se = math.Sqrt(variance)
	e = Estimate{Value: area, Level: c.level, Interval: Normal, N: s.n}
	e.Lo, e.Hi = c.normal(area, se)
	return e, se, nil
}

// HazardStep is a time at which the cumulative hazard rises.
type HazardStep struct {
	Time   float64 `json:"time"`
	H      float64 `json:"h"` // the estimate from here on
	SE     float64 `json:"se"`
	AtRisk int     `json:"at_risk"`
	Events int     `json:"events"`
}

// NelsonAalen estimates the cumulative hazard of lifetimes, the sum of events over those at risk (Nelson 1972, Aalen
// 1978). The error is that of [KaplanMeier].
func NelsonAalen(times []Lifetime) ([]HazardStep, error) {
	c := config{call: "stats: NelsonAalen"}
	counts, err := c.counts("times", times)
	if err != nil {
		return nil, err
	}
	var steps []HazardStep
	h, variance := 0.0, 0.0
	for _, at := range counts {
		if at.events == 0 {
			continue
		}
		n, d := float64(at.risk), float64(at.events)
		h += d / n
		variance += d / (n * n)
		steps = append(steps, HazardStep{at.time, h, math.Sqrt(variance), at.risk, at.events})
	}
	return steps, nil
}
