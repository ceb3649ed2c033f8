package causaltest

import (
	"github.com/espalier-ml/espalier/internal/option"
)

// PenaltyOption says more about the penalty that [CheckPenalty] checks.
type PenaltyOption func(*config) error

type config struct {
	rows, cols int
	noWeights  bool
	origin     bool
	signed     bool
	aux        bool
	seed       uint64
}

func configure(opts []PenaltyOption) (config, error) {
	c := config{rows: 24, cols: 3}
	err := option.Apply("causaltest: CheckPenalty", &c, opts)
	return c, err
}

// WithShape sets the rows, 8 or more, and columns, 1 or more, of the representations; default 24 by 3.
func WithShape(rows, cols int) PenaltyOption {
	return func(c *config) error {
		c.rows, c.cols = rows, cols
		return option.Range(rows >= 8 && cols >= 1, "WithShape", [2]int{rows, cols}, "8 rows and 1 column or more")
	}
}

// WithoutWeights says that the penalty does not use Batch.W. By default a weight of 2 has to count as the row twice,
// scaling all weights may change nothing, and a row of weight 0 must not count.
func WithoutWeights() PenaltyOption {
	return func(c *config) error {
		c.noWeights = true
		return nil
	}
}

// WithOrigin says that the penalty depends on where the origin is, as one of logits or of a polynomial kernel does. By
// default moving all rows may change nothing.
func WithOrigin() PenaltyOption {
	return func(c *config) error {
		c.origin = true
		return nil
	}
}

// WithSignedValue says that the value may be below 0, as that of an estimator without bias. By default it may not, and
// groups with the same rows have the value 0. Weights of such an estimator are not counts, so that a row of weight 2
// need not count as the row twice.
func WithSignedValue() PenaltyOption {
	return func(c *config) error {
		c.signed = true
		return nil
	}
}

// WithAux gives the batches continuous labels too, in Batch.Aux, and no groups in Batch.V.
func WithAux() PenaltyOption {
	return func(c *config) error {
		c.aux = true
		return nil
	}
}

// WithSeed sets the seed of the representations and labels; default 0.
func WithSeed(seed uint64) PenaltyOption {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}
