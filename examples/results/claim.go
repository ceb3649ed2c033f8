package main

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// Claim is a statement of a paper as a number that every seed gives, where the number must lie for the statement to
// hold, and the same number under a control, where it must not lie there.
type Claim struct {
	Text          string    `json:"claim"`
	Quantity      string    `json:"quantity"` // what the numbers are, with their unit
	Bar           Bar       `json:"bar"`
	Values        []float64 `json:"values"`  // by seed
	Control       string    `json:"control"` // what was taken away
	ControlValues []float64 `json:"control_values"`
	Note          string    `json:"note,omitempty"` // what the numbers do not say
	Outcome       Outcome   `json:"outcome"`
}

// Bar is where a number must lie: strictly above one end, strictly below the other, or both.
type Bar struct {
	Above *float64 `json:"above,omitempty"`
	Below *float64 `json:"below,omitempty"`
}

func above(x float64) Bar  { return Bar{Above: &x} }
func below(x float64) Bar  { return Bar{Below: &x} }
func within(x float64) Bar { lo := -x; return Bar{&lo, &x} }

// holds reports whether all of [lo, hi] is where it must be.
func (b Bar) holds(lo, hi float64) bool {
	return (b.Above == nil || lo > *b.Above) && (b.Below == nil || hi < *b.Below)
}

// fails reports whether nothing of [lo, hi] is where it must be.
func (b Bar) fails(lo, hi float64) bool {
	return b.Above != nil && hi <= *b.Above || b.Below != nil && lo >= *b.Below
}

// String says where the number must lie.
func (b Bar) String() string {
	switch {
	case b.Above != nil && b.Below != nil:
		return fmt.Sprintf("between %s and %s", number(*b.Above), number(*b.Below))
	case b.Above != nil:
		return "above " + number(*b.Above)
	case b.Below != nil:
		return "below " + number(*b.Below)
	}
	return "anywhere"
}

// Verdict is what the seeds say of a claim.
type Verdict string

// The verdicts. The interval is that of the mean over seeds.
const (
	Held      Verdict = "held"                    // all of the interval
	NotHeld   Verdict = "not held"                // nothing of the interval
	TooSmall  Verdict = "too small to tell"       // the interval is on both sides of the bar
	AsControl Verdict = "held by its control too" // all of both intervals
)

// level is that of all intervals: with fifty claims, a page on which every true number were that of its bar would have
// a verdict in twenty. Spread, the number of seeds and the smallest difference that is seen are of the same rule.
const level = 0.999

// Outcome is what the numbers of a claim add up to.
type Outcome struct {
	Mean     stats.Estimate `json:"mean"`
	Spread   float64        `json:"spread"` // standard deviation over seeds
	Held     int            `json:"held"`   // seeds
	Control  stats.Estimate `json:"control"`
	Smallest float64        `json:"smallest"` // distance from the bar that would have been seen in four of five repeats
	Verdict  Verdict        `json:"verdict"`
}

// judge fills in the outcome.
func (c *Claim) judge() error {
	if len(c.Values) != len(c.ControlValues) {
		return fmt.Errorf("%s: %d values and %d of the control", c.Text, len(c.Values), len(c.ControlValues))
	}
	var o Outcome
	var err1, err2 error
	o.Mean, err1 = stats.Mean(c.Values, stats.WithLevel(level))
	o.Control, err2 = stats.Mean(c.ControlValues, stats.WithLevel(level))
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%s: %w", c.Text, err)
	}
	for _, v := range c.Values {
		o.Spread += (v - o.Mean.Value) * (v - o.Mean.Value)
		if c.Bar.holds(v, v) {
			o.Held++
		}
	}
	n := len(c.Values)
	o.Spread = math.Sqrt(o.Spread / float64(max(n-1, 1)))
	o.Smallest = smallest(o.Spread, n)
	switch {
	case c.Bar.fails(o.Mean.Lo, o.Mean.Hi):
		o.Verdict = NotHeld
	case !c.Bar.holds(o.Mean.Lo, o.Mean.Hi):
		o.Verdict = TooSmall
	case c.Bar.holds(o.Control.Lo, o.Control.Hi):
		o.Verdict = AsControl
	default:
		o.Verdict = Held
	}
	c.Outcome = o
	return nil
}

// smallest is how far the true mean must be from the bar for the interval of n values with this standard deviation to
// keep clear of it four times in five: the noncentrality of Student's t, times the standard error.
func smallest(spread float64, n int) float64 {
	if n < 2 || spread == 0 {
		return 0
	}
	df := float64(n - 1)
	critical := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile((1 + level) / 2)
	var at, weight [64]float64 // of the quantiles of what the standard deviation may come out as
	quad.Legendre{}.FixedLocations(at[:], weight[:], 0, 1)
	for i, u := range at {
		at[i] = critical * math.Sqrt(distuv.ChiSquared{K: df}.Quantile(u)/df)
	}
	clear := func(shift float64) float64 {
		p := 0.0
		for i, reach := range at {
			p += weight[i] * distuv.UnitNormal.CDF(shift-reach)
		}
		return p
	}
	lo, hi := 0.0, 2*critical+2
	for clear(hi) < 0.8 {
		hi *= 2
	}
	for hi-lo > 1e-6*hi {
		if mid := (lo + hi) / 2; clear(mid) < 0.8 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi * spread / math.Sqrt(float64(n))
}

// minus is a[i] - b[i].
func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// number writes three digits behind the first one that is not 0, and at most four behind the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.3f", v)
	case a == 0:
		return "0"
	}
	return fmt.Sprintf("%.4f", v)
}
