package pareto

import (
	"math"
	"slices"
	"sort"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Frontier returns the indices, in order, of the points that no other point dominates: none is at least as good in all
// objectives and better in one. Equal points are all on the frontier, or off it; [WithoutDuplicates] keeps the first of
// each. Points are rows of one value per direction. It takes n log n steps for two and three
// objectives. The error wraps
// [tensor.ErrShape] or [tensor.ErrNotFinite] with the first row at fault.
func Frontier(points [][]float64, directions []tradeoff.Direction, opts ...FrontierOption) ([]int, error) {
	c := frontierConfig{call: "Frontier"}
	if err := option.Apply("pareto: Frontier", &c, opts); err != nil {
		return nil, err
	}
	rows, err := c.minimised("points", points, directions)
	if err != nil {
		return nil, err
	}
	front := nondominated(rows, lexicographic(rows))
	slices.Sort(front)
	if c.unique {
		front = withoutEqual(rows, front)
	}
	return front, nil
}

// FrontierOption is a choice of [Frontier].
type FrontierOption func(*frontierConfig) error

type frontierConfig struct {
	call
	unique bool
}

// WithoutDuplicates has [Frontier] keep only the first of equal points.
func WithoutDuplicates() FrontierOption {
	return func(c *frontierConfig) error {
		c.unique = true
		return nil
	}
}

// Ranks is, for each point, how many frontiers must be peeled off before it lies on one: 0 on the frontier of all
// points, 1 on that of the rest, and so on (Goldberg 1989). The error is that of [Frontier].
func Ranks(points [][]float64, directions []tradeoff.Direction) ([]int, error) {
	c := call("Ranks")
	rows, err := c.minimised("points", points, directions)
	if err != nil {
		return nil, err
	}
	// Whatever dominates a row comes before it, and if a frontier has such a row then so have all before that one.
	ranks, by := make([]int, len(rows)), lexicographic(rows)
	var fronts []frontier
	for k, i := range by {
		if k > 0 && slices.Equal(rows[i], rows[by[k-1]]) {
			ranks[i] = ranks[by[k-1]]
			continue
		}
		rank := sort.Search(len(fronts), func(f int) bool { return !fronts[f].dominates(rows[i]) })
		if rank == len(fronts) {
			fronts = append(fronts, frontier{})
		}
		fronts[rank].add(rows[i])
		ranks[i] = rank
	}
	return ranks, nil
}

// frontier is rows of which none dominates another, added in lexicographic order.
type frontier struct {
	rows  [][]float64
	steps staircase // of the last two objectives of three
}

// dominates reports whether a row is no worse than p, which comes after all and equals none.
func (f *frontier) dominates(p []float64) bool {
	switch len(p) {
	case 1:
		return true
	case 2:
		return f.rows[len(f.rows)-1][1] <= p[1] // the last is the least
	case 3:
		return f.steps.covers(p[1], p[2])
	}
	return slices.ContainsFunc(f.rows, func(q []float64) bool { return noWorse(q, p) })
}

func (f *frontier) add(p []float64) {
	f.rows = append(f.rows, p)
	if len(p) == 3 {
		f.steps.add(p[1], p[2])
	}
}

// minimised checks points and negates what is to be large.
func (c call) minimised(name string, points [][]float64, directions []tradeoff.Direction) ([][]float64, error) {
	if len(directions) == 0 {
		return nil, c.errorf("no directions: %w", tensor.ErrEmpty)
	}
	for k, s := range directions {
		if s > tradeoff.LowerBetter {
			return nil, c.errorf("directions[%d] = %d: want tradeoff.LowerBetter or tradeoff.HigherBetter: %w",
				k, s, tensor.ErrRange)
		}
	}
	flat := make([]float64, 0, len(points)*len(directions))
	rows := make([][]float64, len(points))
	for i, p := range points {
		if len(p) != len(directions) {
			return nil, c.errorf("%s[%d] has %d values for %d directions: %w", name, i, len(p), len(directions), tensor.ErrShape)
		}
		for k, v := range p {
			if v-v != 0 {
				return nil, c.errorf("%s[%d][%d] = %v: %w", name, i, k, v, tensor.ErrNotFinite)
			}
			if directions[k] == tradeoff.HigherBetter {
				v = -v
			}
			flat = append(flat, v)
		}
		rows[i] = flat[len(flat)-len(directions):]
	}
	return rows, nil
}

// lexicographic is the indices of rows in lexicographic order, in which whatever dominates a row comes before it.
func lexicographic(rows [][]float64) []int {
	by := make([]int, len(rows))
	for i := range by {
		by[i] = i
	}
	slices.SortFunc(by, func(i, j int) int {
		if c := slices.Compare(rows[i], rows[j]); c != 0 {
			return c
		}
		return i - j
	})
	return by
}

// nondominated is the elements of by, which is in lexicographic order, that no other dominates.
func nondominated(rows [][]float64, by []int) []int {
	var front []int
	var steps staircase
	least := math.Inf(1)
	for k, i := range by {
		p := rows[i]
		if k > 0 && slices.Equal(p, rows[by[k-1]]) {
			if len(front) > 0 && front[len(front)-1] == by[k-1] {
				front = append(front, i)
			}
			continue
		}
		var dominated bool
		switch len(p) {
		case 1:
			dominated = k > 0
		case 2:
			dominated = p[1] >= least
			least = min(least, p[1])
		case 3:
			dominated = !steps.add(p[1], p[2])
		default:
			dominated = slices.ContainsFunc(front, func(j int) bool { return noWorse(rows[j], p) })
		}
		if !dominated {
			front = append(front, i)
		}
	}
	return front
}

func noWorse(a, b []float64) bool {
	for k := range a {
		if a[k] > b[k] {
			return false
		}
	}
	return true
}

func withoutEqual(rows [][]float64, front []int) []int {
	by := slices.Clone(front)
	slices.SortStableFunc(by, func(i, j int) int { return slices.Compare(rows[i], rows[j]) })
	by = slices.CompactFunc(by, func(i, j int) bool { return slices.Equal(rows[i], rows[j]) })
	slices.Sort(by)
	return by
}

// staircase is the points of a plane that no other has both coordinates no larger than: x rises, y falls.
type staircase struct{ x, y []float64 }

// covers reports whether a point is there that is no larger in both.
func (s *staircase) covers(x, y float64) bool {
	at := sort.SearchFloat64s(s.x, x) // the first that is not left of it
	return at > 0 && s.y[at-1] <= y || at < len(s.x) && s.x[at] == x && s.y[at] <= y
}

// add adds a point, and reports false if one is there that is no larger in both.
func (s *staircase) add(x, y float64) bool {
	if s.covers(x, y) {
		return false
	}
	at := sort.SearchFloat64s(s.x, x)
	end := at
	for end < len(s.x) && s.y[end] >= y {
		end++
	}
	s.x = slices.Replace(s.x, at, end, x)
	s.y = slices.Replace(s.y, at, end, y)
	return true
}
