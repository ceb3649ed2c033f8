package tensor

// ReLU writes max(x, 0) to dst; NaN stays NaN. dst may be x. It panics like [Add].
func ReLU[T Float](dst, x []T) {
	sameLength("ReLU", len(dst), len(x))
	noPartialOverlap("ReLU", dst, x)
	for i, v := range x {
		dst[i] = max(v, 0)
	}
}

// ReLUGrad writes dy where y > 0 and 0 elsewhere to dx; y may be the input or the output of [ReLU] and
// dx may be dy. It panics like [Add].
func ReLUGrad[T Float](dx, dy, y []T) {
	binary("ReLUGrad", dx, dy, y)
	for i, g := range dy {
		if !(y[i] > 0) {
			g = 0
		}
		dx[i] = g
	}
}
