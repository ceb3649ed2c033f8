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
	return lamp[T]{}
}

type lamp[T tensor.Float] struct{}

// Score implements [Scorer].
func (lamp[T]) Score(dst []T, c *Context[T]) error {
	shares(c, func(i int, v float64) { dst[i] = T(v) })
	return nil
}

func (lamp[T]) wide(dst []float64, c *Context[T]) error {
	shares(c, func(i int, v float64) { dst[i] = v })
	return nil
}

// shares calls set with every element and its square over the sum of those that are not smaller.
func shares[T tensor.Float](c *Context[T], set func(i int, share float64)) {
	w := c.Param.Data
	at := make([]int32, 0, len(w))
	for i := range w {
		if c.Prior == nil || c.Prior.Keep(i) {
			at = append(at, int32(i))
		} else {
			set(i, 0)
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
			set(int(i), 0)
		} else {
			set(int(i), square/sum)
		}
	}
}
