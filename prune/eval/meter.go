package eval

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Meter counts correct predictions over batches, which may differ in size. The zero value is ready.
type Meter struct {
	N          int // samples
	Top1, Top5 int // samples whose label was among the one, or five, largest logits
}

// Add counts a batch of logits, one row per sample. Of equal logits the lower class ranks first. The error wraps
// tensor.ErrShape, tensor.ErrRange (a label) or tensor.ErrNotFinite (a logit that is NaN); nothing is counted then.
func Add[T tensor.Float](m *Meter, logits tensor.Matrix[T], labels []int) error {
	if err := logits.Validate(); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	if len(labels) != logits.Rows {
		return fmt.Errorf("eval: %d labels for %d rows of logits: %w", len(labels), logits.Rows, tensor.ErrShape)
	}
	sum := *m
	for i, y := range labels {
		row := logits.Row(i)
		if y < 0 || y >= len(row) {
			return fmt.Errorf("eval: labels[%d] = %d of %d classes: %w", i, y, len(row), tensor.ErrRange)
		}
		before := 0
		for j, z := range row {
			if z != z {
				return fmt.Errorf("eval: logits[%d][%d] is %v: %w", i, j, z, tensor.ErrNotFinite)
			}
			if z > row[y] || z == row[y] && j < y {
				before++
			}
		}
		sum.N++
		if before < 1 {
			sum.Top1++
		}
		if before < 5 {
			sum.Top5++
		}
	}
	*m = sum
	return nil
}

// Accuracy is the fractions of samples that were right, over all samples and not over batches. The error wraps
// tensor.ErrEmpty if there are none.
func (m Meter) Accuracy() (top1, top5 float64, err error) {
	if m.N == 0 {
		return 0, 0, fmt.Errorf("eval: Accuracy: no samples: %w", tensor.ErrEmpty)
	}
	return float64(m.Top1) / float64(m.N), float64(m.Top5) / float64(m.N), nil
}
