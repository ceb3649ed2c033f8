package tradeoff

import (
	"cmp"
	"math"
	"slices"
)

// goldenSection is where a function with one minimum between lo and hi has it.
func goldenSection(lo, hi float64, f func(float64) float64) float64 {
	ratio := (math.Sqrt(5) - 1) / 2
	x, y := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fx, fy := f(x), f(y)
	for range 200 {
		if fx < fy {
			hi, y, fy = y, x, fx
			x = hi - ratio*(hi-lo)
			fx = f(x)
		} else {
			lo, x, fx = x, y, fy
			y = lo + ratio*(hi-lo)
			fy = f(y)
		}
	}
	return (lo + hi) / 2
}

// minimize finds the minimum of f in a box: the best local ones of a grid, each followed down by the simplex of
// Nelder and Mead 1965, which does not mind flat valleys.
func minimize(f func([2]float64) float64, lo, hi [2]float64) [2]float64 {
	const grid, starts = 40, 4
	step := [2]float64{(hi[0] - lo[0]) / grid, (hi[1] - lo[1]) / grid}
	var value [grid + 1][grid + 1]float64
	node := func(i, j int) [2]float64 {
		return [2]float64{lo[0] + float64(float64(i)*step[0]), lo[1] + float64(float64(j)*step[1])}
	}
	for i := range value {
		for j := range value[i] {
			value[i][j] = f(node(i, j))
		}
	}
	type start struct {
		i, j int
		f    float64
	}
	var lowest []start
	for i := range value {
		for j, v := range value[i] {
			local := true
			for di := max(0, i-1); di <= min(grid, i+1); di++ {
				for dj := max(0, j-1); dj <= min(grid, j+1); dj++ {
					local = local && v <= value[di][dj]
				}
			}
			if local {
				lowest = append(lowest, start{i, j, v})
			}
		}
	}
	slices.SortStableFunc(lowest, func(a, b start) int { return cmp.Compare(a.f, b.f) })
	boxed := func(v [2]float64) float64 {
		if v[0] < lo[0] || v[0] > hi[0] || v[1] < lo[1] || v[1] > hi[1] {
			return math.Inf(1)
		}
		return f(v)
	}
	best, least := lo, math.Inf(1)
	for _, s := range lowest[:min(starts, len(lowest))] {
		v := node(s.i, s.j)
		for range 3 { // a simplex that has collapsed on the way starts afresh where it is
			v = simplex(boxed, v, step)
		}
		if value := boxed(v); value < least {
			best, least = v, value
		}
	}
	return best
}

// simplex follows f down from v.
func simplex(f func([2]float64) float64, v, step [2]float64) [2]float64 {
	type vertex struct {
		v [2]float64
		f float64
	}
	at := func(v [2]float64) vertex { return vertex{v, f(v)} }
	s := [3]vertex{at(v), at([2]float64{v[0] + step[0]/2, v[1]}), at([2]float64{v[0], v[1] + step[1]/2})}
	along := func(t float64) vertex { // from the middle of the better two away from the worst
		var p [2]float64
		for k := range p {
			middle := (s[0].v[k] + s[1].v[k]) / 2
			p[k] = middle + float64(t*(middle-s[2].v[k]))
		}
		return at(p)
	}
	for range 500 {
		slices.SortStableFunc(s[:], func(a, b vertex) int { return cmp.Compare(a.f, b.f) })
		size := 0.0
		for k := range v {
			size = max(size, math.Abs(s[1].v[k]-s[0].v[k]), math.Abs(s[2].v[k]-s[0].v[k]))
		}
		if size < 1e-10 {
			break
		}
		switch reflected := along(1); {
		case reflected.f < s[0].f:
			if far := along(2); far.f < reflected.f {
				reflected = far
			}
			s[2] = reflected
		case reflected.f < s[1].f:
			s[2] = reflected
		default:
			t := -0.5
			if reflected.f < s[2].f {
				t = 0.5
			}
			if near := along(t); near.f < min(reflected.f, s[2].f) {
				s[2] = near
				continue
			}
			for i := 1; i < 3; i++ {
				s[i] = at([2]float64{(s[0].v[0] + s[i].v[0]) / 2, (s[0].v[1] + s[i].v[1]) / 2})
			}
		}
	}
	return slices.MinFunc(s[:], func(a, b vertex) int { return cmp.Compare(a.f, b.f) }).v
}
