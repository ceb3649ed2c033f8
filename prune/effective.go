package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// EffectiveKept counts the kept scalars that still matter: weights on some path of kept weights from an input to an
// output, biases and parameters of norms of the neurons on such a path, and biases of the outputs. The others could be
// removed with the same result: a neuron all of whose outputs are pruned, or one without inputs, which is a constant
// that the next biases can take in. The effective compression is the size of the model over this number (Vysogorets
// and Kempe 2023, JMLR 24); it is at least [Stats.Compression].
//
// backward runs the model as for [NewSynFlow]: on one input of ones, in evaluation mode, and back with a gradient of
// ones. It sees positive kept weights and biases of zero; values and gradients are restored. Activations must pass
// positive numbers on, as rectifiers do. Max pooling passes on one of several, so that a model with it is
// undercounted unless backward takes the average instead. Errors are those of NewSynFlow and [ApplyMasks], backward's
// own, and [tensor.ErrNotFinite] where the numbers of a very deep model leave their range.
func EffectiveKept[T tensor.Float](params []*tensor.Param[T], masks *Masks, backward func() error) (int, error) {
	n, err := effectiveKept(params, masks, backward)
	if err != nil {
		return 0, fmt.Errorf("prune: EffectiveKept: %w", err)
	}
	return n, nil
}

func effectiveKept[T tensor.Float](params []*tensor.Param[T], masks *Masks, backward func() error) (int, error) {
	if _, err := NewSynFlow(params, backward); err != nil {
		return 0, err
	}
	stats, err := StatsOf(params, masks, nil)
	if err != nil {
		return 0, err
	}
	// Sums of n of these are between 1/sqrt(n) and sqrt(n), which keeps deep models within the range of numbers.
	value := func(k int, w T) T {
		switch l := stats.Layers[k]; l.Role {
		case Weight:
			return T(1 / math.Sqrt(float64(max(1, l.Size/l.Shape[l.Out]))))
		case Bias:
			return 0
		}
		return max(w, -w)
	}
	n := 0
	err = flow(params, masks, backward, value, func(p *tensor.Param[T]) {
		mask := masks.get(p.Name)
		for i, g := range p.Grad {
			if g-g != 0 {
				n = -1
			}
			if n >= 0 && g != 0 && (mask == nil || mask.Keep(i)) {
				n++
			}
		}
	})
	if n < 0 {
		return 0, fmt.Errorf("gradients: %w", tensor.ErrNotFinite)
	}
	return n, err
}
