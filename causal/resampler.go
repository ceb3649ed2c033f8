package causal

import (
	"fmt"
	"sort"

	"github.com/espalier-ml/espalier/tensor"
)

// Resampler draws rows with replacement in proportion to weights, instead of weighting the loss: rows that it draws
// have the weight 1 each, and weighting them again would correct twice. It is immutable and safe for concurrent use.
type Resampler struct {
	sums []float64 // of the weights up to and with each row
	seed uint64
}

// NewResampler makes a sampler of rows with the given weights, one for each row and not one for each class, such as
// [Weights.Apply] gives. Errors wrap [tensor.ErrShape], [tensor.ErrNotFinite] and [tensor.ErrRange] (a weight is
// negative, or all are 0).
func NewResampler(rows int, weights []float64, seed uint64) (*Resampler, error) {
	const call = "NewResampler"
	if rows != len(weights) {
		return nil, fmt.Errorf("causal: %s: %d weights for %d rows: %w", call, len(weights), rows, tensor.ErrShape)
	}
	if err := checkWeights(call, "weights", weights); err != nil {
		return nil, err
	}
	r := &Resampler{make([]float64, rows), seed}
	sum := 0.0
	for i, w := range weights {
		sum += w
		r.sums[i] = sum
	}
	if !(sum > 0) {
		return nil, fmt.Errorf("causal: %s: all %d weights are 0: %w", call, rows, tensor.ErrRange)
	}
	return r, nil
}

// Draw writes rows to dst: those of draw number 0, 1, ... of a stream that the key names, such as epoch and batch.
// Equal keys give equal rows.
func (r *Resampler) Draw(dst []int, key ...uint64) {
	rng := tensor.Stream(r.seed, key...)
	for i := range dst {
		dst[i] = r.at(rng.Float64())
	}
}

// at is the row at a share u of all weights, u in [0, 1).
func (r *Resampler) at(u float64) int {
	total := r.sums[len(r.sums)-1]
	x := u * total
	i := sort.Search(len(r.sums), func(i int) bool { return r.sums[i] > x })
	if i == len(r.sums) { // the product was rounded up to the total
		i = sort.SearchFloat64s(r.sums, total)
	}
	return i
}
