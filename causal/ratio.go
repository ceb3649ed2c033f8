package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// RatioWeights is importance weights of rows from a classifier that tells rows from rows whose auxiliary labels were
// permuted, for labels that are continuous or many: permutation weighting (Arbour, Dimmery and Sondhi 2021). p[i] is
// its probability, from folds that row i was not in, that row i is a permuted one, and ratio the number of original
// over that of permuted rows it was trained with. The weight is p/(1-p) times ratio. Weights above most are cut there
// and counted; most +Inf cuts none, and then a p of 1 is an error that wraps [tensor.ErrRange], as is a p outside [0,
// 1].
func RatioWeights(p []float64, ratio, most float64) (weights []float64, cut int, err error) {
	if !(ratio > 0) || !(most > 0) {
		return nil, 0, fmt.Errorf("causal: RatioWeights: ratio %v and most %v, want numbers above 0: %w",
			ratio, most, tensor.ErrRange)
	}
	weights = make([]float64, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, 0, fmt.Errorf("causal: RatioWeights: p[%d] = %v, want a probability: %w", i, v, tensor.ErrRange)
		}
		w := v / (1 - v) * ratio
		if w > most {
			w = most
			cut++
		}
		if w-w != 0 {
			return nil, 0, fmt.Errorf("causal: RatioWeights: p[%d] = %v has an infinite weight; set most: %w",
				i, v, tensor.ErrRange)
		}
		weights[i] = w
	}
	return weights, cut, nil
}
