package pruning

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// ErrNoState reports a model that has been trained and whose checkpoint does not say how it was pruned.
var ErrNoState = errors.New("no state of the pruner")

// Pruner prunes some variables of a store. It belongs to one trainer and one loop, and is not safe for concurrent use.
type Pruner struct {
	names  []string
	inner  optimizer.Interface
	config config

	store  *model.Store
	params []*tensor.Param[float32] // their values are those of the last step that was due
	core   *prune.Pruner[float32]   // nil before shapes are known
	slots  map[string][]string      // paths of the optimizer's variables of each parameter
	open   map[*tensor.Param[float32]][][]float32
	last   int  // step taken
	built  bool // the optimizer is in a graph
}

// statePath is where the state is in the parameters of a store.
const statePath = host.Scope + "/pruner"

func maskPath(name string) string { return host.Scope + "/mask" + name }
func gradPath(name string) string { return host.Scope + "/grad" + name }

// New wraps an optimizer so that the variables at the given paths are pruned. Nothing is looked at before the shapes
// of the model are known: at the start of a resumed run, or when the graph of the first step is built, which then
// fails with what is wrong. Options are [WithOptions], [WithGradients], [WithInPlace], [WithFreshStart] and
// [WithReport]. The error wraps [tensor.ErrEmpty] without an optimizer or paths, [prune.ErrDuplicateName], and
// [tensor.ErrConflict] for an optimizer that does not take gradients.
func New(opt optimizer.Interface, params []string, opts ...Option) (*Pruner, error) {
	const call = "pruning: New"
	p := &Pruner{inner: opt, last: -1}
	if err := option.Apply(call, &p.config, opts); err != nil {
		return nil, err
	}
	if opt == nil || len(params) == 0 {
		return nil, fmt.Errorf("%s: no optimizer or no parameters: %w", call, tensor.ErrEmpty)
	}
	if _, ok := opt.(train.OptimizeWithGradients); !ok && p.wraps() {
		return nil, fmt.Errorf("%s: %T has no UpdateGraphWithGradients: %w", call, opt, tensor.ErrConflict)
	}
	seen := map[string]bool{}
	for _, name := range params {
		if !strings.HasPrefix(name, "/") {
			name = "/" + name
		}
		if seen[name] {
			return nil, fmt.Errorf("%s: parameter %q: %w", call, name, prune.ErrDuplicateName)
		}
		seen[name] = true
		p.names = append(p.names, name)
	}
	return p, nil
}

// wraps reports whether the graph of the update is another than the optimizer's.
func (p *Pruner) wraps() bool { return !p.config.inPlace || p.config.gradients }

// Optimizer is the optimizer to train with. A rate that is scheduled belongs inside, New(scheduled, ...):
// gomlx.Scheduled tries optimizers on a weight of its own, and refuses one that prunes others.
func (p *Pruner) Optimizer() optimizer.Interface {
	if !p.wraps() {
		return p.inner
	}
	return &masked{p.inner, p}
}

// Attach has a loop call [Pruner.Start] and [Pruner.Step]. The hooks have the priority 0; those that save want a higher
// one.
func (p *Pruner) Attach(loop *train.Loop) {
	const name = "prune"
	loop.OnStart(name, 0, func(loop *train.Loop, ds train.Dataset) error {
		if d, ok := ds.(train.DistributedDataset); ok && d.Strategy() == distributed.SPMD {
			return fmt.Errorf("pruning: devices under SPMD do not add up their gradients: use AutoSharding: %w",
				tensor.ErrConflict)
		}
		return p.Start(loop.Trainer)
	})
	loop.OnStep(name, 0, func(loop *train.Loop, _ []*tensors.Tensor) error { return p.Step(loop.Trainer) })
}

// Start takes up the state of a model that has had updates, from the parameters of its store, and applies the masks.
// Call it before the first step of a run. The error wraps [ErrNoState], is one of [prune.New], or one of
// [prune.Pruner.UnmarshalText] if the state is that of another model or of other options.
func (p *Pruner) Start(tr *train.Trainer) error {
	if p.core != nil {
		return nil // another run of the same program
	}
	store, updates := tr.Store(), int(tr.GlobalStep())
	p.last = updates - 1
	state, there := store.GetParam(statePath)
	switch {
	case !there && updates > 0 && !p.config.fresh:
		return fmt.Errorf("pruning: the model has had %d updates, and its store has no parameter %q: was the checkpoint "+
			"made with ExcludeAllParams, or without pruning? WithFreshStart begins anew: %w", updates, statePath, ErrNoState)
	case !there:
		return nil
	}
	text, ok := state.(string)
	if !ok {
		return fmt.Errorf("pruning: parameter %q is a %T, want a string: %w", statePath, state, tensor.ErrRange)
	}
	if err := p.prepare(store); err != nil {
		return err
	}
	if err := p.core.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	if err := p.writeMasks(); err != nil {
		return err
	}
	return p.save()
}

// Step changes masks if that is due after an update. Call it after each step of the trainer: one that only accumulates
// a micro-batch is told by the global step. Errors are those of [prune.Pruner.Step], or wrap [tensor.ErrConflict] if
// the trainer has another optimizer than [Pruner.Optimizer].
func (p *Pruner) Step(tr *train.Trainer) error {
	step := int(tr.GlobalStep()) - 1
	if step == p.last {
		return nil
	}
	p.last = step
	if p.wraps() && !p.built {
		return fmt.Errorf("pruning: the trainer's optimizer is not Pruner.Optimizer: %w", tensor.ErrConflict)
	}
	if err := p.prepare(tr.Store()); err != nil {
		return err
	}
	due := p.core.Due(step)
	var info prune.StepInfo
	var err error
	switch {
	case p.config.inPlace:
		info, err = p.stepInPlace(step, due)
	case due:
		info, err = p.stepOnDevice(step)
	}
	if err != nil || !due {
		return err
	}
	if p.config.report != nil {
		p.config.report(info)
	}
	return p.save()
}

// prepare makes the pruner from the shapes of the variables.
func (p *Pruner) prepare(store *model.Store) error {
	if p.core != nil {
		return nil
	}
	var params []*tensor.Param[float32]
	for _, name := range p.names {
		v := store.GetVariable(name)
		if v == nil {
			return fmt.Errorf("pruning: the model has no variable %q: %w", name, tensor.ErrRange)
		}
		if !v.DType().IsFloat() {
			return fmt.Errorf("pruning: variable %q is of type %v, want floating-point numbers: %w", name, v.DType(),
				tensor.ErrShape)
		}
		q := &tensor.Param[float32]{Name: name, Shape: v.Shape().Dimensions, Data: make([]float32, v.Shape().Size())}
		if p.config.gradients {
			q.Grad = make([]float32, len(q.Data))
		}
		params = append(params, q)
	}
	core, err := prune.New(params, append([]prune.Option{prune.WithLayout(prune.OutputLast)}, p.config.options...)...)
	if err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	p.store, p.params, p.core = store, params, core
	if p.config.inPlace {
		core.Track(func(q *tensor.Param[float32], visit func([]float32)) {
			for _, x := range p.open[q] {
				visit(x)
			}
		})
	}
	return p.save()
}

// save puts the state where checkpoints take it along.
func (p *Pruner) save() error {
	text, err := p.core.MarshalText()
	if err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	p.store.SetParam(statePath, string(text))
	return nil
}

// stepOnDevice reads weights and gradients, and writes masks if they have changed.
func (p *Pruner) stepOnDevice(step int) (prune.StepInfo, error) {
	if err := p.read(); err != nil {
		return prune.StepInfo{}, err
	}
	info, err := p.core.Step(step)
	if err == nil && info.Pruned+info.Grown > 0 {
		err = p.writeMasks()
	}
	return info, err
}

// read copies the weights, and gradients if they are kept, to the host.
func (p *Pruner) read() error {
	for _, q := range p.params {
		if err := host.Read(q.Data, p.store.GetVariable(q.Name)); err != nil {
			return fmt.Errorf("pruning: %w", err)
		}
		if grad := p.store.GetVariable(gradPath(q.Name)); p.config.gradients && grad != nil && grad.HasValue() {
			if err := host.Read(q.Grad, grad); err != nil {
				return fmt.Errorf("pruning: %w", err)
			}
		}
	}
	return nil
}

// writeMasks writes the masks, and sets pruned weights and what the optimizer keeps of them to zero.
func (p *Pruner) writeMasks() error {
	masks := p.core.Masks()
	for _, q := range p.params {
		m := masks.Get(q.Name)
		if m == nil {
			continue
		}
		keep := make([]float32, len(q.Data))
		prune.Fill(m, keep)
		v := p.store.GetVariable(q.Name)
		if !p.config.inPlace {
			var mask *model.Variable
			err := exceptions.TryCatch[error](func() { mask = p.mask(v) })
			if err == nil {
				err = host.Write(mask, keep)
			}
			if err != nil {
				return fmt.Errorf("pruning: %w", err)
			}
		}
		for _, path := range append([]string{q.Name}, p.slots[q.Name]...) {
			if err := host.Zero(p.store.GetVariable(path), keep); err != nil {
				return fmt.Errorf("pruning: %w", err)
			}
		}
	}
	return nil
}

// mask is the variable of a parameter's mask.
func (p *Pruner) mask(v *model.Variable) *model.Variable {
	m := host.Variable(p.store, maskPath(v.Path()), v.Shape(), initializer.One)
	if spec := v.ShardingSpec(); spec != nil && m.ShardingSpec() == nil {
		m.WithShardingSpec(spec)
	}
	return m
}

// Masks is the masks as they are now, or nil before the first step.
func (p *Pruner) Masks() *prune.Masks {
	if p.core == nil {
		return nil
	}
	return p.core.Masks()
}

// Stats reads the weights and describes the model as it is pruned now. The error wraps [tensor.ErrEmpty] before the
// first step.
func (p *Pruner) Stats() (prune.Stats, error) {
	if err := p.look("Stats"); err != nil {
		return prune.Stats{}, err
	}
	return p.core.Stats(), nil
}

// Finish reads the weights and reports whether pruning is complete, as [prune.Pruner.Finish] does. The error wraps
// [tensor.ErrEmpty] before the first step.
func (p *Pruner) Finish() error {
	if err := p.look("Finish"); err != nil {
		return err
	}
	return p.core.Finish()
}

func (p *Pruner) look(call string) error {
	if p.core == nil {
		return fmt.Errorf("pruning: %s: before the first step: %w", call, tensor.ErrEmpty)
	}
	if p.config.inPlace { // the slices of the last step are no more
		for _, q := range p.params {
			q.Data = make([]float32, len(q.Data))
		}
	}
	return p.read()
}
