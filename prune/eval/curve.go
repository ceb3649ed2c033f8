package eval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Point is an operating point: X a ratio and Y an accuracy, or a change of it. Up and to the right is better.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

func (p Point) dominates(q Point) bool { return p.X >= q.X && p.Y >= q.Y && p != q }

// Hull is how a curve is reduced before a comparison.
type Hull uint8

// The reductions.
const (
	AsIs       Hull = iota // sorted, without duplicates
	Pareto                 // without the points that another dominates
	ParetoHull             // of those the upper concave hull
	UpperHull              // the upper concave hull of the highest points
)

var hulls = enum.Of[Hull]("hull", "as is", "pareto", "pareto hull", "upper hull")

// String is the name.
func (h Hull) String() string { return hulls.String(h) }

// MarshalText writes the name.
func (h Hull) MarshalText() ([]byte, error) { return hulls.Marshal(h) }

// UnmarshalText reads a name.
func (h *Hull) UnmarshalText(text []byte) error { return hulls.Unmarshal(h, text) }

// Reduce returns the points of a curve that a reduction leaves, sorted by X and then Y.
func Reduce(curve []Point, h Hull) []Point {
	points := slices.Clone(curve)
	slices.SortFunc(points, func(p, q Point) int { return cmp.Or(cmp.Compare(p.X, q.X), cmp.Compare(p.Y, q.Y)) })
	points = slices.Compact(points)
	if h == Pareto || h == ParetoHull {
		all := slices.Clone(points)
		points = slices.DeleteFunc(points, func(p Point) bool {
			return slices.ContainsFunc(all, func(q Point) bool { return q.dominates(p) })
		})
	}
	if h == UpperHull || h == ParetoHull {
		points = concave(points)
	}
	return points
}

// concave keeps the highest point at each X and of those the upper hull. Points on a straight line stay.
func concave(points []Point) []Point {
	var hull []Point
	for i, p := range points {
		if i+1 < len(points) && points[i+1].X == p.X {
			continue // a higher one follows
		}
		for len(hull) >= 2 {
			a, b := hull[len(hull)-2], hull[len(hull)-1]
			if (p.Y-b.Y)*(b.X-a.X) <= (b.Y-a.Y)*(p.X-b.X) {
				break
			}
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	return hull
}

// Placement is where a point lies relative to a curve, the worst first.
type Placement uint8

// The placements.
const (
	Dominated    Placement = iota // a point of the curve is at least as good in both and better in one
	Below                         // under the line between neighbouring points
	Incomparable                  // beyond the ends of the curve, or on it
	Above                         // over the line between neighbouring points
	Dominant                      // at least as good in both as a point of the curve and better in one
)

var placements = enum.Of[Placement]("placement", "dominated", "below", "incomparable", "above", "dominant")

// String is the name.
func (p Placement) String() string { return placements.String(p) }

// MarshalText writes the name.
func (p Placement) MarshalText() ([]byte, error) { return placements.Marshal(p) }

// UnmarshalText reads a name.
func (p *Placement) UnmarshalText(text []byte) error { return placements.Unmarshal(p, text) }

// Comparison says how curves are reduced; the zero value leaves them as they are.
type Comparison struct {
	A, B        Hull
	Extrapolate bool // let straight lines through the first and the last two points of b count, in favour of a only
}

// Compare places each point of a that the reduction leaves relative to the curve b; the points come back with it,
// sorted by X. It is the paper's analysis (analysis/python/pareto.py) with its dominance test put right: a point
// equal to one of the curve is on it and not dominated by it. The error wraps tensor.ErrEmpty or tensor.ErrNotFinite.
func (c Comparison) Compare(a, b []Point) ([]Point, []Placement, error) {
	for k, points := range [][]Point{a, b} {
		name := "ab"[k : k+1]
		if len(points) == 0 {
			return nil, nil, fmt.Errorf("eval: curve %s: %w", name, tensor.ErrEmpty)
		}
		for i, p := range points {
			if p.X-p.X != 0 || p.Y-p.Y != 0 {
				return nil, nil, fmt.Errorf("eval: curve %s: point %d is %v: %w", name, i, p, tensor.ErrNotFinite)
			}
		}
	}
	a = Reduce(a, c.A)
	curve := Reduce(b, c.B)
	places := make([]Placement, len(a))
	for i, p := range a {
		places[i] = place(p, curve)
	}
	if b = Reduce(b, AsIs); c.Extrapolate && len(b) > 1 && b[0].X < b[1].X && b[len(b)-2].X < b[len(b)-1].X {
		// Both lines are drawn to where a begins and ends, wherever that is, as in the published analysis.
		first := Point{a[0].X, onLine(a[0].X, b[0], b[1])}
		last := Point{a[len(a)-1].X, onLine(a[len(a)-1].X, b[len(b)-2], b[len(b)-1])}
		longer := Reduce(append(slices.Clone(b), first, last), AsIs)
		for i, p := range a {
			places[i] = max(places[i], min(place(p, longer), Above))
		}
	}
	return a, places, nil
}

// Compare is [Comparison.Compare] with the reductions of the paper: the method's own curve by its Pareto front, the
// other by the hull of its own, so that a point must beat what mixing two networks would give.
func Compare(a, b []Point) ([]Point, []Placement, error) {
	return Comparison{A: Pareto, B: ParetoHull}.Compare(a, b)
}

func place(p Point, curve []Point) Placement {
	for _, q := range curve {
		if q.dominates(p) {
			return Dominated
		}
	}
	for _, q := range curve {
		if p.dominates(q) {
			return Dominant
		}
	}
	if p.X < curve[0].X || p.X > curve[len(curve)-1].X || slices.Contains(curve, p) {
		return Incomparable
	}
	for i := 1; i < len(curve); i++ {
		if p.X <= curve[i].X {
			switch y := onLine(p.X, curve[i-1], curve[i]); {
			case p.Y > y:
				return Above
			case p.Y < y:
				return Below
			}
			return Incomparable
		}
	}
	return Incomparable
}

func onLine(x float64, a, b Point) float64 { return a.Y + (b.Y-a.Y)/(b.X-a.X)*(x-a.X) }
