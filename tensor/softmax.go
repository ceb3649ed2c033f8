package tensor

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// Softmax sets dst[i] = exp(src[i]) / sum_j exp(src[j]), computed from the maximum down so that no
// finite input overflows. Entries of -Inf get 0; if all are -Inf, or one is +Inf or NaN, the result is NaN.
// dst and src have the same length and are either the same slice or disjoint.
func Softmax[T Float](dst, src []T) {
	sameLength("Softmax", len(dst), len(src))
	if len(src) == 0 {
		return
	}
	noPartialOverlap("Softmax", dst, src)
	kernel.ScaleTo(dst, T(1/kernel.ExpSum(dst, src, kernel.Max(src))), dst)
}

// SoftmaxRows applies [Softmax] to every row of src. dst has its shape and is either the same view or
// shares no memory with it.
func SoftmaxRows[T Float](dst, src Matrix[T]) {
	sameShape("SoftmaxRows", "dst", dst, "src", src)
	for i := range src.Rows {
		Softmax(dst.Row(i), src.Row(i))
	}
}

// SoftmaxGradRows takes the gradient dy with respect to y = softmax(x), row by row, back to x:
// dst = y * (dy - <y, dy>). dst may be dy or y itself.
func SoftmaxGradRows[T Float](dst, y, dy Matrix[T]) {
	sameShape("SoftmaxGradRows", "dst", dst, "y", y)
	sameShape("SoftmaxGradRows", "dy", dy, "y", y)
	for i := range y.Rows {
		d, p, g := dst.Row(i), y.Row(i), dy.Row(i)
		inner := Dot(p, g)
		for j := range d {
			d[j] = p[j] * (g[j] - inner)
		}
	}
}

// LogSumExp returns log sum_i exp(x[i]) without overflow: -Inf for an empty slice, +Inf if an entry is.
func LogSumExp[T Float](x []T) float64 {
	if len(x) == 0 {
		return math.Inf(-1)
	}
	top := kernel.Max(x)
	if math.IsInf(float64(top), 0) {
		return float64(top)
	}
	var sum float64
	var scratch [256]T
	for len(x) > 0 {
		n := min(len(x), len(scratch))
		sum += kernel.ExpSum(scratch[:n], x[:n], top)
		x = x[n:]
	}
	return float64(top) + math.Log(sum)
}

// LogSumExpRows sets dst[i] to [LogSumExp] of row i of src.
func LogSumExpRows[T Float](dst []T, src Matrix[T]) {
	src.check("LogSumExpRows", "src")
	sameLength("LogSumExpRows", len(dst), src.Rows)
	for i := range dst {
		dst[i] = T(LogSumExp(src.Row(i)))
	}
}

// SoftmaxCrossEntropy returns the mean over the rows of logits [rows x classes] of the cross-entropy, in nats,
// between softmax(logits) and the label of the row, and writes the gradient of that mean to grad unless
// grad.Data is nil. Rows with a negative label are ignored: they count neither in the loss nor in the mean and
// get a zero gradient. With label smoothing s the target is 1-s for the label plus s/classes for every class.
// grad may be logits itself.
//
// Errors wrap [ErrShape] (labels or grad do not fit), [ErrRange] (a label not below the number of classes, smoothing
// outside [0, 1)), [ErrNotFinite] (a logit that is NaN or +Inf, or a row of -Inf alone) and [ErrEmpty] (no row counts);
// grad is then unchanged.
func SoftmaxCrossEntropy[T Float](grad, logits Matrix[T], labels []int, smoothing float64) (float64, error) {
	const op = "tensor: SoftmaxCrossEntropy"
	if err := logits.Validate(); err != nil {
		return 0, fmt.Errorf("%s: logits: %w", op, err)
	}
	if len(labels) != logits.Rows {
		return 0, fmt.Errorf("%s: %d labels for %d rows of logits: %w", op, len(labels), logits.Rows, ErrShape)
	}
	if grad.Data != nil {
		if err := grad.Validate(); err != nil {
			return 0, fmt.Errorf("%s: grad: %w", op, err)
		}
		if grad.Rows != logits.Rows || grad.Cols != logits.Cols {
			return 0, fmt.Errorf("%s: grad is %dx%d, logits are %dx%d: %w",
				op, grad.Rows, grad.Cols, logits.Rows, logits.Cols, ErrShape)
		}
	}
	if !(smoothing >= 0 && smoothing < 1) {
		return 0, fmt.Errorf("%s: smoothing is %v, want [0, 1): %w", op, smoothing, ErrRange)
	}
	classes := float64(logits.Cols)
	var loss float64
	counted := 0
	for i, label := range labels {
		if label < 0 {
			continue
		}
		if label >= logits.Cols {
			return 0, fmt.Errorf("%s: labels[%d] is %d of %d classes: %w", op, i, label, logits.Cols, ErrRange)
		}
		row := logits.Row(i)
		lse := LogSumExp(row)
		if math.IsNaN(lse) || math.IsInf(lse, 0) {
			return 0, fmt.Errorf("%s: row %d of logits has log-sum-exp %v: %w", op, i, lse, ErrNotFinite)
		}
		term := (1 - smoothing) * (lse - float64(row[label]))
		if smoothing > 0 {
			term += smoothing * (lse - Sum(row)/classes)
		}
		loss += term
		counted++
	}
	if counted == 0 {
		return 0, fmt.Errorf("%s: no row with a label: %w", op, ErrEmpty)
	}
	if grad.Data != nil {
		softmaxCrossEntropyGrad(grad, logits, labels, smoothing, counted)
	}
	return loss / float64(counted), nil
}

func softmaxCrossEntropyGrad[T Float](grad, logits Matrix[T], labels []int, smoothing float64, counted int) {
	mean := 1 / float64(counted)
	rest := T(smoothing * mean / float64(logits.Cols))
	for i, label := range labels {
		g := grad.Row(i)
		if label < 0 {
			clear(g)
			continue
		}
		Softmax(g, logits.Row(i))
		for j, p := range g {
			g[j] = p*T(mean) - rest
		}
		g[label] -= T((1 - smoothing) * mean)
	}
}

// sameShape panics unless both views are well formed and have one shape.
func sameShape[T Float](op, nameX string, x Matrix[T], nameY string, y Matrix[T]) {
	x.check(op, nameX)
	y.check(op, nameY)
	if x.Rows != y.Rows || x.Cols != y.Cols {
		shapePanic(ErrShape, "%s: %s is %dx%d, %s is %dx%d", op, nameX, x.Rows, x.Cols, nameY, y.Rows, y.Cols)
	}
}
