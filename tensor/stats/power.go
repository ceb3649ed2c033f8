package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// WelchPower is the probability that Welch's interval of a difference of means excludes 0, for two samples of n values
// each from normal distributions of one variance whose means are effect standard deviations apart. The degrees of
// freedom of Welch depend on how the variances of the samples compare, over which it averages; for few values that is
// far below the power of Student's test. The error wraps [tensor.ErrRange] for n below 2 or an effect that is NaN.
func WelchPower(effect float64, n int, opts ...LevelOption) (float64, error) {
	c, err := configure("WelchPower", opts)
	if err != nil {
		return 0, err
	}
	if n < 2 || effect != effect {
		return 0, c.errorf("effect %v of samples of %d values, want 2 or more: %w", effect, n, tensor.ErrRange)
	}
	shift := math.Abs(effect) * math.Sqrt(float64(n)/2)
	if math.IsInf(shift, 1) {
		return 1, nil
	}
	// The share f of the first variance in the sum has the density (f (1-f))^((n-3)/2) and is independent of the sum; with
	// f = sin^2 t that is sin(2t)^(n-2), and the degrees of freedom are (n-1) / (f^2 + (1-f)^2).
	m := float64(n - 1)
	from := max(0, math.Pi/4-5/math.Sqrt(m))
	weight := func(t float64) float64 { return math.Pow(math.Sin(2*t), m-1) }
	sum, mass := 0.0, 0.0
	simpson(from, math.Pi/4, 32, func(t, w float64) {
		if w *= weight(t); w == 0 {
			return
		}
		f := math.Sin(t) * math.Sin(t)
		critical := studentQuantile((1+c.level)/2, m/(f*f+(1-f)*(1-f)))
		mass += w
		sum += float64(w * exceeding(shift, critical, 2*m))
	})
	return sum / mass, nil
}

// exceeding is the probability that a normal variable about shift exceeds critical times s in size, s being an
// estimated standard deviation of df degrees of freedom: over the distribution of s, that of the variable to exceed
// what it requires.
func exceeding(shift, critical, df float64) float64 {
	cdf := distuv.UnitNormal.CDF
	logGamma, _ := math.Lgamma(df / 2)
	logScale := math.Ln2 + float64(df/2*math.Log(df/2)) - logGamma
	density := func(s float64) float64 { // of sqrt(chi2 / df)
		if s == 0 {
			return 0
		}
		return math.Exp(logScale + float64((df-1)*math.Log(s)) - df*s*s/2)
	}
	spread := 9 / math.Sqrt(2*df) // 9 standard deviations of s on either side
	sum, mass := 0.0, 0.0
	simpson(max(0, 1-spread), 1+spread, 100, func(s, w float64) {
		w *= density(s)
		mass += w
		sum += float64(w * (cdf(shift-critical*s) + cdf(-shift-critical*s)))
	})
	return sum / mass
}

// simpson calls f with the points and weights of Simpson's rule, up to a common factor.
func simpson(lo, hi float64, intervals int, f func(x, weight float64)) {
	h := (hi - lo) / float64(intervals)
	for i := range intervals + 1 {
		weight := 4.0
		switch {
		case i == 0 || i == intervals:
			weight = 1
		case i%2 == 0:
			weight = 2
		}
		f(lo+float64(float64(i)*h), weight)
	}
}
