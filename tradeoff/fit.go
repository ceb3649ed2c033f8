package tradeoff

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Saturating is q(c) = C1 - C2*exp(-(C3*c)^C4), which Ankner et al. 2023 (appendix F) fit to the score over the steps of a run.
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

// FitSaturating fits a curve by least squares. For given C3 and C4 the rest is linear, so the search is one of two dimensions, in their
// logarithms: a grid, then Gauss-Newton steps with damping. The error wraps [tensor.ErrEmpty] for fewer than 4 points and
// [ErrDegenerate] if all qualities are equal.
func FitSaturating(c Curve) (Saturating, error) {
	if err := c.fitable("FitSaturating", 4); err != nil {
		return Saturating{}, err
	}
	first, last := c.points[0].Cost, c.points[c.Len()-1].Cost
	shape := func(p [2]float64, cost float64) float64 {
		return math.Exp(-math.Pow(math.Exp(p[0])*cost, math.Exp(p[1])))
	}
	var best [2]float64
	least := math.Inf(1)
	const grid = 40
	for i := range grid {
		for j := range grid {
			p := [2]float64{
				-math.Log(last) - 5 + (math.Log(last/first)+8)*float64(i)/(grid-1), // from 150 times as long as the curve to a part of its beginning
				math.Log(0.1) + math.Log(50)*float64(j)/(grid-1),
			}
			if _, _, sse := c.linear(func(cost float64) float64 { return shape(p, cost) }); sse < least {
				best, least = p, sse
			}
		}
	}
	best = descend(best, func(p [2]float64) (residuals []float64, sse float64) {
		a, b, sse := c.linear(func(cost float64) float64 { return shape(p, cost) })
		for _, point := range c.points {
			residuals = append(residuals, point.Quality-a-float64(b*shape(p, point.Cost)))
		}
		return residuals, sse
	})
	a, b, sse := c.linear(func(cost float64) float64 { return shape(best, cost) })
	return Saturating{a, -b, math.Exp(best[0]), math.Exp(best[1]), sse, first, last}, nil
}

// FitPowerLaw fits a curve by least squares. For a given exponent the rest is linear, so the search is one of one dimension: a grid over
// (0, 3], then the golden section. The error wraps [tensor.ErrEmpty] for fewer than 3 points and [ErrDegenerate] if all qualities are equal.
func FitPowerLaw(c Curve) (PowerLaw, error) {
	if err := c.fitable("FitPowerLaw", 3); err != nil {
		return PowerLaw{}, err
	}
	sse := func(g float64) float64 {
		_, _, s := c.linear(func(cost float64) float64 { return math.Pow(cost/c.points[0].Cost, -g) })
		return s
	}
	const steps, most = 300, 3.0
	best := most / steps
	for i := 1; i <= steps; i++ {
		if g := most * float64(i) / steps; sse(g) < sse(best) {
			best = g
		}
	}
	g := goldenSection(max(1e-6, best-most/steps), min(most, best+most/steps), sse)
	if sse(most) <= sse(g) {
		g = most
	}
	a, b, s := c.linear(func(cost float64) float64 { return math.Pow(cost/c.points[0].Cost, -g) })
	return PowerLaw{a, -b * math.Pow(c.points[0].Cost, g), g, s, c.points[0].Cost, c.points[c.Len()-1].Cost}, nil
}

// QualityAt is the fitted quality, and NaN and false outside the costs that it was fitted to.
func (s Saturating) QualityAt(cost float64) (q float64, ok bool) {
	if !(cost >= s.lo && cost <= s.hi) {
		return math.NaN(), false
	}
	return s.C1 - s.C2*math.Exp(-math.Pow(s.C3*cost, s.C4)), true
}

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it was fitted to: beyond
// them it is a guess.
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

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it was fitted to.
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

// linear fits quality = a + b*f(cost).
func (c Curve) linear(f func(cost float64) float64) (a, b, sse float64) {
	n := float64(c.Len())
	var mx, my float64
	for _, p := range c.points {
		mx += f(p.Cost) / n
		my += p.Quality / n
	}
	var xx, xy float64
	for _, p := range c.points {
		d := f(p.Cost) - mx
		xx += float64(d * d)
		xy += float64(d * (p.Quality - my))
	}
	if xx > 0 {
		b = xy / xx
	}
	a = my - b*mx
	for _, p := range c.points {
		d := p.Quality - a - float64(b*f(p.Cost))
		sse += float64(d * d)
	}
	return a, b, sse
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

// descend improves the two parameters of a least-squares problem by the method of Levenberg and Marquardt.
func descend(p [2]float64, residuals func([2]float64) ([]float64, float64)) [2]float64 {
	r, sse := residuals(p)
	for damping, step := 1e-3, 0; step < 500 && damping < 1e12; step++ {
		var jacobian [2][]float64
		const h = 1e-6
		for k := range p {
			up, down := p, p
			up[k] += h
			down[k] -= h
			a, _ := residuals(up)
			b, _ := residuals(down)
			for i := range a {
				jacobian[k] = append(jacobian[k], (a[i]-b[i])/(2*h))
			}
		}
		var g [2]float64
		var m [2][2]float64
		for i := range r {
			for k := range p {
				g[k] += float64(jacobian[k][i] * r[i])
				for l := range p {
					m[k][l] += float64(jacobian[k][i] * jacobian[l][i])
				}
			}
		}
		for ; damping < 1e12; damping *= 4 {
			a, d := m[0][0]*(1+damping), m[1][1]*(1+damping)
			det := a*d - m[0][1]*m[1][0]
			q := [2]float64{p[0] - (d*g[0]-m[0][1]*g[1])/det, p[1] - (a*g[1]-m[1][0]*g[0])/det}
			if better, s := residuals(q); s < sse {
				done := sse-s <= 1e-15*sse
				p, r, sse = q, better, s
				damping /= 16
				if done {
					return p
				}
				break
			}
		}
	}
	return p
}
