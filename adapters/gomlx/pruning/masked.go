package pruning

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/tensor"
)

// masked is an optimizer that multiplies by masks after its update, and keeps gradients before.
type masked struct {
	optimizer.Interface
	p *Pruner
}

// UpdateGraph implements optimizer.Interface.
func (m *masked) UpdateGraph(scope *model.Scope, _ *graph.Graph, loss *graph.Node) {
	m.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients.
func (m *masked) UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, loss dtypes.DType) {
	p, store := m.p, scope.Store()
	if len(grads) > 0 {
		host.RefuseSPMD(grads[0].Graph(), "pruning")
	}
	if err := p.prepare(store); err != nil {
		panic(err)
	}
	if p.store != store {
		panic(fmt.Errorf("pruning: the pruner is in use for another store: %w", tensor.ErrConflict))
	}
	p.built = true
	of := byPath(scope, grads)
	m.Interface.(train.OptimizeWithGradients).UpdateGraphWithGradients(scope, grads, loss)
	p.slots = slotsOf(store, p.names)
	for _, name := range p.names {
		grad := of[name]
		if grad == nil {
			panic(fmt.Errorf("pruning: %q has no gradient: it is not trainable, or the model does not use it: %w", name,
				tensor.ErrRange))
		}
		v := store.GetVariable(name)
		if p.config.gradients {
			host.Variable(store, gradPath(name), grad.Shape(), initializer.Zero).SetNodeValue(grad)
		}
		if p.config.inPlace {
			continue
		}
		mask := p.mask(v).NodeValue(grad.Graph())
		for _, path := range append([]string{name}, p.slots[name]...) {
			multiply(store.GetVariable(path), mask)
		}
	}
}

func multiply(v *model.Variable, mask *graph.Node) {
	g := mask.Graph()
	v.SetNodeValue(graph.Mul(v.NodeValue(g), graph.ConvertDType(mask, v.DType())))
}

// byPath is the gradients by the paths of the variables, which are in the order of the graph that they were built in.
func byPath(scope *model.Scope, grads []*graph.Node) map[string]*graph.Node {
	of := map[string]*graph.Node{}
	for v := range scope.IterVariables() {
		if len(of) < len(grads) && v.Trainable && v.InUseByGraph(grads[0].Graph()) {
			of[v.Path()] = grads[len(of)]
		}
	}
	return of
}

// Clear implements optimizer.Interface.
func (m *masked) Clear(scope *model.Scope) error {
	if err := scope.Store().DeleteVariablesInScope(host.Scope + "/grad"); err != nil {
		return err
	}
	return m.Interface.Clear(scope)
}

// slotsOf finds what an optimizer keeps of parameters: variables that are not trained, of the shape of one, and with
// the path of that one in their own. Of several paths the longest is meant.
func slotsOf(store *model.Store, names []string) map[string][]string {
	var trained []*model.Variable
	for v := range store.IterVariables() {
		if v.Trainable {
			trained = append(trained, v)
		}
	}
	slots := map[string][]string{}
	for _, name := range names {
		slots[name] = nil
	}
	for v := range store.IterVariables() {
		path := v.Path()
		if v.Trainable || strings.HasPrefix(path, host.Scope+"/") ||
			strings.HasPrefix(path, "/"+train.AccumulatedGradientsScope+"/") {
			continue
		}
		owner := ""
		for _, w := range trained {
			if strings.Contains(path, w.Path()) && len(w.Path()) > len(owner) && sameDimensions(v, w) {
				owner = w.Path()
			}
		}
		if _, ours := slots[owner]; ours {
			slots[owner] = append(slots[owner], path)
		}
	}
	return slots
}

func sameDimensions(v, w *model.Variable) bool { return v.Shape().EqualDimensions(w.Shape()) }
