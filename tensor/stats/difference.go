package stats

import "math"

// Difference is the difference of the means of x and y, by default with Welch's interval, which does not assume equal
// variances. It takes [WithInterval] of [TInterval], [Percentile], [Basic], [BC] or [BCa]; the samples are drawn from
// apart. The error is that of [Mean].
func Difference(x, y []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Difference", opts)
	if err == nil {
		err = c.checkSamples("x", x, "y", y)
	}
	if err != nil {
		return Estimate{}, err
	}
	return c.difference(x, y)
}

// PairedDifference is the mean of the differences x[i] - y[i], with the intervals of [Mean]: for two methods on the
// same seeds, splits or patients. The error is that of Mean, or wraps [tensor.ErrShape] if the lengths differ.
func PairedDifference(x, y []float64, opts ...Option) (Estimate, error) {
	c, err := configure("PairedDifference", opts)
	if err == nil {
		err = c.checkPairs("x", x, "y", y)
	}
	if err != nil {
		return Estimate{}, err
	}
	return c.mean(differences(x, y))
}

func differences(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = v - y[i]
	}
	return d
}

// Ratio is the ratio of the geometric means of x and y, all positive, by default with Welch's interval of the
// logarithms. It takes [WithInterval] of [LogT], [Percentile], [Basic], [BC] or [BCa]. The error is that of [GeoMean].
func Ratio(x, y []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Ratio", opts)
	if err != nil {
		return Estimate{}, err
	}
	logX, err := c.logs("x", x)
	if err != nil {
		return Estimate{}, err
	}
	logY, err := c.logs("y", y)
	if err != nil {
		return Estimate{}, err
	}
	return c.ratio(logX, logY)
}

// RatioOfLogs is [Ratio] of samples that are given by their logarithms.
func RatioOfLogs(x, y []float64, opts ...Option) (Estimate, error) {
	c, err := configure("RatioOfLogs", opts)
	if err == nil {
		err = c.checkSamples("x", x, "y", y)
	}
	if err != nil {
		return Estimate{}, err
	}
	return c.ratio(x, y)
}

func (c *config) ratio(x, y []float64) (Estimate, error) {
	switch c.interval {
	case LogT:
		c.interval = TInterval
	case TInterval:
		c.interval = LogT // which differences do not have
	}
	e, err := c.difference(x, y)
	if err != nil {
		return Estimate{}, err
	}
	return e.exp(), nil
}

func (c *config) difference(x, y []float64) (Estimate, error) {
	e := Estimate{Level: c.level, Interval: c.interval, N: min(len(x), len(y))}
	if c.interval == Auto || c.interval == TInterval {
		e.Interval = TInterval
		mx, vx := moments(x)
		my, vy := moments(y)
		se, df := welchError(vx, vy, len(x), len(y))
		e.Value = mx - my
		e.Lo, e.Hi = c.studentT(e.Value, se, df)
		e.Warnings = warnings(e.Interval, e.N, equal(x) && equal(y))
		return e, nil
	}
	e.Value = mean(x) - mean(y)
	return c.resampled(e, [][]float64{x, y}, func(drawn [][]float64) float64 { return mean(drawn[0]) - mean(drawn[1]) })
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
