// Package host reads and writes variables of a GoMLX store from the host, makes variables of the adapters' own, and has
// what their graphs share.
package host

import (
	"fmt"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/espalier-ml/espalier/tensor"
)

// Scope is where the adapters keep variables and parameters of their own.
const Scope = "/espalier"

// Variable is a variable of the adapters' own for graphs. It is no parameter of the model, which has to be said at
// every fetch: one that comes from a checkpoint is trainable whatever it was.
func Variable(s *model.Store, path string, shape shapes.Shape, init model.VariableInitializer) *model.Variable {
	return s.VariableWithShape(path, shape, init).SetTrainable(false)
}

// RefuseSPMD panics if a graph is one of several programs that each see a part of the batch, for what needs all of it.
// The trainer does not even add up gradients then.
func RefuseSPMD(g *graph.Graph, name string) {
	if g.DistributedStrategy() == distributed.SPMD {
		panic(fmt.Errorf("%s: needs the whole batch, of which a program under SPMD sees a part: use AutoSharding: %w",
			name, tensor.ErrConflict))
	}
}

// OrOne is x, or 1 where it is 0: what to divide by.
func OrOne(x *graph.Node) *graph.Node {
	return graph.Where(graph.Equal(x, graph.ZerosLike(x)), graph.OnesLike(x), x)
}

// Read copies the values of a variable to dst, which is as long as they are.
func Read(dst []float32, v *model.Variable) error {
	t, err := v.Value()
	if err != nil {
		return err
	}
	known := true
	err = t.ConstFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []float32:
			copy(dst, flat)
		case []float64:
			for i, x := range flat {
				dst[i] = float32(x)
			}
		case []bfloat16.BFloat16:
			for i, x := range flat {
				dst[i] = x.Float32()
			}
		case []float16.Float16:
			for i, x := range flat {
				dst[i] = x.Float32()
			}
		default:
			known = false
		}
	})
	if err == nil && !known {
		err = fmt.Errorf("variable %q: of type %v, want floating-point numbers: %w", v.Path(), v.DType(), tensor.ErrShape)
	}
	return err
}

// Zero sets the values of a variable to zero where keep, which is as long as they are, is 0. The others stay as they
// are to the bit, whatever their type.
func Zero(v *model.Variable, keep []float32) error {
	t, err := v.Value()
	if err != nil {
		return err
	}
	err = t.MutableFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []float32:
			zero(flat, keep)
		case []float64:
			zero(flat, keep)
		case []bfloat16.BFloat16:
			zero(flat, keep)
		case []float16.Float16:
			zero(flat, keep)
		}
	})
	if err != nil {
		return err
	}
	return Written(v)
}

func zero[T any](x []T, keep []float32) {
	var none T
	for i, k := range keep {
		if k == 0 {
			x[i] = none
		}
	}
}

// Written has the next step see what was changed in the value of a variable. Of a sharded variable that is a merged
// copy, and the step would take the shards.
func Written(v *model.Variable) error {
	t, err := v.Value()
	if err != nil {
		return err
	}
	return v.SetValuePreservingOld(t)
}

// Write sets a variable to x, converted to its type.
func Write(v *model.Variable, x []float32) error {
	d := v.Shape().Dimensions
	var t *tensors.Tensor
	switch v.DType() {
	case dtypes.Float32:
		t = tensors.FromFlatDataAndDimensions(x, d...)
	case dtypes.Float64:
		t = tensors.FromFlatDataAndDimensions(converted(x, func(v float32) float64 { return float64(v) }), d...)
	case dtypes.BFloat16:
		t = tensors.FromFlatDataAndDimensions(converted(x, bfloat16.FromFloat32), d...)
	case dtypes.Float16:
		t = tensors.FromFlatDataAndDimensions(converted(x, float16.FromFloat32), d...)
	default:
		return fmt.Errorf("variable %q: of type %v, want floating-point numbers: %w", v.Path(), v.DType(), tensor.ErrShape)
	}
	return v.SetValue(t)
}

func converted[T any](x []float32, f func(float32) T) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}
