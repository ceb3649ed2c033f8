package nn

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// ClipNorm scales the gradients of all parameters together so that their global Euclidean norm is at most limit, and
// returns the norm they had: torch's clip_grad_norm_ without its 1e-6. Call it between Backward and the optimizer's
// step. Tied parameters count once. The error wraps tensor.ErrRange unless limit > 0, tensor.ErrNotFinite if a
// gradient is not finite, and is that of the optimizers for parameters; nothing is changed then.
func ClipNorm[T tensor.Float](params []*tensor.Param[T], limit float64) (norm float64, err error) {
	if !(limit > 0) {
		return 0, fmt.Errorf("nn: ClipNorm(%v): want > 0: %w", limit, tensor.ErrRange)
	}
	own, err := gradients(params)
	if err != nil {
		return 0, err
	}
	for _, g := range own {
		norm = math.Hypot(norm, rootMeanSquare(g)*math.Sqrt(float64(len(g))))
	}
	if norm > limit {
		for _, g := range own {
			tensor.Scale(g, T(limit/norm), g)
		}
	}
	return norm, nil
}

// ClipValue limits every gradient to [-limit, limit]: torch's clip_grad_value_. Errors are those of [ClipNorm].
func ClipValue[T tensor.Float](params []*tensor.Param[T], limit float64) error {
	if !(limit > 0) {
		return fmt.Errorf("nn: ClipValue(%v): want > 0: %w", limit, tensor.ErrRange)
	}
	own, err := gradients(params)
	if err != nil {
		return err
	}
	for _, g := range own {
		for i, v := range g {
			g[i] = max(T(-limit), min(v, T(limit)))
		}
	}
	return nil
}

// gradients lists each gradient once.
func gradients[T tensor.Float](params []*tensor.Param[T]) (own [][]T, err error) {
	if err := validateParams(params); err != nil {
		return nil, err
	}
	var t ties[T]
	if err := t.find(params); err != nil {
		return nil, err
	}
	for i, p := range params {
		if t.first[i] == i && len(p.Grad) > 0 {
			own = append(own, p.Grad)
		}
	}
	return own, nil
}
