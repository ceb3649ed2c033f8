package tradeoff

import (
	"math"
	"slices"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
)

// Sense is whether an objective is to be small or large.
type Sense uint8

// The senses.
const (
	Min Sense = iota // cost, loss
	Max              // accuracy, speed
)

// Frontier returns the indices, in order, of the points that no other point dominates: none is at least as good in all
// objectives and better in one. Equal points are all on the frontier, or off it; [WithoutDuplicates] keeps the first of
// each. Points are rows of one value per sense. It takes n log n steps for two and three objectives. The error wraps
// [tensor.ErrShape] or [tensor.ErrNotFinite] with the first row at fault.
func Frontier(points [][]float64, senses []Sense, opts ...Option) ([]int, error) {
	c, err := configure("Frontier", opts, "WithoutDuplicates")
	if err != nil {
		return nil, err
	}
	rows, err := c.minimised("points", points, senses)
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

// WithoutDuplicates has [Frontier] keep only the first of equal points.
func WithoutDuplicates() Option {
	return func(c *config) error {
		c.given = append(c.given, "WithoutDuplicates")
		c.unique = true
		return nil
	}
}

// Ranks is, for each point, how many frontiers must be peeled off before it lies on one: 0 on the frontier of all
// points, 1 on that of the rest, and so on (Goldberg 1989). The error is that of [Frontier].
func Ranks(points [][]float64, senses []Sense) ([]int, error) {
	c := config{function: "Ranks"}
	rows, err := c.minimised("points", points, senses)
	if err != nil {
		return nil, err
	}
	ranks, left := make([]int, len(rows)), lexicographic(rows)
	for rank := 0; len(left) > 0; rank++ {
		on := make(map[int]bool, len(left))
		for _, i := range nondominated(rows, left) {
			on[i] = true
			ranks[i] = rank
		}
		left = slices.DeleteFunc(left, func(i int) bool { return on[i] })
	}
	return ranks, nil
}

// minimised checks points and negates what is to be large.
func (c *config) minimised(name string, points [][]float64, senses []Sense) ([][]float64, error) {
	if len(senses) == 0 {
		return nil, c.errorf("no senses: %w", tensor.ErrEmpty)
	}
	for k, s := range senses {
		if s > Max {
			return nil, c.errorf("senses[%d] = %d: want Min or Max: %w", k, s, tensor.ErrRange)
		}
	}
	flat := make([]float64, 0, len(points)*len(senses))
	rows := make([][]float64, len(points))
	for i, p := range points {
		if len(p) != len(senses) {
			return nil, c.errorf("%s[%d] has %d values for %d senses: %w", name, i, len(p), len(senses), tensor.ErrShape)
		}
		for k, v := range p {
			if v-v != 0 {
				return nil, c.errorf("%s[%d][%d] = %v: %w", name, i, k, v, tensor.ErrNotFinite)
			}
			if senses[k] == Max {
				v = -v
			}
			flat = append(flat, v)
		}
		rows[i] = flat[len(flat)-len(senses):]
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

// add adds a point, and reports false if one is there that is no larger in both.
func (s *staircase) add(x, y float64) bool {
	at := sort.SearchFloat64s(s.x, x) // the first that is not left of it
	if at > 0 && s.y[at-1] <= y || at < len(s.x) && s.x[at] == x && s.y[at] <= y {
		return false
	}
	end := at
	for end < len(s.x) && s.y[end] >= y {
		end++
	}
	s.x = slices.Replace(s.x, at, end, x)
	s.y = slices.Replace(s.y, at, end, y)
	return true
}
