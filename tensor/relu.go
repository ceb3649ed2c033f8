package tensor

import "github.com/espalier-ml/espalier/tensor/internal/kernel"

// ReLU writes max(x, 0) to dst; NaN stays NaN. dst may be x. It panics like [Add].
func ReLU[T Float](dst, x []T) {
	sameLength("ReLU", len(dst), len(x))
	noPartialOverlap("ReLU", dst, x)
	kernel.ReLU(dst, x)
}

// ReLUGrad writes dy where y > 0 and 0 elsewhere to dx; y may be the input or the output of [ReLU] and
// dx may be dy. It panics like [Add].
func ReLUGrad[T Float](dx, dy, y []T) {
	binary("ReLUGrad", dx, dy, y)
	kernel.ReLUGrad(dx, dy, y)
}
