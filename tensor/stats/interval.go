package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Interval is how a confidence interval is made.
type Interval uint8

// The intervals. [Auto] lets the function choose and say in [Estimate.Interval] what it chose.
const (
	Auto            Interval = iota
	TInterval                // value +- t s / sqrt(n), Welch's degrees of freedom for two samples
	LogT                     // TInterval of the logarithms, for ratios and geometric means
	Percentile               // type-7 quantiles of the bootstrap replicates
	Basic                    // reflected quantiles, 2 theta - q
	BC                       // bias-corrected quantiles
	BCa                      // bias-corrected and accelerated (Efron 1987), with a jackknife over units
	Studentized              // bootstrap t
	OrderStatistics          // exact binomial interval for a quantile
	Normal                   // value +- z se (Wald)
	Wilson                   // score interval of a share (Wilson 1927)
	ClopperPearson           // exact interval of a share (Clopper and Pearson 1934)
	DeLong                   // Normal with the variance of DeLong et al. 1988, for AUC
	LogLog                   // Normal on the scale log(-log S), for survival curves (Brookmeyer and Crowley 1982)
)

var intervals = enum.Of[Interval]("interval", "auto", "t", "log-t", "percentile", "basic", "bc", "bca", "studentized",
	"order statistics", "normal", "wilson", "clopper-pearson", "delong", "log-log")

// String is the name used in reports.
func (i Interval) String() string { return intervals.String(i) }

// MarshalText writes the name.
func (i Interval) MarshalText() ([]byte, error) { return intervals.Marshal(i) }

// UnmarshalText reads a name.
func (i *Interval) UnmarshalText(text []byte) error { return intervals.Unmarshal(i, text) }

// Resampled reports whether the interval is made of bootstrap replicates.
func (i Interval) Resampled() bool {
	return i == Percentile || i == Basic || i == BC || i == BCa || i == Studentized
}

// fewForBootstrap is the number of values from which quantiles of the bootstrap come near their level.
const fewForBootstrap = 10

// fromReplicates makes an interval of bootstrap replicates. A NaN replicate says nothing and counts as the worst for
// each end. influence is, per sample and unit, how much the statistic depends on it (see [influences]); BCa needs it.
func (c *config) fromReplicates(
	interval Interval, value float64, replicates []float64, influence [][]float64,
) (lo, hi float64, err error) {
	low, high := slices.Clone(replicates), slices.Clone(replicates)
	for i, v := range replicates {
		if v != v {
			low[i], high[i] = math.Inf(-1), math.Inf(1)
		}
	}
	slices.Sort(low)
	slices.Sort(high)
	a, b := (1-c.level)/2, (1+c.level)/2
	switch interval {
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
			return 0, 0, fmt.Errorf("%d of %d replicates are below the estimate, which leaves %v without its correction; "+
				"use Percentile: %w", below, len(replicates), interval, ErrDegenerate)
		}
		acceleration := 0.0
		if interval == BCa {
			acceleration = skewness(influence)
		}
		if acceleration != acceleration {
			return 0, 0, fmt.Errorf("the statistic without a unit is infinite, which leaves %v without its acceleration; "+
				"use Percentile: %w", interval, ErrDegenerate)
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
	return 0, 0, fmt.Errorf("%v is not made of replicates of this statistic: %w", interval, tensor.ErrConflict)
}

// influences is the jackknife: how far the statistic without each unit is from their mean, times the units left over
// the units.
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

// normal is the interval value +- z*se.
func (c *config) normal(value, se float64) (lo, hi float64) {
	half := c.z() * se
	return value - half, value + half
}

// z is the two-sided normal quantile of the level.
func (c *config) z() float64 { return distuv.UnitNormal.Quantile((1 + c.level) / 2) }

// warnings are the usual reasons to distrust an interval of n values.
func warnings(interval Interval, n int, equal bool) []error {
	var w []error
	switch {
	case n < 2:
		w = append(w, fmt.Errorf("%d value cannot tell anything of the spread; take 3 or more: %w", n, ErrTooFew))
	case n < fewForBootstrap && interval.Resampled() && interval != Studentized:
		w = append(w, fmt.Errorf("%v intervals of %d values cover less than their level; take %d or use t intervals: %w",
			interval, n, fewForBootstrap, ErrTooFew))
	case n < 3:
		w = append(w, fmt.Errorf("%d values; take 3 or more: %w", n, ErrTooFew))
	}
	if equal && n > 1 {
		w = append(w, fmt.Errorf("all values are equal: %w", ErrDegenerate))
	}
	return w
}

// studentTail is the probability that Student's t exceeds t.
func studentTail(t, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Survival(t)
}

// studentQuantile is the p-quantile of Student's t.
func studentQuantile(p, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
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

func mean(x []float64) float64 {
	m, _ := moments(x)
	return m
}

func equal(x []float64) bool { return slices.Max(x) == slices.Min(x) }
