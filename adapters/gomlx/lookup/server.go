package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Fit learns an operator in place of the dense layer at the path, whose variables are path/weights, [in, out], and
// path/biases, which there may be none of. prefix is the part of the model before it: its store has the layer, and the
// inputs of calibration, whose rows it is given, are like those that will come. Options are those of maddness.Fit; the
// bias is that of the layer unless they say otherwise.
//
// Errors wrap [tensor.ErrEmpty] for a nil prefix, [tensor.ErrRange] if there is no such layer, [tensor.ErrShape] for
// weights that are no float32 matrix, or are those of maddness.Fit.
func Fit(ctx context.Context, prefix *model.Exec, layer string, calibration *tensors.Tensor, opts ...maddness.Option) (
	*maddness.Operator, error) {
	const call = "lookup: Fit"
	if prefix == nil || calibration == nil {
		return nil, fmt.Errorf("%s: the executor or the inputs are nil: %w", call, tensor.ErrEmpty)
	}
	v := prefix.Store().GetVariable(layer + "/weights")
	if v == nil || !v.HasValue() {
		return nil, fmt.Errorf("%s: no variable %q: %w", call, layer+"/weights", tensor.ErrRange)
	}
	weights, err := matrix(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	if bias := prefix.Store().GetVariable(layer + "/biases"); bias != nil && bias.HasValue() {
		t, err := bias.Value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
		b, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
		opts = append([]maddness.Option{maddness.WithBias(b)}, opts...)
	}
	h, err := activations(prefix, calibration)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	var op *maddness.Operator
	var fit error
	err = tensors.ConstFlatData(h, func(rows []float32) {
		op, fit = maddness.Fit(ctx, tensor.Of(len(rows)/columns(h), columns(h), rows), weights, opts...)
	})
	if err := errors.Join(err, fit, h.FinalizeAll()); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	return op, nil
}

func matrix(v *model.Variable) (tensor.Matrix[float32], error) {
	var none tensor.Matrix[float32]
	d := v.Shape().Dimensions
	if len(d) != 2 || v.DType() != dtypes.Float32 {
		return none, fmt.Errorf("variable %q is %v, want a matrix of float32: %w", v.Path(), v.Shape(), tensor.ErrShape)
	}
	t, err := v.Value()
	if err != nil {
		return none, err
	}
	x, err := tensors.CopyFlatData[float32](t)
	return tensor.Of(d[0], d[1], x), err
}

// activations is what the prefix makes of inputs: rows in the last axis.
func activations(prefix *model.Exec, inputs ...*tensors.Tensor) (*tensors.Tensor, error) {
	var args []any
	for _, x := range inputs {
		args = append(args, x)
	}
	h, err := prefix.Call1(args...)
	if err != nil {
		return nil, err
	}
	if h.Rank() < 2 || h.DType() != dtypes.Float32 {
		return nil, fmt.Errorf("activations of %v, want rows of float32: %w", h.Shape(), tensor.ErrShape)
	}
	return h, nil
}

func columns(h *tensors.Tensor) int { return h.Shape().Dimensions[h.Rank()-1] }

// Server is a model with one layer replaced. Like executors it is safe for concurrent use.
type Server struct {
	prefix, suffix *model.Exec
	op             *maddness.Operator
}

// NewServer puts an operator between two parts of a model; suffix may be nil if the layer is the last one. The error
// wraps [tensor.ErrEmpty].
func NewServer(prefix *model.Exec, op *maddness.Operator, suffix *model.Exec) (*Server, error) {
	if prefix == nil || op == nil {
		return nil, fmt.Errorf("lookup: NewServer: the prefix or the operator is nil: %w", tensor.ErrEmpty)
	}
	return &Server{prefix, suffix, op}, nil
}

// Call runs the model on inputs, which are those of the prefix and stay the caller's. The axes before the last one of
// the activations are rows. Errors are those of the executors and of maddness.Operator.Mul, or wrap [tensor.ErrShape].
func (s *Server) Call(inputs ...*tensors.Tensor) (*tensors.Tensor, error) {
	h, err := activations(s.prefix, inputs...)
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	y, err := s.multiply(h)
	if err := errors.Join(err, h.FinalizeAll()); err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	if s.suffix == nil {
		return y, nil
	}
	out, err := s.suffix.Call1(y)
	if err := errors.Join(err, y.FinalizeAll()); err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	return out, nil
}

// multiply applies the operator to activations where they are.
func (s *Server) multiply(h *tensors.Tensor) (*tensors.Tensor, error) {
	d := h.Shape().Dimensions
	rows, out := h.Size()/columns(h), s.op.Outputs()
	y := tensors.FromShape(shapes.Make(dtypes.Float32, append(d[:len(d)-1:len(d)-1], out)...))
	var inner, mul error
	err := tensors.ConstFlatData(h, func(from []float32) {
		inner = tensors.MutableFlatData(y, func(to []float32) {
			mul = s.op.Mul(tensor.Of(rows, out, to), tensor.Of(rows, columns(h), from))
		})
	})
	return y, errors.Join(err, inner, mul)
}
