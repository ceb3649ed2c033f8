package tta

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// NewMultiLabel makes outputs of classes that do not exclude each other: one logit for each, of which a sigmoid makes a
// probability. It views them as binary decisions, N*classes examples of one logit: the decision on class c of example n
// is example n*classes+c. Whatever is fitted to them minimises the binary cross-entropy of all decisions, and is
// reported per decision; aggregated, the rows are [N, classes] again.
//
// truth holds the N*classes right answers, nil if they are not known. With classes of their own weights, take the
// decisions of one class by [Outputs.Subset]. Options are those of [NewOutputs] but WithLabels. The error is that of
// NewOutputs, or wraps [tensor.ErrShape] for another number of answers.
func NewMultiLabel(views, classes int, data []float32, truth []bool, opts ...OutputsOption) (*Outputs, error) {
	const call = "NewMultiLabel"
	if views < 1 || classes < 1 || len(data) == 0 || len(data)%(views*classes) != 0 {
		return nil, fmt.Errorf("tta: %s: %d numbers of %d views of %d classes: %w", call, len(data), views, classes,
			tensor.ErrShape)
	}
	if truth != nil && len(truth) != len(data)/views {
		return nil, fmt.Errorf("tta: %s: %d answers for %d decisions: %w", call, len(truth), len(data)/views,
			tensor.ErrShape)
	}
	var c outputsConfig
	if err := option.Apply("tta: "+call, &c, opts); err != nil {
		return nil, err
	}
	if c.labels != nil {
		return nil, option.Call("tta: "+call, option.Conflict("WithLabels: the labels are truth"))
	}
	decisions := make([]float32, len(data))
	for n := 0; n < len(data); n += views * classes {
		for a := range views {
			for k, v := range data[n+a*classes:][:classes] {
				decisions[n+k*views+a] = v
			}
		}
	}
	if truth != nil {
		labels := make([]int, len(truth))
		for i, yes := range truth {
			if yes {
				labels[i] = 1
			}
		}
		opts = append(slices.Clip(opts), WithLabels(labels))
	}
	return NewOutputs(views, 1, decisions, opts...)
}
