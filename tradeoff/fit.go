package tradeoff

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

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
	return fmt.Errorf("tradeoff: %s: the quality does not improve over the %d points: %w", function, c.Len(),
		ErrDegenerate)
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
	if !(c.direction.Sign()*b > 0) {
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
