package gomlx

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/tensor"
)

// OnUpdate has a loop call f with the number of updates that the model has had: before the first step of each run, also
// of one that is resumed from a checkpoint, and after each update. It is for what a [Table] cannot say because it is no
// function of the step alone, such as a [schedule.Plateau], or is not in the graph, such as a [schedule.Set]. f writes
// variables with [SetVariable]. Micro-batches that are accumulated count as one. Hooks have the priority -100, before
// those of the other adapters.
func OnUpdate(loop *train.Loop, name string, f func(step int) error) {
	const first train.Priority = -100
	last := -1
	loop.OnStart(name, first, func(loop *train.Loop, _ train.Dataset) error {
		last = int(loop.Trainer.GlobalStep())
		return f(last)
	})
	loop.OnStep(name, first, func(loop *train.Loop, _ []*tensors.Tensor) error {
		step := int(loop.Trainer.GlobalStep())
		if step == last {
			return nil
		}
		last = step
		return f(step)
	})
}

// SetVariable writes x to the scalar variable at path, such as [LearningRate], in the variable's own type: GoMLX would
// take any other, and the next step fail. If there is none it is made, in the given type, which is that of the loss
// unless the optimizer has another. It is marked as one that is not trained. The error wraps [tensor.ErrNotFinite],
// or [tensor.ErrShape] for a variable that is not a scalar.
func SetVariable(store *model.Store, path string, dtype dtypes.DType, x float64) error {
	const call = "gomlx: SetVariable"
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("%s: %q to %v: %w", call, path, x, tensor.ErrNotFinite)
	}
	v := store.GetVariable(path)
	if v != nil && !v.Shape().IsScalar() {
		return fmt.Errorf("%s: %q has the shape %v: %w", call, path, v.Shape(), tensor.ErrShape)
	}
	if v != nil {
		dtype = v.DType()
	}
	t, err := tensors.FromAnyValue(shapes.CastAsDType(x, dtype))
	if err != nil {
		return fmt.Errorf("%s: %q: %w", call, path, err)
	}
	if v == nil {
		v, err = store.CreateVariable(path, t)
	} else {
		err = v.SetValue(t)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	v.SetTrainable(false)
	return nil
}
