package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// CrossEntropy is [tensor.SoftmaxCrossEntropy] with memory for the gradient, weights of classes and a choice of what
// the sum over rows is divided by, as torch's CrossEntropyLoss has them.
type CrossEntropy[T tensor.Float] struct {
	Smoothing float64   // label smoothing in [0, 1): the target is 1-s for the label plus s/classes for every class
	Weights   []float64 // of each class, >= 0; nil means 1 for all

	// Divisor is what the sum over rows is divided by; 0 means [CrossEntropy.Count] of the labels, which makes a weighted
	// mean, and 1 a sum. Micro-batches whose gradients are added up give those of the whole batch if it is the Count of
	// the whole batch's labels.
	Divisor float64

	grad buffer[T]
}

// Count is the number of labels that are not negative or, with weights, the sum of the weights of their classes. Labels
// of no class count nothing.
func (c *CrossEntropy[T]) Count(labels []int) float64 {
	n := 0.0
	for _, label := range labels {
		switch {
		case label < 0:
		case c.Weights == nil:
			n++
		case label < len(c.Weights):
			n += c.Weights[label]
		}
	}
	return n
}

// Eval returns the loss in nats over the rows of logits, whose last axis is the class, and its gradient, valid until
// the next Eval. Rows with a negative label are ignored. Errors wrap tensor.ErrShape, tensor.ErrRange (a label,
// the smoothing, a weight, the divisor), tensor.ErrNotFinite (a logit) and tensor.ErrEmpty (no row counts, unless there
// is a Divisor).
func (c *CrossEntropy[T]) Eval(logits tensor.Dense[T], labels []int) (loss float64, grad tensor.Dense[T], err error) {
	if err := checkLoss("CrossEntropy", logits, len(logits.Data)); err != nil {
		return 0, grad, err
	}
	z := logits.Matrix(len(logits.Shape) - 1)
	if err := c.check(z.Cols); err != nil {
		return 0, grad, fmt.Errorf("nn: CrossEntropy: %w", err)
	}
	count := c.Count(labels)
	g := c.grad.shaped(logits.Shape)
	if count == 0 && c.Divisor > 0 && len(labels) == z.Rows && slices.Max(labels) < z.Cols {
		clear(g.Data)
		return 0, g, nil
	}
	m := tensor.Of(z.Rows, z.Cols, g.Data)
	if c.Weights != nil {
		loss, err = c.weighted(m, z, labels)
	} else if loss, err = tensor.SoftmaxCrossEntropy(m, z, labels, c.Smoothing); err == nil && c.Divisor > 0 {
		loss *= count / c.Divisor
		tensor.Scale(g.Data, T(count/c.Divisor), g.Data)
	}
	if err != nil {
		return 0, grad, fmt.Errorf("nn: CrossEntropy: %w", err)
	}
	return loss, g, nil
}

func (c *CrossEntropy[T]) check(classes int) error {
	if c.Weights != nil && len(c.Weights) != classes {
		return fmt.Errorf("%d weights for %d classes: %w", len(c.Weights), classes, tensor.ErrShape)
	}
	for i, w := range c.Weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return fmt.Errorf("weights[%d] is %v: want 0 or more: %w", i, w, tensor.ErrRange)
		}
	}
	if !(c.Divisor >= 0) || math.IsInf(c.Divisor, 1) {
		return fmt.Errorf("divisor is %v: want 0 or more: %w", c.Divisor, tensor.ErrRange)
	}
	return nil
}

// weighted is the loss of classes with weights w: the label counts (1-s)*w of its class, and every class s/classes
// times its own.
func (c *CrossEntropy[T]) weighted(grad, z tensor.Matrix[T], labels []int) (loss float64, err error) {
	if _, err := tensor.SoftmaxCrossEntropy(tensor.Matrix[T]{}, z, labels, c.Smoothing); err != nil {
		return 0, err
	}
	divisor := c.Divisor
	if divisor == 0 {
		if divisor = c.Count(labels); divisor == 0 {
			return 0, fmt.Errorf("the classes of all labels weigh 0: %w", tensor.ErrEmpty)
		}
	}
	share, total := c.Smoothing/float64(z.Cols), 0.0
	for _, w := range c.Weights {
		total += w
	}
	for i, label := range labels {
		row, g := z.Row(i), grad.Row(i)
		if label < 0 {
			clear(g)
			continue
		}
		own := (1 - c.Smoothing) * c.Weights[label]
		lse := tensor.LogSumExp(row)
		loss += own * (lse - float64(row[label]))
		tensor.Softmax(g, row)
		for j, p := range g {
			w := share * c.Weights[j]
			if w > 0 {
				loss += w * (lse - float64(row[j]))
			}
			d := float64(p)*(own+share*total) - w
			if j == label {
				d -= own
			}
			g[j] = T(d / divisor)
		}
	}
	return loss / divisor, nil
}

// BCEWithLogits is binary cross-entropy on logits. It keeps the gradient's memory.
type BCEWithLogits[T tensor.Float] struct{ grad buffer[T] }

// Eval returns the mean over all elements of weights * (-y log σ(z) - (1-y) log(1-σ(z))) and its gradient with
// respect to the logits z, valid until the next Eval. Targets y are in [0, 1]; nil weights are 1. The mean divides by
// the number of elements, not by the sum of the weights, as torch does. Errors wrap tensor.ErrEmpty,
// tensor.ErrShape, tensor.ErrRange (a target) and tensor.ErrNotFinite (the loss, with the element that made it so).
func (b *BCEWithLogits[T]) Eval(logits tensor.Dense[T], targets, weights []T) (loss float64, grad tensor.Dense[T],
	err error) {
	n := len(logits.Data)
	if err := checkLoss("BCEWithLogits", logits, len(targets)); err != nil {
		return 0, grad, err
	}
	if weights != nil && len(weights) != n {
		return 0, grad, fmt.Errorf("nn: BCEWithLogits: %d weights for %d logits: %w", len(weights), n, tensor.ErrShape)
	}
	for i, y := range targets {
		if !(y >= 0 && y <= 1) {
			return 0, grad, fmt.Errorf("nn: BCEWithLogits: targets[%d] = %v is not in [0, 1]: %w", i, y, tensor.ErrRange)
		}
	}
	grad = b.grad.shaped(logits.Shape)
	for i, v := range logits.Data {
		z, y, w := float64(v), float64(targets[i]), 1.0
		if weights != nil {
			w = float64(weights[i])
		}
		e := math.Exp(-math.Abs(z)) // never overflows
		loss += w * (max(z, 0) - z*y + math.Log1p(e))
		sigmoid := 1 / (1 + e)
		if z < 0 {
			sigmoid = e / (1 + e)
		}
		grad.Data[i] = T(w * (sigmoid - y) / float64(n))
	}
	if err := checkFinite("BCEWithLogits", loss, "logits", logits.Data, "weights", weights); err != nil {
		return 0, tensor.Dense[T]{}, err
	}
	return loss / float64(n), grad, nil
}

// MSE is the mean squared error. It keeps the gradient's memory.
type MSE[T tensor.Float] struct{ grad buffer[T] }

// Eval returns the mean over all elements of (pred-target)² and its gradient with respect to pred, valid until the
// next Eval. Errors wrap tensor.ErrEmpty, tensor.ErrShape and tensor.ErrNotFinite (the loss, with the element that
// made it so).
func (m *MSE[T]) Eval(pred tensor.Dense[T], target []T) (loss float64, grad tensor.Dense[T], err error) {
	if err := checkLoss("MSE", pred, len(target)); err != nil {
		return 0, grad, err
	}
	grad = m.grad.shaped(pred.Shape)
	n := float64(len(target))
	for i, p := range pred.Data {
		d := float64(p) - float64(target[i])
		loss += d * d
		grad.Data[i] = T(2 * d / n)
	}
	if err := checkFinite("MSE", loss, "pred", pred.Data, "target", target); err != nil {
		return 0, tensor.Dense[T]{}, err
	}
	return loss / n, grad, nil
}

func checkLoss[T tensor.Float](loss string, x tensor.Dense[T], targets int) error {
	if err := x.Validate(); err != nil {
		return fmt.Errorf("nn: %s: %w", loss, err)
	}
	if len(x.Data) == 0 || len(x.Shape) == 0 {
		return fmt.Errorf("nn: %s: %w", loss, tensor.ErrEmpty)
	}
	if len(x.Data) != targets {
		return fmt.Errorf("nn: %s: %d targets for an input of shape %v: %w",
			loss, targets, append([]int(nil), x.Shape...), tensor.ErrShape)
	}
	return nil
}

// checkFinite returns an error if the loss is not finite and names the element of one of its two inputs that is to
// blame.
func checkFinite[T tensor.Float](name string, loss float64, nameX string, x []T, nameY string, y []T) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	err := errors.Join(tensor.ValidateFinite(nameX, x), tensor.ValidateFinite(nameY, y))
	if err == nil { // finite inputs overflowed
		err = tensor.ErrNotFinite
	}
	return fmt.Errorf("nn: %s: the loss is %v: %w", name, loss, err)
}
