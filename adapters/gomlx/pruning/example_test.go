package pruning_test

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/pruning"
	"github.com/espalier-ml/espalier/prune"
)

func Example() {
	backend, err := cpu.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	schedule := prune.Cubic(5, 25)
	schedule.Every = 10
	pruner, err := pruning.New(optimizer.Adam().Done(), []string{"/h/dense/weights"},
		pruning.WithOptions(prune.WithSparsity(.75), prune.WithSchedule(schedule)),
		pruning.WithReport(func(i prune.StepInfo) { fmt.Printf("step %d: %.3f are pruned\n", i.Step, i.Sparsity) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	store := model.NewStore() // the model has a layer of 8 x 12 weights
	trainer := train.NewTrainer(backend, store, gxtest.Net, loss.MeanSquaredError, pruner.Optimizer(), nil, nil)
	loop := train.NewLoop(trainer)
	pruner.Attach(loop)
	if _, err := loop.RunToGlobalStep(gxtest.Data{}, 40); err != nil {
		fmt.Println(err)
		return
	}
	stats, err := pruner.Stats()
	fmt.Println(pruner.Finish(), err, stats.Kept, "of", stats.Size)
	// Output:
	// step 5: 0.000 are pruned
	// step 15: 0.656 are pruned
	// step 25: 0.750 are pruned
	// <nil> <nil> 24 of 96
}
