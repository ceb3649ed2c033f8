package pruning

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// stepInPlace lets the pruner work in the variables' own memory. A step of GoMLX takes that memory away and puts other
// in its place, so slices are good for this call alone.
func (p *Pruner) stepInPlace(step int, due bool) (info prune.StepInfo, err error) {
	if p.slots == nil {
		p.slots = slotsOf(p.store, p.names)
	}
	p.open = map[*tensor.Param[float32]][][]float32{}
	defer func() { p.open = nil }()
	var views []view
	for _, q := range p.params {
		views = append(views, view{q.Name, func(x []float32) { q.Data = x }})
		for _, path := range p.slots[q.Name] {
			views = append(views, view{path, func(x []float32) { p.open[q] = append(p.open[q], x) }})
		}
		if due && p.config.gradients {
			if err := host.Read(q.Grad, p.store.GetVariable(gradPath(q.Name))); err != nil {
				return info, fmt.Errorf("pruning: %w", err)
			}
		}
	}
	var stepErr error
	if err := opened(p.store, views, func() { info, stepErr = p.core.Step(step) }); err != nil {
		return info, fmt.Errorf("pruning: %w", err)
	}
	return info, stepErr
}

// view is a variable and what is done with its values.
type view struct {
	path string
	bind func([]float32)
}

// opened calls f while the values of all variables are open.
func opened(store *model.Store, views []view, f func()) error {
	if len(views) == 0 {
		f()
		return nil
	}
	v := store.GetVariable(views[0].path)
	t, err := v.Value()
	if err != nil {
		return err
	}
	var inner error
	err = tensors.MutableFlatData(t, func(x []float32) {
		views[0].bind(x)
		inner = opened(store, views[1:], f)
	})
	if err == nil {
		err = inner
	}
	if err == nil && v.ShardingSpec() != nil {
		err = host.Written(v)
	}
	return err
}
