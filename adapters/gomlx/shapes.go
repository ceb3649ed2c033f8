package gomlx

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/tensor"
)

// AllowShapes has a trainer compile up to n graphs for batches of different shapes, each for training and for
// evaluation; by default the 33rd is an error. Call it before the first step. WithMaxExecutors of the trainer is about
// another thing, the values of Batch.Spec. Fewer shapes are better: pad to a few lengths.
func AllowShapes(tr *train.Trainer, n int) error {
	if n < 1 {
		return fmt.Errorf("gomlx: AllowShapes: %d shapes, want 1 or more: %w", n, tensor.ErrRange)
	}
	tr.OnExecCreation(func(exec *model.Exec, _ train.GraphType) { exec.SetMaxCache(n) })
	return nil
}
