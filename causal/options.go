package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
)

// Option is a choice of [NewMMD]: a [PenaltyOption] or a [ContrastOption].
type Option = func(*config) error

// PenaltyOption is a choice of every penalty of a kernel.
type PenaltyOption func(*config) error

// ContrastOption is a choice of [NewMMD] alone.
type ContrastOption func(*config) error

type config struct {
	kernel      Kernel
	weights     *Weights
	unknown     bool
	conditional ClassWeighting
	contrast    Contrast
	estimator   Estimator
	workers     int
}

func configure[O ~func(*config) error](call string, opts []O) (config, error) {
	var c config
	err := option.Apply("causal: "+call, &c, opts)
	return c, err
}

// least is how many rows a group needs to count.
func (c *config) least() int {
	if c.estimator == UStatistic {
		return 2
	}
	return 1
}

// WithKernel sets the kernel of the representation; default [MedianRBF].
func WithKernel(k Kernel) PenaltyOption {
	return func(c *config) error {
		if err := k.Validate(); err != nil {
			return fmt.Errorf("WithKernel: %w", err)
		}
		c.kernel = k
		return nil
	}
}

// WithWeights weights each row by the table's entry for its labels; default none.
func WithWeights(w *Weights) PenaltyOption {
	return func(c *config) error {
		c.weights = w
		return option.Nil(w != nil, "WithWeights")
	}
}

// WithUnknown lets rows have the auxiliary label [Unknown]. They take no part in a penalty. By default they are an
// error.
func WithUnknown() PenaltyOption {
	return func(c *config) error {
		c.unknown = true
		return nil
	}
}

// WithConditional compares within each class of Y, which count as given, and adds up; default is one comparison of all
// rows. Weights that depend on the two labels alone change nothing within a class.
func WithConditional(w ClassWeighting) PenaltyOption {
	return func(c *config) error {
		if w == marginal {
			return fmt.Errorf("WithConditional: %w", classWeightings.Check(w))
		}
		c.conditional = w
		return classWeightings.Check(w)
	}
}

// WithEstimator sets how pairs of a row with itself count; default [VStatistic].
func WithEstimator(e Estimator) PenaltyOption {
	return func(c *config) error {
		c.estimator = e
		return estimators.Check(e)
	}
}

// WithWorkers sets the goroutines of an evaluation, which has the same bits for any number; default 0, GOMAXPROCS.
func WithWorkers(n int) PenaltyOption {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}

// WithContrast sets how more than two groups are compared; default [PairwiseMean].
func WithContrast(k Contrast) ContrastOption {
	return func(c *config) error {
		c.contrast = k
		return contrasts.Check(k)
	}
}

var (
	contrasts       = enum.Of[Contrast]("contrast", "pairwise mean", "between", "delta")
	estimators      = enum.Of[Estimator]("estimator", "V-statistic", "U-statistic")
	classWeightings = enum.Of[ClassWeighting]("class weighting", "", "prior", "uniform", "total")
)

// String is the contrast's name.
func (k Contrast) String() string { return contrasts.String(k) }

// MarshalText writes the name.
func (k Contrast) MarshalText() ([]byte, error) { return contrasts.Marshal(k) }

// UnmarshalText reads a name.
func (k *Contrast) UnmarshalText(text []byte) error { return contrasts.Unmarshal(k, text) }

// String is the estimator's name.
func (e Estimator) String() string { return estimators.String(e) }

// MarshalText writes the name.
func (e Estimator) MarshalText() ([]byte, error) { return estimators.Marshal(e) }

// UnmarshalText reads a name.
func (e *Estimator) UnmarshalText(text []byte) error { return estimators.Unmarshal(e, text) }

// String is the weighting's name.
func (w ClassWeighting) String() string { return classWeightings.String(w) }

// MarshalText writes the name.
func (w ClassWeighting) MarshalText() ([]byte, error) { return classWeightings.Marshal(w) }

// UnmarshalText reads a name.
func (w *ClassWeighting) UnmarshalText(text []byte) error { return classWeightings.Unmarshal(w, text) }
