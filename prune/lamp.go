package prune

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// LAMP scores w_u² over the sum of w_v² of all weights v of the tensor that are not smaller (Lee et al. 2021).
// Use it under the [Global] scope, where it chooses the layers' sparsities: the largest weight of every layer scores
// exactly 1, so that no layer loses all of its weights before every layer has but one.
func LAMP[T tensor.Float]() Scorer[T] {
	return ScorerFunc[T](func(dst []T, c *Context[T]) error {
		w := c.Param.Data
		at := make([]int32, 0, len(w))
		for i := range w {
			if c.Prior == nil || c.Prior.Keep(i) {
				at = append(at, int32(i))
			} else {
				dst[i] = 0
			}
		}
		slices.SortFunc(at, func(a, b int32) int { // the largest first; of equal ones the lower index
			x, y := math.Abs(float64(w[a])), math.Abs(float64(w[b]))
			switch {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return int(a) - int(b)
		})
		sum := 0.0
		for _, i := range at {
			square := float64(w[i]) * float64(w[i])
			if sum += square; sum == 0 {
				dst[i] = 0
			} else {
				dst[i] = T(square / sum)
			}
		}
		return nil
	})
}
