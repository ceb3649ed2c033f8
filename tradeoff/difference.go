package tradeoff

import "math"

// ratio is the ratio of geometric means of two samples, given their logarithms.
func (c *config) ratio(x, y []float64) (Estimate, error) {
	e, err := c.difference(x, y, LogT)
	if err != nil {
		return Estimate{}, err
	}
	e.Value, e.Lo, e.Hi = math.Exp(e.Value), math.Exp(e.Lo), math.Exp(e.Hi)
	return e, nil
}

// difference is the difference of means of x and y, by default with Welch's interval, which goes by the name of welch.
func (c *config) difference(x, y []float64, welch Method) (Estimate, error) {
	e := Estimate{Level: c.level, Method: c.method, N: min(len(x), len(y))}
	if c.method == Auto || c.method == welch {
		e.Method = welch
		e.Value, e.Lo, e.Hi = c.welch(x, y)
		e.Warnings = warnings(welch, e.N, equal(x) && equal(y))
		return e, nil
	}
	mean := func(v []float64) float64 { m, _ := moments(v); return m }
	e.Value = mean(x) - mean(y)
	replicates := c.twoSamples(x, y, func(x, y []float64) float64 { return mean(x) - mean(y) })
	var influence [][]float64
	if c.method == BCa {
		influence = [][]float64{
			influences(jackknife(x, func(x []float64) float64 { return mean(x) - mean(y) })),
			influences(jackknife(y, func(y []float64) float64 { return mean(x) - mean(y) })),
		}
	}
	var err error
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, replicates, influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	if e.N < 2 {
		e.Lo, e.Hi = math.Inf(-1), math.Inf(1) // a run drawn from one run is always the same
	}
	e.Warnings = warnings(e.Method, e.N, equal(x) && equal(y))
	return e, nil
}

// welch is the difference of means of x and y with Welch's interval.
func (c *config) welch(x, y []float64) (value, lo, hi float64) {
	mx, vx := moments(x)
	my, vy := moments(y)
	se, df := welchError(vx, vy, len(x), len(y))
	lo, hi = c.studentT(mx-my, se, df)
	return mx - my, lo, hi
}

// welchError is the standard error of a difference of means and the degrees of freedom of Welch and Satterthwaite, of
// which there are none if a sample has one value.
func welchError(vx, vy float64, nx, ny int) (se, df float64) {
	a, b := vx/float64(nx), vy/float64(ny)
	if nx < 2 || ny < 2 {
		return math.NaN(), 0
	}
	if a+b == 0 {
		return 0, float64(nx + ny - 2)
	}
	return math.Sqrt(a + b), (a + b) * (a + b) / (a*a/float64(nx-1) + b*b/float64(ny-1))
}

// twoSamples bootstraps a statistic of two samples, which may reorder them.
func (c *config) twoSamples(x, y []float64, stat func(x, y []float64) float64) []float64 {
	return c.resample([]int{len(x), len(y)}, 1, func() func([][]int, []float64) {
		bx, by := make([]float64, len(x)), make([]float64, len(y))
		return func(drawn [][]int, out []float64) {
			out[0] = stat(take(bx, x, drawn[0]), take(by, y, drawn[1]))
		}
	})[0]
}
