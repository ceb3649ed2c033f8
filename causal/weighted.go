package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Normalizer is what a weighted sum of losses is divided by.
type Normalizer uint8

// The normalizers. Over batches of b rows:
const (
	// ByWeights divides by the sum of the weights in the batch. The value keeps its scale, but the smaller the batch, the
	// less weights can do: alone in its batch a row counts 1 whatever its weight. It is the paper's.
	ByWeights Normalizer = iota
	// ByRows divides by b, times the mean weight of all rows that [WithMeanWeight] tells, 1 for weights of a table. Its
	// mean over batches is that of all rows for batches of any size, with more noise.
	ByRows
	// BySum does not divide. Accumulate with it over micro-batches and workers: add up values, gradients and [WeightSum],
	// and divide by the sum of the weights once, before the optimizer's step.
	BySum
)

var normalizers = enum.Of[Normalizer]("normalizer", "by weights", "by rows", "by sum")

// String is the normalizer's name.
func (n Normalizer) String() string { return normalizers.String(n) }

// MarshalText writes the name.
func (n Normalizer) MarshalText() ([]byte, error) { return normalizers.Marshal(n) }

// UnmarshalText reads a name.
func (n *Normalizer) UnmarshalText(text []byte) error { return normalizers.Unmarshal(n, text) }

// Weighted is the mean of the losses, a [Risk]: weighted by Batch.W, and by a table of weights if one is given. Its
// zero value takes the weights of the batch, normalised by their sum. It is immutable and safe for concurrent use.
type Weighted struct {
	config weightedConfig
}

// WeightedOption is a choice of [NewWeighted].
type WeightedOption func(*weightedConfig) error

type weightedConfig struct {
	normalizer Normalizer
	mean       float64
	given      bool // mean
	weights    *Weights
}

// WithNormalizer sets what the weighted sum is divided by; default [ByWeights].
func WithNormalizer(n Normalizer) WeightedOption {
	return func(c *weightedConfig) error {
		c.normalizer = n
		return normalizers.Check(n)
	}
}

// WithMeanWeight tells [ByRows] the mean weight of all rows; default 1, what weights of a table have. It goes with
// ByRows alone.
func WithMeanWeight(mean float64) WeightedOption {
	return func(c *weightedConfig) error {
		c.mean, c.given = mean, true
		return option.Range(mean > 0 && !math.IsInf(mean, 1), "WithMeanWeight", mean, "a finite number above 0")
	}
}

// WithTable weights each loss by the table's entry for the labels of its row; default none.
func WithTable(w *Weights) WeightedOption {
	return func(c *weightedConfig) error {
		c.weights = w
		return option.Nil(w != nil, "WithTable")
	}
}

// NewWeighted makes a weighted mean. Options are [WithTable], [WithNormalizer] and [WithMeanWeight].
func NewWeighted(opts ...WeightedOption) (Weighted, error) {
	c := weightedConfig{mean: 1}
	err := option.Apply("causal: NewWeighted", &c, opts)
	if err == nil && c.given && c.normalizer != ByRows {
		err = fmt.Errorf("causal: NewWeighted: %w", option.Conflict("WithMeanWeight beside WithNormalizer(%v)", c.normalizer))
	}
	return Weighted{c}, err
}

// Combine is described at [Risk]. The error wraps [tensor.ErrRange] if all weights are 0.
func (r Weighted) Combine(loss []float64, b Batch, coef []float64) (float64, error) {
	const call = "Weighted.Combine"
	if err := checkRisk(call, loss, b, coef); err != nil {
		return 0, err
	}
	for i := range coef {
		coef[i] = 1
	}
	if t := r.config.weights; t != nil {
		if len(b.Y) != len(loss) || len(b.V) != len(loss) {
			return 0, fmt.Errorf("causal: %s: weights of a table need Y and V in the batch: %w", call, tensor.ErrShape)
		}
		if err := t.apply(call, coef, b.Y, b.V, true); err != nil {
			return 0, err
		}
	}
	total := 0.0
	for i := range coef {
		if b.W != nil {
			coef[i] *= b.W[i]
		}
		total += coef[i]
	}
	switch r.config.normalizer {
	case ByRows:
		total = float64(len(loss)) * r.config.mean
	case BySum:
		total = 1
	}
	if total == 0 {
		return 0, fmt.Errorf("causal: %s: all weights are 0: %w", call, tensor.ErrRange)
	}
	value := 0.0
	for i, l := range loss {
		coef[i] /= total
		value += float64(coef[i] * l)
	}
	return value, nil
}

// WeightSum is the sum of the weights that Combine gives the rows of a batch: what values and gradients that were
// accumulated with [BySum] are to be divided by, summed over all batches and workers. Errors are those of Combine.
func (r Weighted) WeightSum(b Batch) (float64, error) {
	rows := max(len(b.Y), len(b.V), len(b.W))
	loss, coef := make([]float64, rows), make([]float64, rows)
	r.config.normalizer = BySum
	if _, err := r.Combine(loss, b, coef); err != nil {
		return 0, err
	}
	total := 0.0
	for _, w := range coef {
		total += w
	}
	return total, nil
}
