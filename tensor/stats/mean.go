package stats

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Mean is the mean of a sample, by default with its t interval, which keeps its level from three values on. It takes
// [WithInterval] of [TInterval], [Percentile], [Basic], [BC], [BCa] or [Studentized]. The error wraps [tensor.ErrEmpty]
// or [tensor.ErrNotFinite].
func Mean(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Mean", opts)
	if err == nil {
		err = c.checkSample("x", x)
	}
	if err != nil {
		return Estimate{}, err
	}
	return c.mean(x)
}

// GeoMean is the geometric mean of positive values such as ratios, by default with the t interval of their logarithms.
// It takes the intervals of [Mean] and [LogT]. The error is that of Mean, or wraps [ErrNonPositive].
func GeoMean(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("GeoMean", opts)
	if err != nil {
		return Estimate{}, err
	}
	logs, err := c.logs("x", x)
	if err != nil {
		return Estimate{}, err
	}
	if c.interval == LogT {
		c.interval = TInterval
	}
	e, err := c.mean(logs)
	if err != nil {
		return Estimate{}, err
	}
	return e.exp(), nil
}

// logs is the logarithms of a sample of positive values.
func (c *config) logs(name string, x []float64) ([]float64, error) {
	if err := c.checkSample(name, x); err != nil {
		return nil, err
	}
	logs := make([]float64, len(x))
	for i, v := range x {
		if v <= 0 {
			return nil, c.errorf("%s[%d] = %v: %w", name, i, v, ErrNonPositive)
		}
		logs[i] = math.Log(v)
	}
	return logs, nil
}

func (c *config) mean(x []float64) (Estimate, error) {
	m, variance := moments(x)
	if m-m != 0 {
		return Estimate{}, c.errorf("the sum of the values overflows: %w", tensor.ErrNotFinite)
	}
	se := math.Sqrt(variance / float64(len(x)))
	e := Estimate{Value: m, Level: c.level, Interval: c.interval, N: len(x)}
	switch c.interval {
	case Auto, TInterval:
		e.Interval = TInterval
		e.Lo, e.Hi = c.studentT(m, se, float64(len(x)-1))
		e.Warnings = warnings(e.Interval, e.N, equal(x))
		return e, nil
	case Studentized:
		return c.studentized(e, x, se)
	}
	return c.resampled(e, [][]float64{x}, func(drawn [][]float64) float64 { return mean(drawn[0]) })
}

// studentized is the bootstrap t interval: quantiles of (mean - m) / se take the place of Student's.
func (c *config) studentized(e Estimate, x []float64, se float64) (Estimate, error) {
	y, err := c.pivots(e.Value, x)
	if err != nil {
		return Estimate{}, err
	}
	y = slices.DeleteFunc(y, func(v float64) bool { return v != v }) // a replicate of one value only
	slices.Sort(y)
	e.Warnings = warnings(e.Interval, e.N, equal(x))
	e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	if len(y) > 0 && se > 0 { // else there is no spread
		e.Lo = e.Value - quantile(y, (1+c.level)/2)*se
		e.Hi = e.Value - quantile(y, (1-c.level)/2)*se
	}
	if len(e.Warnings) == 0 && math.IsInf(e.Hi-e.Lo, 1) {
		e.Warnings = append(e.Warnings,
			fmt.Errorf("too many replicates of %d values have no spread to studentize by; take %d: %w",
				e.N, fewForBootstrap, ErrTooFew))
	}
	return e, nil
}

// pivots is the distance of each replicate's mean from m in its standard errors.
func (c *config) pivots(m float64, x []float64) ([]float64, error) {
	d := Units(len(x))
	if err := d.check(c); err != nil {
		return nil, err
	}
	p, err := c.replicate(context.Background(), 1, c.drawing(&d, func() func([]int, []float64) {
		y := make([]float64, len(x))
		return func(drawn []int, out []float64) {
			for i, j := range drawn {
				y[i] = x[j]
			}
			mean, variance := moments(y)
			out[0] = (mean - m) / math.Sqrt(variance/float64(len(y)))
		}
	}))
	if err != nil {
		return nil, err
	}
	return p[0], nil
}
