package penalty

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// Surrogate is a scalar whose value is value and whose gradient with respect to z is grad, which has the shape of z:
// how a penalty that the host has computed enters a graph. No gradient goes to value and grad.
func Surrogate(z, value, grad *graph.Node) *graph.Node {
	if !z.Shape().EqualDimensions(grad.Shape()) || !value.IsScalar() {
		panic(fmt.Errorf("penalty: Surrogate: z is %v, its gradient %v, the value %v: %w", z.Shape(), grad.Shape(),
			value.Shape(), tensor.ErrShape))
	}
	held := graph.ReduceAllSum(graph.Mul(graph.Sub(z, graph.StopGradient(z)), graph.StopGradient(grad)))
	return graph.Add(graph.StopGradient(value), held)
}

// Host has the host compute a penalty of the representation in each step of training: any causal.Penalty. The model
// runs forward once more for it, with the same draws of dropout. Use what there is in the graph where it does, which
// costs less. It is not safe for concurrent use.
type Host struct {
	trainer *train.Trainer
	forward *model.Exec
	penalty causal.Penalty[float32]
	ready   bool // all variables have values
}

// NewHost makes a penalty for a trainer's model. representation is the part of the model up to z, [n, d], of the inputs
// of a batch; in the graph of the model it is called too. The store needs a state of its random numbers, as
// SetRNGStateFromSeed makes it: an error that there is none wraps [tensor.ErrConflict], and one of a nil argument
// [tensor.ErrEmpty].
func NewHost(tr *train.Trainer, representation func(scope *model.Scope, inputs []*graph.Node) *graph.Node,
	p causal.Penalty[float32]) (*Host, error) {
	const call = "penalty: NewHost"
	if tr == nil || representation == nil || p == nil {
		return nil, fmt.Errorf("%s: the trainer, the representation or the penalty is nil: %w", call, tensor.ErrEmpty)
	}
	if v := tr.Store().GetVariable(model.RNGStateVariableName); v == nil || !v.HasValue() {
		return nil, fmt.Errorf("%s: the store has no random numbers to be used twice: call SetRNGStateFromSeed: %w", call,
			tensor.ErrConflict)
	}
	forward, err := model.NewExec(tr.Backend(), tr.Store(), func(scope *model.Scope, in []*graph.Node) *graph.Node {
		scope.Store().SetTraining(in[0].Graph(), true)
		return representation(scope, in)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	return &Host{trainer: tr, forward: forward, penalty: p}, nil
}

// Dataset appends the value of the penalty and its gradient, as [Host.Term] wants them, to the labels of each batch,
// when the loop asks for it. It must be the last that is done to a data set: what reads ahead would see old weights.
// rows is what is known of the rows of a batch.
func (h *Host) Dataset(ds train.Dataset, rows func(train.Batch) (causal.Batch, error)) train.Dataset {
	return hosted{ds, h, rows}
}

// Term is the penalty in the graph, times nothing: z is the representation and labels those of the loss, of which the
// last two are the host's. Of batches of [Host.Evaluation] it is 0.
func (h *Host) Term(z *graph.Node, labels []*graph.Node) *graph.Node {
	if n := len(labels); n >= 2 && labels[n-2].IsScalar() && labels[n-1].Shape().EqualDimensions(z.Shape()) {
		return Surrogate(z, graph.ConvertDType(labels[n-2], z.DType()), graph.ConvertDType(labels[n-1], z.DType()))
	}
	if h.trainer.Store().IsTraining(z.Graph()) {
		panic(fmt.Errorf("penalty: Host.Term: the data are not from Host.Dataset: %w", tensor.ErrShape))
	}
	return graph.ScalarZero(z.Graph(), z.DType())
}

// Evaluation appends two labels without a penalty to the batches of a data set to evaluate: GoMLX wants as many labels
// there as in training.
func (h *Host) Evaluation(ds train.Dataset) train.Dataset {
	return dataset.MapOnHost(ds, func(b train.Batch) train.Batch {
		b.Labels = blank(b.Labels)
		return b
	})
}

func blank(labels []*tensors.Tensor) []*tensors.Tensor {
	return append(labels[:len(labels):len(labels)], tensors.FromScalar(float32(0)), tensors.FromScalar(float32(0)))
}

type hosted struct {
	train.Dataset
	h    *Host
	rows func(train.Batch) (causal.Batch, error)
}

// Iter implements train.Dataset.
func (d hosted) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for b, err := range d.Dataset.Iter() {
			if err == nil {
				b, err = d.h.add(b, d.rows)
			}
			if err != nil {
				yield(train.Batch{}, err)
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// add evaluates the penalty for a batch.
func (h *Host) add(b train.Batch, rows func(train.Batch) (causal.Batch, error)) (train.Batch, error) {
	known, err := rows(b)
	if err != nil {
		return b, err
	}
	if !h.ready {
		if err := h.prepare(b); err != nil {
			return b, err
		}
		h.ready = true
	}
	z, err := h.representation(b)
	if err != nil {
		return b, err
	}
	grad := tensor.NewMatrix[float32](z.Rows, z.Cols)
	r, err := h.penalty.Eval(z, known, grad)
	if err != nil {
		return b, err
	}
	b.Labels = append(b.Labels[:len(b.Labels):len(b.Labels)], tensors.FromScalar(float32(r.Value)),
		tensors.FromFlatDataAndDimensions(grad.Data, z.Rows, z.Cols))
	return b, nil
}

// prepare makes all variables of the model have values, which draws random numbers: it evaluates a batch.
func (h *Host) prepare(b train.Batch) error {
	first, err := b.Clone()
	if err != nil {
		return err
	}
	first.Labels = blank(first.Labels)
	_, err = h.trainer.EvalStep(first)
	return err
}

// representation runs the model up to z as the next step will, and leaves the random numbers to that step.
func (h *Host) representation(b train.Batch) (tensor.Matrix[float32], error) {
	var none tensor.Matrix[float32]
	rng := h.trainer.Store().GetVariable(model.RNGStateVariableName)
	state, err := rng.Value()
	if err != nil {
		return none, err
	}
	before, err := state.LocalClone()
	if err != nil {
		return none, err
	}
	var inputs []any
	for _, in := range b.Inputs {
		inputs = append(inputs, in)
	}
	z, err := h.forward.Call1(inputs...)
	err = errors.Join(err, rng.SetValue(before))
	if err != nil {
		return none, fmt.Errorf("penalty: Host: %w", err)
	}
	if z.Rank() != 2 {
		return none, fmt.Errorf("penalty: Host: the representation is %v, want rows and columns: %w", z.Shape(),
			tensor.ErrShape)
	}
	x, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return none, fmt.Errorf("penalty: Host: %w", err)
	}
	d := z.Shape().Dimensions
	return tensor.Of(d[0], d[1], x), z.FinalizeAll()
}
