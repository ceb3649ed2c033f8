package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// Share is the share of k successes of n trials with Wilson's score interval, which keeps its level on average and
// stays within 0 and 1 (Wilson 1927). The error wraps [tensor.ErrEmpty] without trials and [tensor.ErrRange] unless 0
// <= k <= n.
func Share(k, n int, opts ...LevelOption) (Estimate, error) {
	c, err := shareOf("Share", k, n, opts)
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Value: float64(k) / float64(n), Level: c.level, Interval: Wilson, N: n}
	z, trials := c.z(), float64(n)
	middle := (e.Value + z*z/(2*trials)) / (1 + z*z/trials)
	half := z / (1 + z*z/trials) * math.Sqrt(e.Value*(1-e.Value)/trials+z*z/(4*trials*trials))
	e.Lo, e.Hi = max(0, middle-half), min(1, middle+half)
	if k == 0 {
		e.Lo = 0
	}
	if k == n {
		e.Hi = 1
	}
	return e, nil
}

// ExactShare is [Share] with the interval of Clopper and Pearson (1934), which covers at least its level for any share,
// and is wider for it.
func ExactShare(k, n int, opts ...LevelOption) (Estimate, error) {
	c, err := shareOf("ExactShare", k, n, opts)
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Value: float64(k) / float64(n), Lo: 0, Hi: 1, Level: c.level, Interval: ClopperPearson, N: n}
	if k > 0 {
		e.Lo = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile((1 - c.level) / 2)
	}
	if k < n {
		e.Hi = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile((1 + c.level) / 2)
	}
	return e, nil
}

func shareOf(function string, k, n int, opts []LevelOption) (config, error) {
	c, err := configure(function, opts)
	switch {
	case err != nil:
	case n < 1:
		err = c.errorf("%d trials: %w", n, tensor.ErrEmpty)
	case k < 0 || k > n:
		err = c.errorf("%d successes of %d trials: %w", k, n, tensor.ErrRange)
	}
	return c, err
}
