package record

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/pipeline"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// Evaluate has a loop evaluate the model after each update whose number, from 0, at names, such as
// schedule.Cyclic.IsCycleEnd, and tell all of notes: the number of the update, the seconds of training so far and the
// quality. tradeoff.Recorder.Observe is such a function, and [Log] makes one. Evaluations cost no seconds. Their hook
// has the priority 50: behind what changes the model and before checkpoints.
func (c *Clock) Evaluate(loop *train.Loop, at func(step int) bool, evaluate func() (float64, error),
	notes ...func(step int, seconds, quality float64) error) {
	last := int(loop.Trainer.GlobalStep()) - 1
	loop.OnStep("evaluate", 50, func(loop *train.Loop, _ []*tensors.Tensor) error {
		step := int(loop.Trainer.GlobalStep()) - 1
		if step == last { // a micro-batch without an update
			return nil
		}
		last = step
		if !at(step) {
			return nil
		}
		c.begin(pipeline.Evaluate)
		quality, err := evaluate()
		c.end()
		if err != nil {
			return fmt.Errorf("record: evaluation after step %d: %w", step, err)
		}
		for _, note := range notes {
			if err := note(step, c.seconds, quality); err != nil {
				return err
			}
		}
		return nil
	})
}

// Metric is the evaluation of one of a trainer's metrics on a data set, by its name or short name: "Mean Loss" and
// "#loss" are the one that each trainer has. The error of the evaluation wraps [tensor.ErrRange] for a name that there
// is none of, and names those that there are.
func Metric(tr *train.Trainer, ds train.Dataset, name string) func() (float64, error) {
	return func() (float64, error) {
		at, names := -1, []string{}
		for i, m := range tr.EvalMetrics() {
			names = append(names, m.ShortName())
			if m.Name() == name || m.ShortName() == name {
				at = i
			}
		}
		if at < 0 {
			return 0, fmt.Errorf("record: Metric: %q is none of %q: %w", name, names, tensor.ErrRange)
		}
		values, err := tr.Eval(ds)
		if err != nil {
			return 0, err
		}
		return shapes.ConvertTo[float64](values[at].Value()), nil
	}
}

// Log is a note of [Clock.Evaluate] that appends an evaluation to the log of a run, with the cost train_seconds and the
// quality under its name. Steps are counted as updates done, from 1. The writer needs runlog.WithRun.
func Log(w *runlog.Writer, quality string) func(step int, seconds, value float64) error {
	return func(step int, seconds, value float64) error {
		return w.Eval(step+1, map[string]float64{"train_seconds": seconds}, map[string]float64{quality: value})
	}
}
