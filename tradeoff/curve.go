package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Curve is quality over cost: the evaluations of one run, or the results of runs of several lengths. It is immutable,
// and its zero value is empty.
//
// Only the second is a tradeoff curve. Where the learning rate decays to the end of a run, an evaluation in the middle
// says little of what a run of that length would have reached.
type Curve struct {
	points    []Point
	direction Direction
	failed    bool
	spent     float64 // the last cost there was, of an evaluation with a quality or without
	missing   int
}

// Point is one evaluation.
type Point struct {
	// seconds, steps, FLOPs, dollars: whatever all curves of a comparison have in common; > 0
	Cost    float64 `json:"cost"`
	Quality float64 `json:"quality"` // accuracy, loss, ...
}

// NewCurve makes a curve of evaluations in any order. Of equal costs the better quality counts.
//
// From the first quality on that is NaN or infinite the run has failed ([Curve.Failed]), and what it reached before
// stays. A single NaN between finite qualities is an evaluation that did not happen ([Curve.Missing]). The error wraps
// [tensor.ErrShape] if the lengths differ, [tensor.ErrEmpty] if nothing was evaluated, and [tensor.ErrNotFinite] or
// [ErrNonPositive] with the first such cost.
func NewCurve(cost, quality []float64, dir Direction) (Curve, error) {
	if len(cost) != len(quality) {
		return Curve{}, fmt.Errorf("tradeoff: %d costs and %d qualities: %w", len(cost), len(quality), tensor.ErrShape)
	}
	if dir > LowerBetter {
		return Curve{}, fmt.Errorf("tradeoff: direction is %v: %w", dir, tensor.ErrRange)
	}
	if len(cost) == 0 {
		return Curve{}, fmt.Errorf("tradeoff: no evaluations: %w", tensor.ErrEmpty)
	}
	points := make([]Point, len(cost))
	for i, c := range cost {
		switch {
		case math.IsNaN(c) || math.IsInf(c, 0):
			return Curve{}, fmt.Errorf("tradeoff: cost[%d] = %v: %w", i, c, tensor.ErrNotFinite)
		case c <= 0:
			return Curve{}, fmt.Errorf("tradeoff: cost[%d] = %v; an evaluation before training has no place on a curve: %w", i,
				c, ErrNonPositive)
		}
		points[i] = Point{c, quality[i]}
	}
	slices.SortFunc(points, func(a, b Point) int {
		switch finite := isFinite(a.Quality); {
		case a.Cost != b.Cost:
			return order(a.Cost, b.Cost)
		case finite != isFinite(b.Quality):
			return map[bool]int{true: -1, false: 1}[finite]
		case a.Quality == b.Quality || !finite:
			return 0
		case dir.Better(a.Quality, b.Quality):
			return -1
		}
		return 1
	})
	points = slices.CompactFunc(points, func(a, b Point) bool { return a.Cost == b.Cost })
	c := Curve{direction: dir, spent: points[len(points)-1].Cost}
	end := failure(len(points), func(i int) float64 { return points[i].Quality })
	c.failed = end < len(points)
	c.points = slices.DeleteFunc(points[:end:end], func(p Point) bool { return !isFinite(p.Quality) })
	c.missing = end - len(c.points)
	return c, nil
}

// failure is the index of the first of n qualities from which on a run has failed, n if it has not.
func failure(n int, quality func(i int) float64) int {
	for i := range n {
		q := quality(i)
		lone := math.IsNaN(q) && i+1 < n && isFinite(quality(i+1))
		if !isFinite(q) && !lone {
			return i
		}
	}
	return n
}

func isFinite(v float64) bool { return v-v == 0 }

func order(a, b float64) int {
	if a < b {
		return -1
	}
	return 1
}

// Len is the number of points.
func (c Curve) Len() int { return len(c.points) }

// Points returns a copy of the points by increasing cost.
func (c Curve) Points() []Point { return slices.Clone(c.points) }

// Costs is the cost of the first point and of the last, and 0 for an empty curve.
func (c Curve) Costs() (first, last float64) {
	if len(c.points) == 0 {
		return 0, 0
	}
	return c.points[0].Cost, c.points[len(c.points)-1].Cost
}

// Failed reports whether the run failed: its quality became NaN or infinite and stayed so. What it had not reached by
// then it never reaches.
func (c Curve) Failed() bool { return c.failed }

// Missing is the number of evaluations that did not happen: single NaN between finite qualities.
func (c Curve) Missing() int { return c.missing }

// Spent is the cost of the last evaluation, of a failed run too, and 0 for an empty curve.
func (c Curve) Spent() float64 { return c.spent }

// Direction is which way the quality improves.
func (c Curve) Direction() Direction { return c.direction }

// Best is the best point, the cheapest of equal ones, and the zero Point for an empty curve.
func (c Curve) Best() Point {
	var best Point
	for i, p := range c.points {
		if i == 0 || c.direction.Better(p.Quality, best.Quality) {
			best = p
		}
	}
	return best
}

// Envelope is the best quality so far at each cost: what a run has reached whose best checkpoint is kept.
func (c Curve) Envelope() Curve {
	e := c
	e.points = slices.Clone(c.points)
	for i := 1; i < len(e.points); i++ {
		if before := e.points[i-1].Quality; !c.direction.Better(e.points[i].Quality, before) {
			e.points[i].Quality = before
		}
	}
	return e
}

// Rises is the points that are better than all before them.
func (c Curve) Rises() []Point {
	var r []Point
	for i, p := range c.points {
		if i == 0 || c.direction.Better(p.Quality, r[len(r)-1].Quality) {
			r = append(r, p)
		}
	}
	return r
}

// errEmpty is the error of a method that needs points.
func (c Curve) errEmpty(what string) error {
	if len(c.points) == 0 {
		return fmt.Errorf("tradeoff: %s: the curve has no points: %w", what, tensor.ErrEmpty)
	}
	return nil
}
