package tradeoff

import "math"

// Saturating is q(c) = C1 - C2*exp(-(C3*c)^C4), which Ankner et al. 2024 (appendix F) fit to the score over the steps
// of a run.
type Saturating struct {
	C1     float64 // the quality it tends to
	C2     float64 // how far it starts from there; its sign is that of the direction
	C3, C4 float64 // rate and shape, > 0
	SSE    float64 // sum of squared errors
	lo, hi float64 // the costs it was fitted to
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

// QualityAt is the fitted quality, and NaN and false outside the costs that it was fitted to.
func (s Saturating) QualityAt(cost float64) (q float64, ok bool) {
	if !(cost >= s.lo && cost <= s.hi) {
		return math.NaN(), false
	}
	return s.C1 - s.C2*math.Exp(-math.Pow(s.C3*cost, s.C4)), true
}

// TimeToQuality is the cost at which the fit reaches q, and +Inf and false if it does not within the costs that it
// was fitted to: beyond them it is a guess.
func (s Saturating) TimeToQuality(q float64) (cost float64, reached bool) {
	rest := (s.C1 - q) / s.C2
	return inside(math.Pow(-math.Log(rest), 1/s.C4)/s.C3, s.lo, s.hi)
}
