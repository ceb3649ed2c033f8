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
}

// Point is one evaluation.
type Point struct {
	// seconds, steps, FLOPs, dollars: whatever all curves of a comparison have in common; > 0
	Cost    float64 `json:"cost"`
	Quality float64 `json:"quality"` // accuracy, loss, ...
}

// NewCurve makes a curve of evaluations in any order. Of equal costs the better quality counts, and a NaN quality is
// an evaluation that did not happen. The error wraps [tensor.ErrShape] if the lengths differ, [tensor.ErrEmpty] if
// nothing was evaluated, and [tensor.ErrNotFinite] or [ErrNonPositive] with the first such cost or quality.
func NewCurve(cost, quality []float64, dir Direction) (Curve, error) {
	if len(cost) != len(quality) {
		return Curve{}, fmt.Errorf("tradeoff: %d costs and %d qualities: %w", len(cost), len(quality), tensor.ErrShape)
	}
	if dir > LowerBetter {
		return Curve{}, fmt.Errorf("tradeoff: direction is %v: %w", dir, tensor.ErrRange)
	}
	points := make([]Point, 0, len(cost))
	for i, c := range cost {
		switch q := quality[i]; {
		case math.IsNaN(c) || math.IsInf(c, 0):
			return Curve{}, fmt.Errorf("tradeoff: cost[%d] = %v: %w", i, c, tensor.ErrNotFinite)
		case c <= 0:
			return Curve{}, fmt.Errorf("tradeoff: cost[%d] = %v; an evaluation before training has no place on a curve: %w", i,
				c, ErrNonPositive)
		case math.IsInf(q, 0):
			return Curve{}, fmt.Errorf("tradeoff: quality[%d] = %v: %w", i, q, tensor.ErrNotFinite)
		case q == q:
			points = append(points, Point{c, q})
		}
	}
	if len(points) == 0 {
		return Curve{}, fmt.Errorf("tradeoff: no quality among %d evaluations: %w", len(cost), tensor.ErrEmpty)
	}
	slices.SortFunc(points, func(a, b Point) int {
		switch {
		case a.Cost != b.Cost:
			return order(a.Cost, b.Cost)
		case dir.Better(a.Quality, b.Quality):
			return -1
		case a.Quality == b.Quality:
			return 0
		}
		return 1
	})
	points = slices.CompactFunc(points, func(a, b Point) bool { return a.Cost == b.Cost })
	return Curve{points, dir}, nil
}

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
	e := Curve{slices.Clone(c.points), c.direction}
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
