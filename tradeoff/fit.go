package tradeoff

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Saturating is q(c) = C1 - C2*exp(-(C3*c)^C4), which Ankner et al. 2024 (appendix F) fit to the score over the steps
// of a run.
type Saturating struct {
	C1     float64 // the quality it tends to
	C2     float64 // how far it starts from there; its sign is that of the direction
	C3, C4 float64 // rate and shape, > 0
	SSE    float64 // sum of squared errors
	lo, hi float64 // the costs it was fitted to
}

// PowerLaw is q(c) = A - B*c^-G.
type PowerLaw struct {
	A      float64 // the quality it tends to
	B      float64
	G      float64 // in (0, 3]
	SSE    float64 // sum of squared errors
	lo, hi float64
}

// FitSaturating fits a curve by least squares. For given C3 and C4 the rest is linear, so the search is one of two
// dimensions, in their logarithms: a grid, then downhill from its best places. Where a curve has hardly begun to
// bend, ever larger C1 and C2 with an ever smaller C4 fit ever so slightly better and mean nothing: C4 is kept within
// [0.05, 20], and 1/C3 within a factor of 1000 of the costs. The error wraps [tensor.ErrEmpty] for fewer than 5
// points, which it would go through, and [ErrDegenerate] if no such curve that improves with the cost is better than
// the mean.
func FitSaturating(c Curve) (Saturating, error) {
	if err := c.fitable("FitSaturating", 5); err != nil {
		return Saturating{}, err
	}
	first, last := c.points[0].Cost, c.points[c.Len()-1].Cost
	logs, x := c.logCosts(), make([]float64, c.Len())
	at := func(p [2]float64) (a, b, sse float64) {
		shape := math.Exp(p[1])
		for i, l := range logs {
			x[i] = -math.Exp(-math.Exp(float64(shape * (p[0] + l))))
		}
		return c.improving(x)
	}
	lo := [2]float64{-math.Log(1000 * last), math.Log(0.05)}
	hi := [2]float64{math.Log(1000 / first), math.Log(20)}
	best := minimize(func(p [2]float64) float64 { _, _, sse := at(p); return sse }, lo, hi)
	a, b, sse := at(best)
	if math.IsInf(sse, 1) {
		return Saturating{}, c.errNotImproving("FitSaturating")
	}
	return Saturating{a, b, math.Exp(best[0]), math.Exp(best[1]), sse, first, last}, nil
}

// FitPowerLaw fits a curve by least squares. For a given exponent the rest is linear, so the search is one of one
// dimension: a grid over (0, 3], then the golden section. The error wraps [tensor.ErrEmpty] for fewer than 4 points,
// which it would go through, and [ErrDegenerate] if no such curve that improves with the cost is better than the
// mean.
func FitPowerLaw(c Curve) (PowerLaw, error) {
	if err := c.fitable("FitPowerLaw", 4); err != nil {
		return PowerLaw{}, err
	}
	logs, x := c.logCosts(), make([]float64, c.Len())
	at := func(g float64) (a, b, sse float64) {
		for i, l := range logs {
			x[i] = -math.Exp(-float64(g * (l - logs[0]))) // of costs in units of the first
		}
		return c.improving(x)
	}
	sse := func(g float64) float64 { _, _, s := at(g); return s }
	const steps, most = 300, 3.0
	best := most / steps
	for i := 1; i <= steps; i++ {
		if g := most * float64(i) / steps; sse(g) < sse(best) {
			best = g
		}
	}
	if math.IsInf(sse(best), 1) {
		return PowerLaw{}, c.errNotImproving("FitPowerLaw")
	}
	g := goldenSection(max(1e-6, best-most/steps), min(most, best+most/steps), sse)
	if sse(most) <= sse(g) {
		g = most
	}
	a, b, s := at(g)
	return PowerLaw{a, b * math.Pow(c.points[0].Cost, g), g, s, c.points[0].Cost, c.points[c.Len()-1].Cost}, nil
}

// QualityAt is the fitted quality, and NaN and false outside the costs that it was fitted to.
func (s Saturating) QualityAt(cost float64) (q float64, ok bool) {
	if !(cost >= s.lo && cost <= s.hi) {
		return math.NaN(), false
	}
	return s.C1 - s.C2*math.Exp(-math.Pow(s.C3*cost, s.C4)), true
}

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it
// was fitted to: beyond them it is a guess.
func (s Saturating) TimeToQuality(q float64) (cost float64, ok bool) {
	rest := (s.C1 - q) / s.C2
	return inside(math.Pow(-math.Log(rest), 1/s.C4)/s.C3, s.lo, s.hi)
}

// QualityAt is the fitted quality, and NaN and false outside the costs that it was fitted to.
func (p PowerLaw) QualityAt(cost float64) (q float64, ok bool) {
	if !(cost >= p.lo && cost <= p.hi) {
		return math.NaN(), false
	}
	return p.A - p.B*math.Pow(cost, -p.G), true
}

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it
// was fitted to.
func (p PowerLaw) TimeToQuality(q float64) (cost float64, ok bool) {
	return inside(math.Pow(p.B/(p.A-q), 1/p.G), p.lo, p.hi)
}

func inside(cost, lo, hi float64) (float64, bool) {
	const rounding = 1e-9 // the ends themselves count
	if !(cost >= lo*(1-rounding) && cost <= hi*(1+rounding)) {
		return math.Inf(1), false
	}
	return min(max(cost, lo), hi), true
}

func (c Curve) fitable(function string, points int) error {
	if c.Len() < points {
		return fmt.Errorf("tradeoff: %s: %d points, want %d or more: %w", function, c.Len(), points, tensor.ErrEmpty)
	}
	for _, p := range c.points {
		if p.Quality != c.points[0].Quality {
			return nil
		}
	}
	return fmt.Errorf("tradeoff: %s: all qualities are %v: %w", function, c.points[0].Quality, ErrDegenerate)
}

func (c Curve) errNotImproving(function string) error {
	return fmt.Errorf("tradeoff: %s: the quality does not improve over the %d points: %w", function, c.Len(), ErrDegenerate)
}

func (c Curve) logCosts() []float64 {
	logs := make([]float64, c.Len())
	for i, p := range c.points {
		logs[i] = math.Log(p.Cost)
	}
	return logs
}

// improving fits quality = a + b*x, x rising; the error is infinite if the quality gets worse with the cost.
func (c Curve) improving(x []float64) (a, b, sse float64) {
	a, b, sse = c.linear(x)
	if !(c.direction.sign()*b > 0) {
		sse = math.Inf(1)
	}
	return a, b, sse
}

// linear fits quality = a + b*x.
func (c Curve) linear(x []float64) (a, b, sse float64) {
	n := float64(c.Len())
	var mx, my float64
	for i, p := range c.points {
		mx += x[i] / n
		my += p.Quality / n
	}
	var xx, xy float64
	for i, p := range c.points {
		d := x[i] - mx
		xx += float64(d * d)
		xy += float64(d * (p.Quality - my))
	}
	if xx > 0 {
		b = xy / xx
	}
	for i, p := range c.points {
		d := p.Quality - my - float64(b*(x[i]-mx)) // about the means, where nothing large cancels
		sse += float64(d * d)
	}
	return my - float64(b*mx), b, sse
}

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
