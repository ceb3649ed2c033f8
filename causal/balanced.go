package causal

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// BalancedSubset draws, without replacement, as many rows of each combination of labels as the rarest has, and at most
// perCell: what deep feature reweighting refits the last layer on (Kirichenko et al. 2023). The rows are in increasing
// order; those with [Unknown] labels are left out. The error wraps [ErrNoOverlap] if a combination of the labels that
// there are has no row.
func BalancedSubset(y, v []int, perCell int, seed uint64) ([]int, error) {
	const call = "BalancedSubset"
	if perCell < 1 {
		return nil, fmt.Errorf("causal: %s: perCell is %d, want 1 or more: %w", call, perCell, tensor.ErrRange)
	}
	w, err := FitWeights(y, v, WithTarget(GroupBalanced()), WithUnknownRows())
	if err != nil {
		return nil, err
	}
	cells := make([][]int, len(w.weight))
	for i := range y {
		if v[i] != Unknown {
			at := w.at(y[i], v[i])
			cells[at] = append(cells[at], i)
		}
	}
	n := perCell
	for _, own := range cells {
		n = min(n, len(own))
	}
	var rows []int
	for at, own := range cells {
		rng := tensor.Stream(seed, uint64(at))
		rng.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
		rows = append(rows, own[:n]...)
	}
	slices.Sort(rows)
	return rows, nil
}
