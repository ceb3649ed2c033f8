package prune

import (
	"slices"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/tensor"
)

func Bernoulli(m *Mask, density float64, draw func() float64)        { bernoulli(m, density, draw) }
func Outside[T tensor.Float](m *Mask, x []T, t float64, workers int) { outside(m, x, t, workers) }
func Amount[T tensor.Float](p *Pruner[T]) float64                    { return p.pick.target }
func Apportion(params []Info, sparsities []float64, keep int) []int {
	return apportion(params, sparsities, keep)
}
func Seal(b []byte) []byte                                               { return blob.Seal(slices.Clone(b)) }
func Move[T tensor.Float](old *Mask, w, g []T, f float64) (*Mask, []int) { return move(old, w, g, f) }
