package gomlx_test

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func ExampleScheduled() {
	backend, err := cpu.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	lr, err := gomlx.NewTable(schedule.Warmup{Over: 2, Then: schedule.Linear{From: .5, To: 0, Over: 4}}, 6)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = gomlx.Scheduled(backend, optimizer.StochasticGradientDescent(), lr) // divides by the root of the step
	fmt.Println("refused:", errors.Is(err, tensor.ErrConflict))
	opt, err := gomlx.Scheduled(backend, optimizer.StochasticGradientDescent().WithDecay(false), lr)
	if err != nil {
		fmt.Println(err)
		return
	}
	store := model.NewStore()
	trainer := train.NewTrainer(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return layers.DenseWithBias(scope.In("o"), x, 1)
	}, loss.MeanSquaredError, opt, nil, nil)
	loop := train.NewLoop(trainer)
	loop.OnStep("print", 0, func(loop *train.Loop, _ []*tensors.Tensor) error {
		fmt.Printf("step %d: %v\n", loop.LoopStep, store.GetVariable(gomlx.LearningRate).MustValue().Value())
		return nil
	})
	if _, err := loop.RunSteps(gxtest.Data{}, 5); err != nil {
		fmt.Println(err)
	}
	// Output:
	// refused: true
	// step 0: 0
	// step 1: 0.25
	// step 2: 0.5
	// step 3: 0.375
	// step 4: 0.25
}
