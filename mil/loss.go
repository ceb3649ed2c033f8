package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// BCE is the binary cross-entropy of bags, in nats. Its zero value weighs all alike.
type BCE[T tensor.Float] struct {
	// PosWeight is what a positive bag counts, above 0; 0 stands for 1.
	PosWeight float64
}

// Eval is the mean loss over the logits of bags and, unless grad is nil, its gradient, which overwrites grad. weights
// are one for each bag, 0 or more, or nil: the mean is then weighted, sum w l / sum w. PosWeight does not count in the
// denominator, as in torch. Errors wrap [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] and
// [tensor.ErrRange]; grad is unchanged then.
func (l BCE[T]) Eval(grad, logits []T, positive []bool, weights []float64) (float64, error) {
	const call = "mil: BCE.Eval"
	total, err := l.check(call, "logits", grad, logits, positive, weights)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, v := range logits {
		z, w := float64(v), weightOf(weights, i)/total
		if positive[i] {
			w *= l.posWeight()
			sum += w * softplus(-z)
			set(grad, i, -w*sigmoid(-z))
		} else {
			sum += w * softplus(z)
			set(grad, i, w*sigmoid(z))
		}
	}
	return sum, nil
}

// least is how near to 0 and 1 a probability counts in a loss.
const least = 1e-6

// EvalProbabilities is Eval of probabilities, for poolers whose results have no logits: a mean of probabilities, or
// that of the largest. They count as no nearer to 0 and 1 than 1e-6, so that the gradient stays finite.
func (l BCE[T]) EvalProbabilities(grad, p []T, positive []bool, weights []float64) (float64, error) {
	const call = "mil: BCE.EvalProbabilities"
	total, err := l.check(call, "p", grad, p, positive, weights)
	if err != nil {
		return 0, err
	}
	for i, v := range p {
		if v < 0 || v > 1 {
			return 0, fmt.Errorf("%s: p[%d] is %v, want a probability: %w", call, i, v, tensor.ErrRange)
		}
	}
	sum := 0.0
	for i, v := range p {
		q, w := min(max(float64(v), least), 1-least), weightOf(weights, i)/total
		if positive[i] {
			w *= l.posWeight()
			sum -= w * math.Log(q)
			set(grad, i, -w/q)
		} else {
			sum -= w * math.Log1p(-q)
			set(grad, i, w/(1-q))
		}
	}
	return sum, nil
}

func (l BCE[T]) posWeight() float64 {
	if l.PosWeight == 0 {
		return 1
	}
	return l.PosWeight
}

func (l BCE[T]) check(call, name string, grad, x []T, positive []bool, weights []float64) (float64, error) {
	if l.PosWeight != 0 && !(l.PosWeight > 0 && !math.IsInf(l.PosWeight, 1)) {
		return 0, fmt.Errorf("%s: PosWeight is %v, want a finite number above 0: %w", call, l.PosWeight, tensor.ErrRange)
	}
	return checkLoss(call, name, grad, x, len(positive), weights)
}

// checkLoss is the sum of the weights of a loss with as many labels.
func checkLoss[T tensor.Float](call, name string, grad, x []T, labels int, weights []float64) (float64, error) {
	switch {
	case len(x) == 0:
		return 0, fmt.Errorf("%s: no bags: %w", call, tensor.ErrEmpty)
	case labels != len(x):
		return 0, fmt.Errorf("%s: %d labels for %d %s: %w", call, labels, len(x), name, tensor.ErrShape)
	case grad != nil && len(grad) != len(x):
		return 0, fmt.Errorf("%s: grad has %d elements, want %d: %w", call, len(grad), len(x), tensor.ErrShape)
	case weights != nil && len(weights) != len(x):
		return 0, fmt.Errorf("%s: %d weights for %d %s: %w", call, len(weights), len(x), name, tensor.ErrShape)
	}
	if err := tensor.ValidateFinite(name, x); err != nil {
		return 0, fmt.Errorf("%s: %w", call, err)
	}
	if weights == nil {
		return float64(len(x)), nil
	}
	total := 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return 0, fmt.Errorf("%s: weights[%d] is %v, want a finite number of 0 or more: %w", call, i, w, tensor.ErrRange)
		}
		total += w
	}
	if total == 0 {
		return 0, fmt.Errorf("%s: all weights are 0: %w", call, tensor.ErrEmpty)
	}
	return total, nil
}

func weightOf(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

func set[T tensor.Float](grad []T, i int, v float64) {
	if grad != nil {
		grad[i] = T(v)
	}
}

// Focal is the focal loss of Lin et al. 2017, which counts bags less the better they are told:
// -alpha (1-p)^gamma log p of positive ones, and the same of the others with 1-alpha and 1-p.
type Focal[T tensor.Float] struct {
	Gamma float64 // 0 or more; 2 in the paper
	Alpha float64 // in (0, 1); 0.25 in the paper
}

// Eval is the mean loss; arguments and errors are those of [BCE.Eval].
func (l Focal[T]) Eval(grad, logits []T, positive []bool, weights []float64) (float64, error) {
	const call = "mil: Focal.Eval"
	if !(l.Gamma >= 0) || math.IsInf(l.Gamma, 1) || !(l.Alpha > 0 && l.Alpha < 1) {
		return 0, fmt.Errorf("%s: gamma %v and alpha %v, want 0 or more and a share in (0, 1): %w", call, l.Gamma, l.Alpha,
			tensor.ErrRange)
	}
	total, err := checkLoss(call, "logits", grad, logits, len(positive), weights)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, v := range logits {
		z, w, sign := float64(v), weightOf(weights, i)/total*(1-l.Alpha), -1.0
		if positive[i] {
			w, sign = weightOf(weights, i)/total*l.Alpha, 1
		}
		miss, nll := sigmoid(-sign*z), softplus(-sign*z)
		power := math.Pow(miss, l.Gamma)
		sum += w * power * nll
		set(grad, i, -sign*w*power*(l.Gamma*(1-miss)*nll+miss))
	}
	return sum, nil
}
