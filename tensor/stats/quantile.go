package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// Median is [Quantile] of order 1/2. With fewer than 6 values an end or both are infinite at level 0.95.
func Median(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Median", opts)
	if err != nil {
		return Estimate{}, err
	}
	return c.quantile(x, 0.5)
}

// Quantile is the p-quantile of a sample with linear interpolation between order statistics, as numpy and R compute it
// by default (type 7 of Hyndman and Fan 1996): the median of 1, 2, 3, 4 is 2.5. The default interval is the exact one
// between order statistics that the binomial distribution gives, the narrowest whose level is at least the one wanted;
// an end is infinite where the values do not reach far enough. It takes [WithInterval] of [OrderStatistics],
// [Percentile], [Basic], [BC] or [BCa]. The error wraps [tensor.ErrEmpty], [tensor.ErrNotFinite], or [tensor.ErrRange]
// for p outside [0, 1].
func Quantile(x []float64, p float64, opts ...Option) (Estimate, error) {
	c, err := configure("Quantile", opts)
	if err != nil {
		return Estimate{}, err
	}
	return c.quantile(x, p)
}

// Quantiles is the p-quantiles of a sample without intervals (see [Quantile]). Infinities have their places; the error
// wraps [tensor.ErrNotFinite] for a quantile between the two of them, or for a NaN.
func Quantiles(x []float64, p ...float64) ([]float64, error) {
	c := config{call: "stats: Quantiles"}
	if len(x) == 0 {
		return nil, c.errorf("x has no values: %w", tensor.ErrEmpty)
	}
	for i, v := range x {
		if v != v {
			return nil, c.errorf("x[%d] is NaN: %w", i, tensor.ErrNotFinite)
		}
	}
	sorted, q := slices.Sorted(slices.Values(x)), make([]float64, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, c.errorf("p[%d] is %v, want a value in [0, 1]: %w", i, v, tensor.ErrRange)
		}
		if q[i] = quantile(sorted, v); q[i] != q[i] {
			return nil, c.errorf("the %v-quantile lies between the infinities: %w", v, tensor.ErrNotFinite)
		}
	}
	return q, nil
}

func (c *config) quantile(x []float64, p float64) (Estimate, error) {
	if err := c.checkSample("x", x); err != nil {
		return Estimate{}, err
	}
	if !(p >= 0 && p <= 1) {
		return Estimate{}, c.errorf("p is %v, want a value in [0, 1]: %w", p, tensor.ErrRange)
	}
	sorted := slices.Sorted(slices.Values(x))
	e := Estimate{Value: quantile(sorted, p), Level: c.level, Interval: c.interval, N: len(x)}
	if c.interval != Auto && c.interval != OrderStatistics {
		return c.resampled(e, [][]float64{x}, func(drawn [][]float64) float64 {
			slices.Sort(drawn[0])
			if p == 0.5 {
				return median(drawn[0])
			}
			return quantile(drawn[0], p)
		})
	}
	e.Interval = OrderStatistics
	lo, hi := orderStatistics(len(x), p, c.level)
	e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	if lo > 0 {
		e.Lo = sorted[lo-1]
	}
	if hi <= len(x) {
		e.Hi = sorted[hi-1]
	}
	if lo == 0 || hi > len(x) {
		if need := fewForQuantile(p, c.level); need > 0 {
			e.Warnings = append(e.Warnings, fmt.Errorf("need >= %d samples for confidence interval at level %v: %w", need,
				c.level, ErrTooFew))
		}
	}
	if equal(x) && len(x) > 1 {
		e.Warnings = append(e.Warnings, fmt.Errorf("all samples are equal: %w", ErrDegenerate))
	}
	return e, nil
}

// orderStatistics is the fewest neighbouring order statistics of n values that enclose the p-quantile with the given
// probability: from the lo-th to the hi-th smallest, where 0 and n+1 stand for infinity. If two choices are as good it
// is the lower.
//
// As many values lie below the quantile as successes are in n trials, of which the most probable numbers are
// neighbours: the best choice of each width is that of the width before and the likelier of its two neighbours.
func orderStatistics(n int, p, level float64) (lo, hi int) {
	if p == 0 || p == 1 {
		return int(p) * n, int(p)*n + 1
	}
	b := distuv.Binomial{N: float64(n), P: p}
	const rounding = 1e-9 // mirror images are as likely
	mode := int(math.Ceil(float64(n+1)*p-rounding)) - 1
	lo, hi = mode, mode+1 // as many values below as lo to hi-1
	for b.CDF(float64(hi-1))-b.CDF(float64(lo-1)) < level && (lo > 0 || hi <= n) {
		switch {
		case lo == 0 || hi <= n && b.Prob(float64(hi)) > b.Prob(float64(lo-1))*(1+rounding):
			hi++
		default:
			lo--
		}
	}
	return lo, hi
}

// fewForQuantile is the number of values from which the quantile has an interval with two ends, 0 if none will do.
func fewForQuantile(p, level float64) int {
	if p == 0 || p == 1 {
		return 0
	}
	if p == 0.5 {
		return int(math.Ceil(1 - math.Log2(1-level)))
	}
	// Neither all values below nor all above, each of which has its power of n.
	n := 2
	for 1-math.Pow(p, float64(n))-math.Pow(1-p, float64(n)) < level && n < math.MaxInt32 {
		n += 1 + n/1000
	}
	return n
}

// median is the median of sorted values.
func median(sorted []float64) float64 {
	half := len(sorted) / 2
	if len(sorted)%2 == 1 || sorted[half-1] == sorted[half] {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// quantile is [Quantile] of sorted values.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	f := at - float64(i)
	if f == 0 || sorted[i] == sorted[i+1] {
		return sorted[i]
	}
	a, b := sorted[i], sorted[i+1]
	if math.IsInf(a, -1) || math.IsInf(b, 1) {
		return infinite(a, b)
	}
	// As numpy does: from the nearer end, so that the result is exact at both.
	if f < 0.5 {
		return a + float64((b-a)*f)
	}
	return b - float64((b-a)*(1-f))
}

// infinite is what lies between two values of which one is infinite.
func infinite(a, b float64) float64 {
	switch {
	case math.IsInf(a, -1) && math.IsInf(b, 1):
		return math.NaN()
	case math.IsInf(b, 1):
		return b
	}
	return a
}
