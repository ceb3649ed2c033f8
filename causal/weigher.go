package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// weigher finds the weights of the rows of a batch and which rows take part. It keeps its memory.
type weigher struct {
	w    []float64 // of the rows of the batch
	rows []int     // those with a weight above 0 and a known label
}

// weigh fills in the weigher: the weights of the table times those of the batch.
func (m *weigher) weigh(call string, c *config, rows int, b Batch) error {
	if err := checkLabels(call, "V", b.V, c.unknown); err != nil {
		return err
	}
	if err := checkLabels(call, "Y", b.Y, false); err != nil {
		return err
	}
	m.w = grow(m.w, rows)
	for i := range m.w {
		m.w[i] = 1
	}
	if t := c.weights; t != nil {
		if b.Y == nil || b.V == nil {
			return fmt.Errorf("causal: %s: weights of a table need Y and V in the batch: %w", call, tensor.ErrShape)
		}
		if err := t.apply(call, m.w, b.Y, b.V, true); err != nil {
			return err
		}
	}
	m.rows = m.rows[:0]
	for i := range m.w {
		if b.W != nil {
			m.w[i] *= b.W[i]
		}
		if m.w[i] > 0 && (b.V == nil || b.V[i] >= 0) {
			m.rows = append(m.rows, i)
		}
	}
	return nil
}
