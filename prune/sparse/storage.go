package sparse

import (
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Storage is what a matrix in a format of one's own has in common with [Matrix], whose methods say what each is. The
// package prunetest checks implementations.
type Storage[T tensor.Float] interface {
	Kept() int
	Bytes() int
	Mask() *prune.Mask
	Dense() tensor.Matrix[T]
	MulVec(dst, x []T) error
	MulBatch(dst, x tensor.Matrix[T]) error
}
