package tradeoff

import (
	"fmt"
	"math"
	"sort"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Interpolation is how a curve is read between its points. Beyond them it is never read.
type Interpolation uint8

// The interpolations.
const (
	// the cost of the first evaluation that reaches it, as AlgoPerf, MLPerf and DAWNBench count
	FirstHit Interpolation = iota
	Linear                 // on a straight line between evaluations
	LogCost                // on a straight line over the logarithm of the cost, for costs that grow by factors
)

var interpolations = enum.Of[Interpolation]("interpolation", "first hit", "linear", "log cost")

// String is the name used in reports.
func (i Interpolation) String() string { return interpolations.String(i) }

// MarshalText writes the name.
func (i Interpolation) MarshalText() ([]byte, error) { return interpolations.Marshal(i) }

// UnmarshalText reads a name.
func (i *Interpolation) UnmarshalText(text []byte) error { return interpolations.Unmarshal(i, text) }

// Axis is the scale of costs.
type Axis uint8

// The axes.
const (
	LinearAxis Axis = iota
	LogAxis         // equal factors are equal distances
)

var axes = enum.Of[Axis]("axis", "linear", "log")

// String is "linear" or "log".
func (a Axis) String() string { return axes.String(a) }

// MarshalText writes the name.
func (a Axis) MarshalText() ([]byte, error) { return axes.Marshal(a) }

// UnmarshalText reads a name.
func (a *Axis) UnmarshalText(text []byte) error { return axes.Unmarshal(a, text) }

// between is where fraction f of the way from a to b lies.
func (i Interpolation) between(a, b, f float64) float64 {
	if i == LogCost {
		return math.Exp(math.Log(a) + float64(f*(math.Log(b)-math.Log(a))))
	}
	return a + float64(f*(b-a))
}

// fraction is how far c is from a to b.
func (i Interpolation) fraction(c, a, b float64) float64 {
	if i == LogCost {
		return (math.Log(c) - math.Log(a)) / (math.Log(b) - math.Log(a))
	}
	return (c - a) / (b - a)
}

// TimeToQuality is the cost at which the best quality so far reaches q, and true; +Inf and false if it never does
// within the curve. A curve whose first point reaches q gives the cost of that point: the run may have been there
// before.
func (c Curve) TimeToQuality(q float64, how Interpolation) (cost float64, reached bool) {
	return c.crossing(q, how, true)
}

// Crossing is TimeToQuality on the curve as it was measured: it interpolates from the evaluation before the first that
// reaches q, be that worse than one before it.
func (c Curve) Crossing(q float64, how Interpolation) (cost float64, reached bool) {
	return c.crossing(q, how, false)
}

// crossing interpolates from the best point before the first that reaches q, or from the last before it.
func (c Curve) crossing(q float64, how Interpolation, fromBest bool) (cost float64, reached bool) {
	before := math.NaN()
	for i, p := range c.points {
		switch {
		case !c.direction.Reaches(p.Quality, q):
			if !(fromBest && c.direction.Better(before, p.Quality)) {
				before = p.Quality
			}
		case i == 0 || how == FirstHit || p.Quality == q:
			return p.Cost, true
		default:
			return how.between(c.points[i-1].Cost, p.Cost, (q-before)/(p.Quality-before)), true
		}
	}
	return math.Inf(1), false
}

// QualityAt is the quality at a cost and true, or NaN and false outside the curve, which is not extrapolated. With
// [FirstHit] it is that of the last evaluation up to the cost, and holds after the end. The curve is read as it was
// measured; the best so far is c.Envelope().QualityAt.
func (c Curve) QualityAt(cost float64, how Interpolation) (q float64, ok bool) {
	after := sort.Search(len(c.points), func(i int) bool { return c.points[i].Cost > cost })
	if after == 0 || cost != cost {
		return math.NaN(), false
	}
	before := c.points[after-1]
	if how == FirstHit || before.Cost == cost {
		return before.Quality, true
	}
	if after == len(c.points) {
		return math.NaN(), false
	}
	p := c.points[after]
	return before.Quality + float64(how.fraction(cost, before.Cost, p.Cost)*(p.Quality-before.Quality)), true
}

// AUC is the mean height of the best quality so far between two costs: the area under its straight lines, over the
// axis, divided by the width. The error wraps [ErrNoOverlap] if lo and hi are not within the curve, and
// [tensor.ErrRange] unless lo < hi.
func (c Curve) AUC(lo, hi float64, axis Axis) (float64, error) {
	if err := c.errEmpty("AUC"); err != nil {
		return 0, err
	}
	first, last := c.points[0].Cost, c.points[len(c.points)-1].Cost
	switch {
	case !(lo < hi):
		return 0, fmt.Errorf("tradeoff: AUC from %v to %v: want lo < hi: %w", lo, hi, tensor.ErrRange)
	case lo < first || hi > last:
		return 0, fmt.Errorf("tradeoff: AUC from %v to %v: the curve goes from %v to %v and is not extrapolated: %w", lo, hi,
			first, last, ErrNoOverlap)
	}
	how, at := Linear, func(c float64) float64 { return c }
	if axis == LogAxis {
		how, at = LogCost, math.Log
	}
	e := c.Envelope()
	left, _ := e.QualityAt(lo, how)
	right, _ := e.QualityAt(hi, how)
	vertices := []Point{{lo, left}}
	for _, p := range e.points {
		if p.Cost > lo && p.Cost < hi {
			vertices = append(vertices, p)
		}
	}
	vertices = append(vertices, Point{hi, right})
	area := 0.0
	for i, p := range vertices[1:] {
		area += float64((p.Quality + vertices[i].Quality) / 2 * (at(p.Cost) - at(vertices[i].Cost)))
	}
	return area / (at(hi) - at(lo)), nil
}
