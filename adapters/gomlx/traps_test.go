package gomlx_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/ml/train/optimizer/cosineschedule"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
)

// What GoMLX does, which the documentation of the package tells of. When one of these fails, GoMLX has changed: look at
// what the adapters do about it.

// rates trains in parts and returns the rate of each step.
func rates(t *testing.T, own bool, parts ...int) (all []float32) {
	b := gxtest.Backend(t)
	store := gxtest.Store(t)
	store.SetParam(optimizer.ParamLearningRate, .05)
	opt := sgd()
	if !own {
		opt = scheduled(t, b, opt)
	}
	tr := train.NewTrainer(b, store, func(s *model.Scope, x *graph.Node) *graph.Node {
		if own {
			cosineschedule.New(s, x.Graph(), dtypes.Float32).FromScope().NumCycles(1).Done()
		}
		return gxtest.Net(s, x)
	}, loss.MeanSquaredError, opt, nil, nil)
	loop := train.NewLoop(tr)
	loop.OnStep("see", 0, func(*train.Loop, []*tensors.Tensor) error {
		all = append(all, gxtest.Values(t, store, gomlx.LearningRate)[0])
		return nil
	})
	for _, n := range parts {
		_, err := loop.RunSteps(gxtest.Data{From: loop.LoopStep}, n)
		require.NoError(t, err)
	}
	return all
}

func TestTwoRunsOfOneLoop(t *testing.T) {
	assert.Equal(t, rates(t, false, 40), rates(t, false, 20, 20))
	one, two := rates(t, true, 40), rates(t, true, 20, 20)
	assert.Greater(t, one[19], 50*two[19], "GoMLX's own cosine is as long as the run that it is told of last")
}

// Parameters of a checkpoint take the place of the program's, the learning rate too.
func TestParametersOfACheckpoint(t *testing.T) {
	b := gxtest.Backend(t)
	dir := t.TempDir()
	store := gxtest.Store(t)
	store.SetParam(optimizer.ParamLearningRate, .01)
	ck, err := checkpoint.Build(store).Dir(dir).Done()
	require.NoError(t, err)
	require.NoError(t, ck.Save())
	store = gxtest.Store(t)
	store.SetParam(optimizer.ParamLearningRate, .5)
	_, err = checkpoint.Build(store).Dir(dir).Done()
	require.NoError(t, err)
	lr, _ := store.GetParam(optimizer.ParamLearningRate)
	assert.Equal(t, .01, lr)
	tr := train.NewTrainer(b, store, gxtest.Net, loss.MeanSquaredError, scheduled(t, b, sgd()), nil, nil)
	_, err = tr.TrainStep(gxtest.Batch(0))
	require.NoError(t, err)
	assert.Equal(t, float32(rate.Value(0)), gxtest.Values(t, store, gomlx.LearningRate)[0])
}

// A resume adds metrics with random names to a store.
func TestStoresGrow(t *testing.T) {
	b := gxtest.Backend(t)
	dir := t.TempDir()
	var metrics []int
	for range 2 {
		store := gxtest.Store(t)
		ck, err := checkpoint.Build(store).Dir(dir).Done()
		require.NoError(t, err)
		tr := train.NewTrainer(b, store, gxtest.Net, loss.MeanSquaredError, sgd(), nil, nil)
		_, err = tr.TrainStep(gxtest.Batch(0))
		require.NoError(t, err)
		require.NoError(t, ck.Save())
		again, err := checkpoint.Build(gxtest.Store(t)).Dir(dir).Done()
		require.NoError(t, err)
		n := 0
		for path := range again.LoadedVariables() {
			if strings.Contains(path, "metrics") {
				n++
			}
		}
		metrics = append(metrics, n)
	}
	assert.Equal(t, 2*metrics[0], metrics[1])
}

// A step takes the memory of variables away: what is kept of it is no view of them any more.
func TestKeptSlices(t *testing.T) {
	b := gxtest.Backend(t)
	store := gxtest.Store(t)
	tr := train.NewTrainer(b, store, gxtest.Net, loss.MeanSquaredError, sgd(), nil, nil)
	step := func(k int) {
		_, err := tr.TrainStep(gxtest.Batch(k))
		require.NoError(t, err)
	}
	step(0)
	var kept []float32
	require.NoError(t, tensors.MutableFlatData(store.GetVariable(gxtest.Weights[0]).MustValue(),
		func(x []float32) { kept = x }))
	step(1)
	kept[0] = 1e9
	assert.NotEqual(t, float32(1e9), gxtest.Values(t, store, gxtest.Weights[0])[0])
}

func TestGapsOfTheBackendInGo(t *testing.T) {
	b := gxtest.Backend(t)
	gradient := func(dtype dtypes.DType, f func(s *model.Scope, x *graph.Node) *graph.Node) error {
		store := gxtest.Store(t)
		exec, err := model.NewExec(b, store, func(s *model.Scope, g *graph.Graph) *graph.Node {
			store.SetTraining(g, true)
			x := graph.ConvertDType(graph.IotaFull(g, shapes.Make(dtypes.Float32, 2, 4, 4, 1)), dtype)
			y := graph.ReduceAllSum(graph.Square(f(s, x)))
			return graph.ConvertDType(graph.ReduceAllSum(graph.Gradient(y, x)[0]), dtypes.Float32)
		})
		require.NoError(t, err)
		_, err = exec.Call()
		return err
	}
	assert.Error(t, gradient(dtypes.Float32, func(s *model.Scope, x *graph.Node) *graph.Node {
		return norm.BatchNorm(s.In("n"), x, -1).Done()
	}), "batch normalisation in training")
	assert.Error(t, gradient(dtypes.BFloat16, func(s *model.Scope, x *graph.Node) *graph.Node {
		return layers.DenseWithBias(s.In("d"), graph.Reshape(x, 2, 16), 3)
	}), "a dense layer with bias in bfloat16")
	assert.NoError(t, gradient(dtypes.Float32, func(_ *model.Scope, x *graph.Node) *graph.Node {
		return graph.MaxPool(x).Window(2).Done()
	}), "pooling has a gradient")
}
