package stats

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Holm adjusts the P values of several tests so that comparing them with alpha keeps the probability of any false
// rejection below it (Holm 1979). The error wraps [tensor.ErrRange] for a value outside [0, 1].
func Holm(p []float64) ([]float64, error) {
	by, err := sortedP("Holm", p)
	if err != nil {
		return nil, err
	}
	adjusted, most := make([]float64, len(p)), 0.0
	for i, k := range by {
		most = max(most, min(1, float64(len(p)-i)*p[k]))
		adjusted[k] = most
	}
	return adjusted, nil
}

// Hochberg adjusts the P values of several tests by the step-up procedure (Hochberg 1988), which rejects at least as
// much as [Holm] and holds for independent or positively dependent tests; Ankner et al. 2024 use it. The error is that
// of Holm.
func Hochberg(p []float64) ([]float64, error) {
	by, err := sortedP("Hochberg", p)
	if err != nil {
		return nil, err
	}
	adjusted, least := make([]float64, len(p)), 1.0
	for i, k := range slices.Backward(by) {
		least = min(least, float64(len(p)-i)*p[k])
		adjusted[k] = least
	}
	return adjusted, nil
}

// sortedP is the indices of P values in their order.
func sortedP(function string, p []float64) ([]int, error) {
	by := make([]int, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("stats: %s: p[%d] = %v: %w", function, i, v, tensor.ErrRange)
		}
		by[i] = i
	}
	slices.SortStableFunc(by, func(i, j int) int {
		return cmp.Compare(p[i], p[j])
	})
	return by, nil
}
