package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// BCE writes the binary cross-entropy of each logit for labels 0 or 1 to loss, and its derivative with respect to the
// logit, sigmoid(logit) - y, to grad. It is exact for logits of any size. All slices have the same length, and grad may
// be logits itself. Errors wrap [tensor.ErrShape], [ErrLabelRange] and [tensor.ErrNotFinite]; nothing is written then.
func BCE[T tensor.Float](loss []float64, grad, logits []T, y []int) error {
	if len(loss) != len(logits) || len(grad) != len(logits) || len(y) != len(logits) {
		return fmt.Errorf("causal: BCE: %d losses, %d gradients, %d logits and %d labels: %w",
			len(loss), len(grad), len(logits), len(y), tensor.ErrShape)
	}
	for i, label := range y {
		if label != 0 && label != 1 {
			return fmt.Errorf("causal: BCE: y[%d] = %d, want 0 or 1: %w", i, label, ErrLabelRange)
		}
	}
	if err := tensor.ValidateFinite("logits", logits); err != nil {
		return fmt.Errorf("causal: BCE: %w", err)
	}
	for i, v := range logits {
		s := float64(v)
		e := math.Exp(-math.Abs(s))
		loss[i] = max(s, 0) - s*float64(y[i]) + math.Log1p(e)
		p := 1 / (1 + e)
		if s < 0 {
			p = e / (1 + e)
		}
		grad[i] = T(p - float64(y[i]))
	}
	return nil
}

// SoftmaxCE writes the cross-entropy of each row of logits for labels below its columns to loss, and the derivative
// with respect to the logits, softmax(row) - onehot(y), to grad, which has the shape of logits and may be logits
// itself. Errors are those of [BCE].
func SoftmaxCE[T tensor.Float](loss []float64, grad, logits tensor.Matrix[T], y []int) error {
	if err := checkRepresentation("SoftmaxCE", logits); err != nil {
		return err
	}
	if err := grad.Validate(); err != nil {
		return fmt.Errorf("causal: SoftmaxCE: grad: %w", err)
	}
	if len(loss) != logits.Rows || len(y) != logits.Rows || grad.Rows != logits.Rows || grad.Cols != logits.Cols {
		return fmt.Errorf("causal: SoftmaxCE: %d losses, a gradient of %dx%d, logits of %dx%d and %d labels: %w",
			len(loss), grad.Rows, grad.Cols, logits.Rows, logits.Cols, len(y), tensor.ErrShape)
	}
	for i, label := range y {
		if label < 0 || label >= logits.Cols {
			return fmt.Errorf("causal: SoftmaxCE: y[%d] = %d, want 0 to %d: %w", i, label, logits.Cols-1, ErrLabelRange)
		}
	}
	for i, label := range y {
		row := logits.Row(i)
		loss[i] = tensor.LogSumExp(row) - float64(row[label])
		tensor.Softmax(grad.Row(i), row)
		grad.Row(i)[label]--
	}
	return nil
}
