package tokens

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
)

// Ticket is what a batch of token ids brings along for its masks: the step of training, which the masking rate is asked
// for, the epoch, and the number of each row in the data.
func Ticket(step, epoch int, samples []int) *tensors.Tensor {
	ticket := []int64{int64(step), int64(epoch)}
	for _, s := range samples {
		ticket = append(ticket, int64(s))
	}
	return tensors.FromFlatDataAndDimensions(ticket, len(ticket))
}

// MaskedOption is a choice of [Masked].
type MaskedOption func(*maskedConfig) error

type maskedConfig struct{ workers int }

// WithWorkers sets how many batches are masked at once, 0 or more; default 0, which is a worker for each processor. The
// batches and their order do not depend on it.
func WithWorkers(n int) MaskedOption {
	return func(c *maskedConfig) error {
		c.workers = n
		return option.Workers(n)
	}
}

// Masked masks the batches of a data set, whose first inputs are the ids of so many rows, int32, and their [Ticket]. It
// yields batches whose first input is the corrupted ids; the inputs behind the ticket stay as they are. Labels are
// the original ids, [rows, columns, 1], and where they are to be predicted, booleans of [rows, columns], in place of
// labels that there may have been. With [masking.WithRTS] there is one label alone, whether an id was replaced.
//
// Batches that cannot be masked end the run with an error: that of [masking.Masker.Mask], or one that wraps
// [tensor.ErrShape] for inputs that are no ids or no ticket. The error of Masked itself wraps [tensor.ErrEmpty] for a
// nil data set or masker.
func Masked(ds train.Dataset, m *masking.Masker, opts ...MaskedOption) (train.Dataset, error) {
	const call = "tokens: Masked"
	var c maskedConfig
	if err := option.Apply(call, &c, opts); err != nil {
		return nil, err
	}
	if ds == nil || m == nil {
		return nil, fmt.Errorf("%s: the data set or the masker is nil: %w", call, tensor.ErrEmpty)
	}
	return dataset.ParallelMapOnHost(ds, func(b train.Batch) train.Batch {
		masked, err := mask(m, b)
		if err != nil {
			return train.Batch{Spec: fmt.Errorf("%s: %w", call, err)} // how GoMLX wants to be told
		}
		return masked
	}).WithParallelism(c.workers), nil
}

func mask(m *masking.Masker, b train.Batch) (train.Batch, error) {
	if len(b.Inputs) < 2 || b.Inputs[0].Rank() != 2 || b.Inputs[1].Rank() != 1 {
		return b, fmt.Errorf("batch wants ids of rows and columns and a ticket as its first inputs: %w", tensor.ErrShape)
	}
	ids, err := tensors.CopyFlatData[int32](b.Inputs[0])
	if err != nil {
		return b, fmt.Errorf("ids: %w: %w", err, tensor.ErrShape)
	}
	ticket, err := tensors.CopyFlatData[int64](b.Inputs[1])
	if err != nil {
		return b, fmt.Errorf("ticket: %w: %w", err, tensor.ErrShape)
	}
	rows, columns := b.Inputs[0].Shape().Dimensions[0], b.Inputs[0].Shape().Dimensions[1]
	if len(ticket) != rows+2 {
		return b, fmt.Errorf("ticket of %d samples for %d rows: %w", len(ticket)-2, rows, tensor.ErrShape)
	}
	key := masking.Key{Epoch: int(ticket[1])}
	for _, s := range ticket[2:] {
		key.Samples = append(key.Samples, int(s))
	}
	labels, targets := make([]int32, len(ids)), make([]bool, len(ids))
	if _, err := m.Mask(ids, labels, ids, key, int(ticket[0])); err != nil {
		return b, err
	}
	err = m.Targets(targets, labels)
	everywhere := errors.Is(err, tensor.ErrConflict) // with WithRTS all labels are classes
	if err != nil && !everywhere {
		return b, err
	}
	out := train.Batch{Spec: b.Spec, Inputs: append([]*tensors.Tensor{tensors.FromFlatDataAndDimensions(ids, rows,
		columns)}, b.Inputs[2:]...), Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(labels, rows, columns, 1)}}
	if !everywhere {
		out.Labels = append(out.Labels, tensors.FromFlatDataAndDimensions(targets, rows, columns))
	}
	b.Inputs = b.Inputs[:2]
	return out, b.Finalize()
}
