package tradeoff

import "math"

// PowerLaw is q(c) = A - B*c^-G.
type PowerLaw struct {
	A      float64 // the quality it tends to
	B      float64
	G      float64 // in (0, 3]
	SSE    float64 // sum of squared errors
	lo, hi float64
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
func (p PowerLaw) QualityAt(cost float64) (q float64, ok bool) {
	if !(cost >= p.lo && cost <= p.hi) {
		return math.NaN(), false
	}
	return p.A - p.B*math.Pow(cost, -p.G), true
}

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it
// was fitted to.
func (p PowerLaw) TimeToQuality(q float64) (cost float64, reached bool) {
	return inside(math.Pow(p.B/(p.A-q), 1/p.G), p.lo, p.hi)
}
