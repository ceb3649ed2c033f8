package pareto

import (
	"math"
	"slices"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Hypervolume is the volume of what the points dominate, up to the reference point ref (Zitzler and Thiele 1998): the
// quality of a set of tradeoffs as one number, the larger the better. Points that are not better than ref in all
// objectives do not count. Two and three objectives take n log n steps, d > 3 up to n^(d-3) as many. The error wraps
// [tensor.ErrShape] or [tensor.ErrNotFinite].
func Hypervolume(points [][]float64, ref []float64, directions []tradeoff.Direction) (float64, error) {
	c := call("Hypervolume")
	rows, r, err := c.within(points, ref, directions)
	if err != nil {
		return 0, err
	}
	return volume(rows, r), nil
}

// Contributions is, for each point, the volume that it alone of the frontier dominates: what the hypervolume of the
// frontier would shrink by without it. It is 0 for points that are dominated, there twice, or not better than ref; what
// dominated points would make up for does not count. The error is that of [Hypervolume].
func Contributions(points [][]float64, ref []float64, directions []tradeoff.Direction) ([]float64, error) {
	c := call("Contributions")
	all, err := c.minimised("points", points, directions)
	if err != nil {
		return nil, err
	}
	_, r, err := c.within(points, ref, directions)
	if err != nil {
		return nil, err
	}
	share := make([]float64, len(all))
	front := slices.DeleteFunc(nondominated(all, lexicographic(all)), func(i int) bool { return !below(all[i], r) })
	rows := make([][]float64, len(front))
	for k, i := range front {
		rows[k] = all[i]
	}
	twice := func(k int) bool {
		return k > 0 && slices.Equal(rows[k], rows[k-1]) || k+1 < len(rows) && slices.Equal(rows[k], rows[k+1])
	}
	var sorted [][]float64 // so that what is made of it is nearly in the order that volumes need
	if len(directions) > 2 {
		sorted = slices.Clone(rows)
		byLast(sorted, len(directions)-1)
	}
	for k, i := range front { // in lexicographic order
		switch {
		case twice(k):
		case len(directions) == 1:
			share[i] = r[0] - rows[k][0]
		case len(directions) == 2: // a rectangle between its neighbours, the other coordinate of which falls
			right, top := r[0], r[1]
			if k+1 < len(rows) {
				right = rows[k+1][0]
			}
			if k > 0 {
				top = rows[k-1][1]
			}
			share[i] = (right - rows[k][0]) * (top - rows[k][1])
		default:
			share[i] = exclusive(rows[k], sorted, r)
		}
	}
	return share, nil
}

// exclusive is the volume that p dominates and no other row does: the box between p and r less what the others
// dominate of it.
func exclusive(p []float64, rows [][]float64, r []float64) float64 {
	box := 1.0
	for k, v := range p {
		box *= r[k] - v
	}
	flat := make([]float64, 0, len(rows)*len(p))
	others := make([][]float64, 0, len(rows))
	for _, q := range rows {
		if &q[0] == &p[0] {
			continue
		}
		for k, v := range q {
			flat = append(flat, max(v, p[k]))
		}
		others = append(others, flat[len(flat)-len(p):])
	}
	return max(0, box-volume(others, r))
}

// within is the points that are better than ref, and ref, minimised.
func (c call) within(points [][]float64, ref []float64, directions []tradeoff.Direction) (rows [][]float64,
	r []float64, err error) {
	if rows, err = c.minimised("points", points, directions); err != nil {
		return nil, nil, err
	}
	if len(ref) != len(directions) {
		return nil, nil, c.errorf("ref has %d values for %d directions: %w", len(ref), len(directions), tensor.ErrShape)
	}
	for k, v := range ref {
		if v-v != 0 {
			return nil, nil, c.errorf("ref[%d] = %v: %w", k, v, tensor.ErrNotFinite)
		}
	}
	refs, err := c.minimised("ref", [][]float64{ref}, directions)
	if err != nil {
		return nil, nil, err
	}
	return slices.DeleteFunc(rows, func(p []float64) bool { return !below(p, refs[0]) }), refs[0], nil
}

func below(p, r []float64) bool {
	for k, v := range p {
		if !(v < r[k]) {
			return false
		}
	}
	return true
}

// volume is the hypervolume of rows that are below r. It may reorder them.
func volume(rows [][]float64, r []float64) float64 {
	if len(rows) == 0 {
		return 0
	}
	switch len(r) {
	case 1:
		least := rows[0][0]
		for _, p := range rows {
			least = min(least, p[0])
		}
		return r[0] - least
	case 2:
		return area(rows, r)
	case 3:
		return volume3(rows, r)
	}
	// Slabs between the values of the last objective, each as thick as they differ and with the volume of what has come
	// so far.
	last := len(r) - 1
	byLast(rows, last)
	var flat [][]float64
	total := 0.0
	for i, p := range rows {
		flat = append(flat, p[:last])
		next := r[last]
		if i+1 < len(rows) {
			next = rows[i+1][last]
		}
		if next > p[last] {
			flat = front(flat)
			total += float64((next - p[last]) * volume(slices.Clone(flat), r[:last]))
		}
	}
	return total
}

// front is the rows that no other dominates, one of each.
func front(rows [][]float64) [][]float64 {
	on := withoutEqual(rows, nondominated(rows, lexicographic(rows)))
	kept := make([][]float64, len(on))
	for k, i := range on {
		kept[k] = rows[i]
	}
	return kept
}

func byLast(rows [][]float64, last int) {
	slices.SortFunc(rows, func(p, q []float64) int {
		switch {
		case p[last] < q[last]:
			return -1
		case p[last] > q[last]:
			return 1
		}
		return 0
	})
}

// area is the hypervolume of two objectives. What the point with the largest area of its own dominates needs no
// sorting; of random points that is nearly all.
func area(rows [][]float64, r []float64) float64 {
	best, most := rows[0], 0.0
	for _, p := range rows {
		if own := (r[0] - p[0]) * (r[1] - p[1]); own > most {
			best, most = p, own
		}
	}
	pairs := [][2]float64{{best[0], best[1]}}
	for _, p := range rows {
		if p[0] < best[0] || p[1] < best[1] {
			pairs = append(pairs, [2]float64{p[0], p[1]})
		}
	}
	slices.SortFunc(pairs, func(p, q [2]float64) int {
		switch {
		case p[0] < q[0]:
			return -1
		case p[0] > q[0]:
			return 1
		}
		return 0
	})
	total, top := 0.0, r[1]
	for _, p := range pairs {
		if p[1] < top {
			total += float64((r[0] - p[0]) * (top - p[1]))
			top = p[1]
		}
	}
	return total
}

// volume3 is the hypervolume of three objectives: the third rises and a staircase of the other two grows below it.
func volume3(rows [][]float64, r []float64) float64 {
	byLast(rows, 2)
	s := staircase{x: []float64{math.Inf(-1), r[0]}, y: []float64{r[1], math.Inf(-1)}} // walls, which no point passes
	total, covered := 0.0, 0.0
	for i, p := range rows {
		covered += s.cover(p[0], p[1])
		next := r[2]
		if i+1 < len(rows) {
			next = rows[i+1][2]
		}
		total += float64((next - p[2]) * covered)
	}
	return total
}

// cover adds a point between the walls and returns the area that it covers and no other did.
func (s *staircase) cover(x, y float64) float64 {
	at := sort.SearchFloat64s(s.x, x)
	if s.y[at-1] <= y || s.x[at] == x && s.y[at] <= y {
		return 0
	}
	end, from, top, added := at, x, s.y[at-1], 0.0
	for ; s.y[end] >= y; end++ {
		added += float64((s.x[end] - from) * (top - y))
		from, top = s.x[end], s.y[end]
	}
	added += float64((s.x[end] - from) * (top - y))
	s.x = slices.Replace(s.x, at, end, x)
	s.y = slices.Replace(s.y, at, end, y)
	return added
}
