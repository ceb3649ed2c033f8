package masking

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// check looks at everything but the ids and the outputs, and returns the rate.
func (m *Masker) check(src []int32, key Key, step int) (rate, error) {
	if len(key.Samples) == 0 {
		return rate{}, fmt.Errorf("masking: key.Samples: %w", tensor.ErrEmpty)
	}
	if len(src) == 0 {
		return rate{}, fmt.Errorf("masking: src: %w", tensor.ErrEmpty)
	}
	if len(src)%len(key.Samples) != 0 {
		return rate{}, fmt.Errorf("masking: src has %d ids, which do not make %d rows of equal length: %w",
			len(src), len(key.Samples), tensor.ErrShape)
	}
	if len(src)/len(key.Samples) > math.MaxInt32 {
		return rate{}, fmt.Errorf("masking: rows of %d ids: %w", len(src)/len(key.Samples), tensor.ErrRange)
	}
	if key.Special != nil && len(key.Special) != len(src) {
		return rate{}, fmt.Errorf("masking: key.Special has %d elements for %d ids: %w",
			len(key.Special), len(src), tensor.ErrShape)
	}
	switch {
	case !m.positions && key.Continues != nil:
		return rate{}, fmt.Errorf("masking: key.Continues without WithWordPositions: %w", tensor.ErrConflict)
	case m.positions && len(key.Continues) != len(src):
		return rate{}, fmt.Errorf("masking: key.Continues has %d elements for %d ids: %w",
			len(key.Continues), len(src), tensor.ErrShape)
	}
	if key.Epoch < 0 {
		return rate{}, fmt.Errorf("masking: key.Epoch is %d, want >= 0: %w", key.Epoch, tensor.ErrRange)
	}
	for i, s := range key.Samples {
		if s < 0 {
			return rate{}, fmt.Errorf("masking: key.Samples[%d] is %d, want >= 0: %w", i, s, tensor.ErrRange)
		}
	}
	p, err := m.Rate(step)
	return rateOf(p), err
}

func (m *Masker) checkOutput(dst, labels, src []int32) error {
	switch {
	case len(dst) != len(src):
		return fmt.Errorf("masking: dst has %d elements for %d ids: %w", len(dst), len(src), tensor.ErrShape)
	case len(labels) != len(src):
		return fmt.Errorf("masking: labels has %d elements for %d ids: %w", len(labels), len(src), tensor.ErrShape)
	case &dst[0] != &src[0] && tensor.Overlap(dst, src):
		return fmt.Errorf("masking: dst shares memory with src but is not src: %w", tensor.ErrOverlap)
	case tensor.Overlap(labels, src) || tensor.Overlap(labels, dst):
		return fmt.Errorf("masking: labels shares memory with src or dst: %w", tensor.ErrOverlap)
	}
	return nil
}

// checkIDs reports the first id outside the vocabulary.
func (m *Masker) checkIDs(src []int32) error {
	if m.inVocabulary(src) {
		return nil
	}
	for i, id := range src {
		if id < 0 || int(id) >= m.vocab {
			return fmt.Errorf("masking: src[%d] is %d, want an id from 0 to %d: %w", i, id, m.vocab-1, tensor.ErrRange)
		}
	}
	return nil
}

// inVocabulary collects sign bits instead of branching: an id is wrong if it or its distance to the last id is
// negative.
func (m *Masker) inVocabulary(src []int32) bool {
	last := int32(m.vocab - 1)
	var a, b int32
	for ; len(src) >= 4; src = src[4:] {
		a |= src[0] | (last - src[0]) | src[1] | (last - src[1])
		b |= src[2] | (last - src[2]) | src[3] | (last - src[3])
	}
	for _, id := range src {
		a |= id | (last - id)
	}
	return a|b >= 0
}

// checkAppend refuses a slice whose free memory is part of another: appending would write there.
func (m *Masker) checkAppend(name string, x []int32, other string, y []int32) error {
	if x = x[:cap(x)]; len(x) > 0 && tensor.Overlap(x, y) {
		return fmt.Errorf("masking: %s shares memory with %s: %w", name, other, tensor.ErrOverlap)
	}
	return nil
}
