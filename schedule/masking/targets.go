package masking

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Targets turns the labels of [Masker.Mask] into the form of engines that compute a loss at every position and weigh it
// afterwards: it sets targets[i] to whether labels[i] is a target, and writes 0 in place of the ignore index, so that
// every label is a class.
//
// The error wraps [tensor.ErrShape] if the lengths differ, [tensor.ErrRange] for a label that is neither an id nor the
// ignore index, and [tensor.ErrConflict] with [WithRTS], whose labels are classes everywhere. Nothing is written then.
func (m *Masker) Targets(targets []bool, labels []int32) error {
	if m.rts {
		return fmt.Errorf("masking: Targets: with WithRTS every position has a class: %w", tensor.ErrConflict)
	}
	if len(targets) != len(labels) {
		return fmt.Errorf("masking: targets has %d elements for %d labels: %w", len(targets), len(labels), tensor.ErrShape)
	}
	for i, label := range labels {
		if label != m.ignore && (label < 0 || int(label) >= m.vocab) {
			return fmt.Errorf("masking: labels[%d] is %d, want an id from 0 to %d or the ignore index %d: %w",
				i, label, m.vocab-1, m.ignore, tensor.ErrRange)
		}
	}
	for i, label := range labels {
		if targets[i] = label != m.ignore; !targets[i] {
			labels[i] = 0
		}
	}
	return nil
}
