package mil

import (
	"github.com/espalier-ml/espalier/tensor"
)

// sorter finds the largest elements of a column.
type sorter[T tensor.Float] struct {
	keys []T
}

// top is the sum of the k largest elements of x, which it reorders, the smallest of them, and how many of those that
// are equal to it belong to them.
func (s *sorter[T]) top(x []T, k int) (sum float64, least T, ties int) {
	least = tensor.Select(x, len(x)-k)
	for _, v := range x[len(x)-k:] {
		sum += float64(v)
		if v == least {
			ties++
		}
	}
	return sum, least, ties
}
