package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// Mean is the mean of the results of runs, by default with its t interval, which keeps its level from three runs on. It
// takes WithMethod(TInterval, Percentile, Basic, BC, BCa or Studentized) and the other options of the bootstrap.
func Mean(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Mean", opts, bootstrapOptions...)
	if err == nil {
		err = c.checkSample("x", x)
	}
	if err != nil {
		return Estimate{}, err
	}
	return c.mean(x)
}

// GeometricMean is the geometric mean of positive results such as ratios, by default with the t interval of their
// logarithms. It takes the options of [Mean].
func GeometricMean(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("GeometricMean", opts, bootstrapOptions...)
	if err == nil {
		err = c.checkSample("x", x)
	}
	if err != nil {
		return Estimate{}, err
	}
	logs := make([]float64, len(x))
	for i, v := range x {
		if v <= 0 {
			return Estimate{}, c.errorf("x[%d] = %v: %w", i, v, ErrNonPositive)
		}
		logs[i] = math.Log(v)
	}
	if c.method == LogT {
		c.method = TInterval
	}
	e, err := c.mean(logs)
	if err != nil {
		return Estimate{}, err
	}
	e.Value, e.Lo, e.Hi = math.Exp(e.Value), math.Exp(e.Lo), math.Exp(e.Hi)
	if e.Method == TInterval {
		e.Method = LogT
	}
	return e, nil
}

// Median is the median of the results of runs, by default with the exact interval between order statistics that the
// binomial distribution gives, the narrowest whose level is at least the one wanted. With fewer than 6 runs an end or
// both are infinite at level 0.95. It takes WithMethod(OrderStatistics, Percentile, Basic, BC or BCa) and the other
// options of the bootstrap.
func Median(x []float64, opts ...Option) (Estimate, error) {
	c, err := configure("Median", opts, bootstrapOptions...)
	if err == nil {
		err = c.checkSample("x", x)
	}
	if err != nil {
		return Estimate{}, err
	}
	sorted := slices.Sorted(slices.Values(x))
	e := Estimate{Value: quantile(sorted, 0.5), Level: c.level, Method: c.method, N: len(x)}
	if c.method != Auto && c.method != OrderStatistics {
		return c.resampled(e, x, func(y []float64) float64 { return median(y) })
	}
	e.Method = OrderStatistics
	lo, hi := orderStatistics(len(x), c.level)
	e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	if lo > 0 {
		e.Lo = sorted[lo-1]
	}
	if hi <= len(x) {
		e.Hi = sorted[hi-1]
	}
	if lo == 0 || hi > len(x) {
		e.Warnings = append(e.Warnings, fmt.Errorf("need >= %d samples for confidence interval at level %v: %w", fewForMedian(c.level), c.level, ErrTooFewRuns))
	}
	if equal(x) && len(x) > 1 {
		e.Warnings = append(e.Warnings, fmt.Errorf("all samples are equal: %w", ErrDegenerate))
	}
	return e, nil
}

// orderStatistics is the fewest neighbouring order statistics of n values that enclose the median with the given
// probability: from the lo-th to the hi-th smallest, where 0 and n+1 stand for infinity. If two choices are as good it
// is the lower.
func orderStatistics(n int, level float64) (lo, hi int) {
	b := distuv.Binomial{N: float64(n), P: 0.5}
	for width := 1; width <= n; width++ {
		lo = (n + 1 - width) / 2
		hi = lo + width
		if b.CDF(float64(hi-1))-b.CDF(float64(lo-1)) >= level {
			return lo, hi
		}
	}
	return 0, n + 1
}

// fewForMedian is the number of runs from which the median has an interval.
func fewForMedian(level float64) int { return int(math.Ceil(1 - math.Log2(1-level))) }

func equal(x []float64) bool { return slices.Max(x) == slices.Min(x) }

// checkSample refuses samples that are empty or have a NaN or an infinity.
func (c *config) checkSample(name string, x []float64) error {
	if len(x) == 0 {
		return c.errorf("%s has no values: %w", name, tensor.ErrEmpty)
	}
	for i, v := range x {
		if v-v != 0 {
			return c.errorf("%s[%d] = %v: %w", name, i, v, tensor.ErrNotFinite)
		}
	}
	return nil
}

func (c *config) mean(x []float64) (Estimate, error) {
	m, variance := moments(x)
	if m-m != 0 {
		return Estimate{}, c.errorf("the sum of the values overflows: %w", tensor.ErrNotFinite)
	}
	se := math.Sqrt(variance / float64(len(x)))
	e := Estimate{Value: m, Level: c.level, Method: c.method, N: len(x)}
	switch c.method {
	case Auto, TInterval:
		e.Method = TInterval
		e.Lo, e.Hi = c.studentT(m, se, float64(len(x)-1))
		e.Warnings = warnings(e.Method, e.N, equal(x))
		return e, nil
	case Studentized:
		return c.studentized(e, x, se)
	}
	return c.resampled(e, x, func(y []float64) float64 { m, _ := moments(y); return m })
}

// studentized is the bootstrap t interval: quantiles of (mean - m) / se take the place of Student's.
func (c *config) studentized(e Estimate, x []float64, se float64) (Estimate, error) {
	pivots := c.resample([]int{len(x)}, 1, func() func([][]int, []float64) {
		y := make([]float64, len(x))
		return func(drawn [][]int, out []float64) {
			take(y, x, drawn[0])
			m, variance := moments(y)
			out[0] = (m - e.Value) / math.Sqrt(variance/float64(len(y)))
		}
	})[0]
	pivots = slices.DeleteFunc(pivots, func(v float64) bool { return v != v }) // a replicate of one value only
	slices.Sort(pivots)
	e.Warnings = warnings(e.Method, e.N, equal(x))
	e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	if len(pivots) > 0 && se > 0 { // else there is no spread
		e.Lo = e.Value - quantile(pivots, (1+c.level)/2)*se
		e.Hi = e.Value - quantile(pivots, (1-c.level)/2)*se
	}
	if len(e.Warnings) == 0 && math.IsInf(e.Hi-e.Lo, 1) {
		e.Warnings = append(e.Warnings, fmt.Errorf("too many replicates of %d runs have no spread to studentize by; run %d: %w", e.N, fewForBootstrap, ErrTooFewRuns))
	}
	return e, nil
}

// resampled completes e with an interval of bootstrap replicates of a statistic, which may reorder its argument.
func (c *config) resampled(e Estimate, x []float64, stat func([]float64) float64) (Estimate, error) {
	replicates := c.resample([]int{len(x)}, 1, func() func([][]int, []float64) {
		y := make([]float64, len(x))
		return func(drawn [][]int, out []float64) { out[0] = stat(take(y, x, drawn[0])) }
	})[0]
	var influence [][]float64
	if e.Method == BCa {
		influence = [][]float64{influences(jackknife(x, stat))}
	}
	var err error
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, replicates, influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	e.Warnings = warnings(e.Method, e.N, equal(x))
	return e, nil
}

// jackknife is the statistic without each value.
func jackknife(x []float64, stat func([]float64) float64) []float64 {
	without := make([]float64, len(x))
	for i := range x {
		without[i] = stat(slices.Delete(slices.Clone(x), i, i+1))
	}
	return without
}

// take writes the drawn values of x to y.
func take(y, x []float64, drawn []int) []float64 {
	for i, j := range drawn {
		y[i] = x[j]
	}
	return y
}
