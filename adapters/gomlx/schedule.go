package gomlx

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

// Table is the values of a schedule at the steps of a run, for graphs: immutable and safe for concurrent use.
type Table struct {
	values []float64
}

// maxSteps is how long a table may be: it stands in every graph that looks into it.
const maxSteps = 1 << 24

// NewTable evaluates s at the steps 0 to steps, where it counts updates of the weights; later ones have the value of
// the last. The error is that of [schedule.Validate], or wraps [tensor.ErrRange] for steps below 1 or above 2^24 and
// [tensor.ErrNotFinite] with the first step whose value is not a number.
func NewTable(s schedule.Schedule, steps int) (*Table, error) {
	const call = "gomlx: NewTable"
	if err := schedule.Validate(s); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	if steps < 1 || steps > maxSteps {
		return nil, fmt.Errorf("%s: %d steps, want 1 to 2^24: %w", call, steps, tensor.ErrRange)
	}
	t := &Table{make([]float64, steps+1)}
	for step := range t.values {
		v := s.Value(float64(step))
		if v-v != 0 {
			return nil, fmt.Errorf("%s: the value at step %d is %v: %w", call, step, v, tensor.ErrNotFinite)
		}
		t.values[step] = v
	}
	return t, nil
}

// At is the value at the number of updates that the model has had, a scalar of the graph. That number is the global
// step, which checkpoints hold and all devices agree on: nothing is written by the host, a resumed run goes on where
// it was, and micro-batches that are accumulated for one update have one value. Call it in the model or the loss,
// where the global step is that before the update. A hyper-parameter that GoMLX wants as a number of Go is a constant
// of its graphs and cannot follow: the betas and the weight decay of Adam, the limits of clipping.
func (t *Table) At(g *graph.Graph, dtype dtypes.DType) *graph.Node {
	store := model.GetStore(g)
	if store == nil {
		panic(fmt.Errorf("gomlx: Table.At: the graph has no store, and with it no global step: %w", tensor.ErrConflict))
	}
	step := optimizer.GetGlobalStepVar(store).NodeValue(g)
	at := graph.Reshape(graph.MinScalar(step, int64(len(t.values)-1)), 1, 1)
	table := graph.ConstAsDType(g, tableType(dtype), t.values)
	return graph.ConvertDType(graph.Reshape(graph.Gather(table, at)), dtype)
}

// tableType is the type in which a table stands in a graph: numbers are rounded once.
func tableType(dtype dtypes.DType) dtypes.DType {
	if dtype == dtypes.Float64 {
		return dtypes.Float64
	}
	return dtypes.Float32
}

// LearningRate is the path of the variable that the optimizers of GoMLX take the learning rate from.
const LearningRate = "/" + optimizer.Scope + "/learning_rate"

// Scheduled is opt with the learning rate of a table. It is set in the graph of the update, in the type that opt wants
// it in, before every one: the first of a run too, for which NewTrainer would take the default, and the first after a
// resume. It accumulates gradients if opt does.
//
// Before, opt is tried on the backend with one weight, and refused with an error that wraps [tensor.ErrConflict] if
// the rate would not be what the table says: if it also divides by the root of the step, as
// [optimizer.StochasticGradientDescent] does without WithDecay(false), if its update does not grow with the rate, or
// holds off at first, which a schedule that is 0 there does better. An optimizer whose numbers break down in the type
// of the loss is refused too, as Adam in bfloat16 is without DType(Float32); for other types than float32 that happens
// when the graph is built.
func Scheduled(backend compute.Backend, opt optimizer.Interface, t *Table) (optimizer.Interface, error) {
	const call = "gomlx: Scheduled"
	if backend == nil || opt == nil || t == nil {
		return nil, fmt.Errorf("%s: backend, optimizer or table is nil: %w", call, tensor.ErrEmpty)
	}
	s := &scheduled{Interface: opt, backend: backend, table: t, types: map[dtypes.DType]dtypes.DType{}}
	if _, err := s.rateType(dtypes.Float32); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	if inner, ok := opt.(train.OptimizeWithGradients); ok {
		return &accumulating{s, inner}, nil
	}
	return s, nil
}

type scheduled struct {
	optimizer.Interface
	backend compute.Backend
	table   *Table

	mu    sync.Mutex
	types map[dtypes.DType]dtypes.DType // of the rate, by that of the loss
}

// rateType is the type in which the optimizer takes the rate.
func (s *scheduled) rateType(loss dtypes.DType) (dtypes.DType, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rate, known := s.types[loss]; known {
		return rate, nil
	}
	rate, err := probe(s.backend, s.Interface, loss)
	if err == nil {
		s.types[loss] = rate
	}
	return rate, err
}

func (s *scheduled) set(scope *model.Scope, g *graph.Graph, loss dtypes.DType) {
	dtype, err := s.rateType(loss)
	if err != nil {
		panic(fmt.Errorf("gomlx: Scheduled: %w", err))
	}
	optimizer.LearningRateVarWithValue(scope, dtype, s.table.values[0]).SetNodeValue(s.table.At(g, dtype))
}

// UpdateGraph implements optimizer.Interface.
func (s *scheduled) UpdateGraph(scope *model.Scope, g *graph.Graph, loss *graph.Node) {
	s.set(scope, g, loss.DType())
	s.Interface.UpdateGraph(scope, g, loss)
}

// accumulating is a scheduled optimizer that takes gradients.
type accumulating struct {
	*scheduled
	inner train.OptimizeWithGradients
}

// UpdateGraphWithGradients implements train.OptimizeWithGradients.
func (a *accumulating) UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, loss dtypes.DType) {
	if len(grads) > 0 {
		a.set(scope, grads[0].Graph(), loss)
	}
	a.inner.UpdateGraphWithGradients(scope, grads, loss)
}
