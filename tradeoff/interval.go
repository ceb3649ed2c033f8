package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// fewForBootstrap is the number of runs from which quantiles of the bootstrap of one task come near their level.
const fewForBootstrap = 10

// fromReplicates makes an interval of bootstrap replicates. A NaN replicate says nothing and counts as the worst for
// each end. influence is, per sample and run, how much the statistic depends on it (see [influences]); BCa needs it.
func (c *config) fromReplicates(method Method, value float64, replicates []float64, influence [][]float64) (lo, hi float64, err error) {
	low, high := slices.Clone(replicates), slices.Clone(replicates)
	for i, v := range replicates {
		if v != v {
			low[i], high[i] = math.Inf(-1), math.Inf(1)
		}
	}
	slices.Sort(low)
	slices.Sort(high)
	a, b := (1-c.level)/2, (1+c.level)/2
	switch method {
	case Percentile:
		return quantile(low, a), quantile(high, b), nil
	case Basic:
		return 2*value - quantile(high, b), 2*value - quantile(low, a), nil
	case BC, BCa:
		below := 0
		for _, v := range replicates {
			if v < value {
				below++
			}
		}
		z0 := distuv.UnitNormal.Quantile(float64(below) / float64(len(replicates)))
		if math.IsInf(z0, 0) {
			return 0, 0, fmt.Errorf("%d of %d replicates are below the estimate, which leaves %v without its correction; use Percentile: %w", below, len(replicates), method, ErrDegenerate)
		}
		acceleration := 0.0
		if method == BCa {
			acceleration = skewness(influence)
		}
		if acceleration != acceleration {
			return 0, 0, fmt.Errorf("the statistic without a run is infinite, which leaves %v without its acceleration; use Percentile: %w", method, ErrDegenerate)
		}
		adjusted := func(p float64) float64 {
			z := z0 + distuv.UnitNormal.Quantile(p)
			if math.IsInf(z, 0) || acceleration*z >= 1 { // past the pole, where the quantile is that of the outermost replicate
				return max(0, math.Copysign(1, z))
			}
			return distuv.UnitNormal.CDF(z0 + z/(1-acceleration*z))
		}
		return quantile(low, adjusted(a)), quantile(high, adjusted(b)), nil
	}
	return 0, 0, fmt.Errorf("%v is not made of replicates of this statistic: %w", method, ErrConflict)
}

// influences is the jackknife: how far the statistic without each run is from their mean, times the runs left over the
// runs.
func influences(without []float64) []float64 {
	mean := 0.0
	for _, v := range without {
		mean += v / float64(len(without))
	}
	u := make([]float64, len(without))
	for i, v := range without {
		u[i] = float64(len(without)-1) / float64(len(without)) * (mean - v)
	}
	return u
}

// skewness is the acceleration of BCa, a sixth of the skewness of the influences of all samples.
func skewness(influence [][]float64) float64 {
	squares, cubes := 0.0, 0.0
	for _, sample := range influence {
		for _, u := range sample {
			squares += float64(u * u)
			cubes += float64(u * u * u)
		}
	}
	if squares == 0 {
		return 0
	}
	return cubes / (6 * math.Pow(squares, 1.5))
}

// studentT is the interval value +- t*se, infinite without degrees of freedom.
func (c *config) studentT(value, se, df float64) (lo, hi float64) {
	if !(df > 0) {
		return math.Inf(-1), math.Inf(1)
	}
	half := studentQuantile((1+c.level)/2, df) * se
	return value - half, value + half
}

// warnings are the usual reasons to distrust an interval of n runs.
func warnings(method Method, n int, equal bool) []error {
	var w []error
	switch {
	case n < 2:
		w = append(w, fmt.Errorf("%d run cannot tell anything of the spread; run 3 seeds or more: %w", n, ErrTooFewRuns))
	case n < fewForBootstrap && (method == Percentile || method == Basic || method == BC || method == BCa):
		w = append(w, fmt.Errorf("%v intervals of %d runs cover less than their level; run %d or use t intervals: %w", method, n, fewForBootstrap, ErrTooFewRuns))
	case n < 3:
		w = append(w, fmt.Errorf("%d runs; run 3 seeds or more: %w", n, ErrTooFewRuns))
	}
	if equal && n > 1 {
		w = append(w, fmt.Errorf("all runs are equal: %w", ErrDegenerate))
	}
	return w
}

// moments is the mean and the sample variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += float64((v - mean) * (v - mean))
	}
	return mean, variance / float64(len(x)-1)
}
