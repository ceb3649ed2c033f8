package gomlx

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/tensor"
)

// probe trains a single weight with an optimizer to see what it makes of the learning rate, and returns the type in
// which it takes it. Whatever state an optimizer has, its first update must not depend on the global step, and must be
// in proportion to the rate.
func probe(backend compute.Backend, opt optimizer.Interface, loss dtypes.DType) (dtypes.DType, error) {
	const rate = 1. / 64
	plain, err := tryUpdate(backend, opt, loss, 0, 0)
	if err != nil {
		return 0, err
	}
	if plain.weight-plain.weight != 0 {
		return 0, fmt.Errorf("the optimizer's first update with a loss of %v is %v; Adam wants DType(Float32) there: %w",
			loss, plain.weight, tensor.ErrConflict)
	}
	one, err := tryUpdate(backend, opt, loss, 0, rate)
	if err != nil {
		return 0, err
	}
	two, err := tryUpdate(backend, opt, loss, 0, 2*rate)
	if err != nil {
		return 0, err
	}
	late, err := tryUpdate(backend, opt, loss, 9999, rate)
	if err != nil {
		return 0, err
	}
	const enough = .02 // of bfloat16
	switch {
	case one.weight == 0:
		err = fmt.Errorf("the optimizer holds its first updates back; let the schedule be 0 there: %w", tensor.ErrConflict)
	case math.Abs(two.weight/one.weight-2) > enough:
		err = fmt.Errorf("at twice the learning rate the optimizer's first update is %.4g times as large: %w",
			two.weight/one.weight, tensor.ErrConflict)
	case math.Abs(late.weight/one.weight-1) > enough:
		err = fmt.Errorf("the optimizer has a schedule of its own: at global step 10,000 its update is %.4g times that at "+
			"step 1 for the same learning rate; StochasticGradientDescent wants WithDecay(false): %w",
			late.weight/one.weight, tensor.ErrConflict)
	}
	return one.rate, err
}

// update is what became of a weight of 0, and the type of the rate.
type update struct {
	weight float64
	rate   dtypes.DType
}

// tryUpdate does one update at a global step, of a weight of 0 whose gradient is 2, with the learning rate as a
// variable or, if it is 0, with the optimizer's own; then it does another, where numbers that are too coarse show.
func tryUpdate(backend compute.Backend, opt optimizer.Interface, loss dtypes.DType, step int64, rate float64) (u update,
	err error) {
	store := model.NewStore()
	if err := optimizer.GetGlobalStepVar(store).SetValue(tensors.FromScalar(step)); err != nil {
		return u, err
	}
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, g *graph.Graph) *graph.Node {
		store.SetTraining(g, true)
		w := scope.VariableWithValue("w", shapes.CastAsDType(0., loss))
		l := graph.Add(w.NodeValue(g), w.NodeValue(g))
		opt.UpdateGraph(scope, g, l)
		return l
	})
	if err != nil {
		return u, err
	}
	defer exec.Finalize()
	if _, err := exec.Compile(); err != nil { // makes the variables
		return u, fmt.Errorf("the optimizer cannot be tried: %w", err)
	}
	v := store.GetVariable(LearningRate)
	if v == nil {
		return u, fmt.Errorf("the optimizer has no variable %s: %w", LearningRate, tensor.ErrConflict)
	}
	u.rate = v.DType()
	steps := 1
	if rate == 0 {
		steps = 2
	} else if err := host.Write(v, []float32{float32(rate)}); err != nil {
		return u, err
	}
	for range steps {
		if _, err := exec.Call(); err != nil {
			return u, fmt.Errorf("the optimizer cannot be tried: %w", err)
		}
	}
	w := make([]float32, 1)
	err = host.Read(w, store.GetVariable("/w"))
	u.weight = float64(w[0])
	return u, err
}
