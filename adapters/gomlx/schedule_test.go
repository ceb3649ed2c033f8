package gomlx_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

var rate = schedule.Warmup{Over: 5, Then: schedule.Cosine{From: 0.05, To: 0.001, Over: 35}}

const steps = 40

func table(t *testing.T, s schedule.Schedule) *gomlx.Table {
	t.Helper()
	lr, err := gomlx.NewTable(s, steps)
	require.NoError(t, err)
	return lr
}

func sgd() optimizer.Interface { return optimizer.StochasticGradientDescent().WithDecay(false).Done() }

func scheduled(t *testing.T, b compute.Backend, opt optimizer.Interface) optimizer.Interface {
	t.Helper()
	s, err := gomlx.Scheduled(b, opt, table(t, rate))
	require.NoError(t, err)
	return s
}

// run is a run of several processes: each makes everything anew and goes on from the checkpoint.
type run struct {
	store  *model.Store
	rates  []float64 // of each step
	builds int
	loop   *train.Loop
}

func (r *run) process(t *testing.T, b compute.Backend, dir string, opt optimizer.Interface, accumulate, to int,
	attach func(*train.Loop)) {
	t.Helper()
	r.store = gxtest.Store(t)
	ck, err := checkpoint.Build(r.store).Dir(dir).Done()
	require.NoError(t, err)
	tr := train.NewTrainer(b, r.store, func(s *model.Scope, x *graph.Node) *graph.Node {
		r.builds++
		return gxtest.Net(s, x)
	}, loss.MeanSquaredError, opt, nil, nil)
	if accumulate > 1 {
		require.NoError(t, tr.AccumulateGradients(accumulate))
	}
	r.loop = train.NewLoop(tr)
	if attach != nil {
		attach(r.loop)
	}
	r.loop.OnStep("see the rate that the step used", -200, func(*train.Loop, []*tensors.Tensor) error {
		if r.store.GetVariable(gomlx.LearningRate) != nil {
			r.rates = append(r.rates, float64(gxtest.Values(t, r.store, gomlx.LearningRate)[0]))
		}
		return nil
	})
	_, err = r.loop.RunSteps(gxtest.Data{From: r.loop.LoopStep}, to*accumulate-r.loop.LoopStep)
	require.NoError(t, err)
	require.NoError(t, ck.Save())
}

func (r *run) weights(t *testing.T) (w []float32) {
	for _, path := range gxtest.Weights {
		w = append(w, gxtest.Values(t, r.store, path)...)
	}
	return w
}

func TestARunThatIsResumedIsTheSame(t *testing.T) {
	b := gxtest.Backend(t)
	for name, opt := range map[string]optimizer.Interface{"sgd": sgd(), "adam": optimizer.Adam().Done(),
		"a rate of its own": optimizer.Adam().LearningRate(7).Done()} {
		var one, two run
		one.process(t, b, t.TempDir(), scheduled(t, b, opt), 1, steps, nil)
		assert.Equal(t, 1, one.builds, "%s: one compilation", name)
		dir := t.TempDir()
		two.process(t, b, dir, scheduled(t, b, opt), 1, 17, nil)
		two.process(t, b, dir, scheduled(t, b, opt), 1, steps, nil)
		require.Len(t, one.rates, steps)
		for step, v := range one.rates { // the first too, for which NewTrainer takes the rate away
			assert.Equal(t, float64(float32(rate.Value(float64(step)))), v, "%s: step %d", name, step)
		}
		assert.Equal(t, one.rates, two.rates, name)
		assert.Equal(t, one.weights(t), two.weights(t), name)
	}
}

func TestAccumulatedMicroBatchesAreOneStep(t *testing.T) {
	b := gxtest.Backend(t)
	const micro = 4
	var graphs, hooks run
	graphs.process(t, b, t.TempDir(), scheduled(t, b, sgd()), micro, 20, nil)
	require.EqualValues(t, 20, graphs.loop.Trainer.GlobalStep())
	for k, v := range graphs.rates { // the variable exists from the first update on
		assert.Equal(t, float64(float32(rate.Value(float64(k/micro)))), v, "micro-batch %d", k)
	}
	hooks.process(t, b, t.TempDir(), sgd(), micro, 20, func(loop *train.Loop) {
		gomlx.OnUpdate(loop, "rate", func(step int) error {
			return gomlx.SetVariable(loop.Trainer.Store(), gomlx.LearningRate, dtypes.Float32, rate.Value(float64(step)))
		})
	})
	assert.Equal(t, graphs.weights(t), hooks.weights(t), "by hooks and in the graph")
}

func TestPlateauByHooks(t *testing.T) {
	b := gxtest.Backend(t)
	plateau, err := schedule.NewPlateau(0.05)
	require.NoError(t, err)
	var called []int
	var r run
	attach := func(loop *train.Loop) {
		gomlx.OnUpdate(loop, "plateau", func(step int) error {
			called = append(called, step)
			if step == 3 {
				for range 12 { // stands still for longer than its patience
					if _, err := plateau.Observe(1); err != nil {
						return err
					}
				}
			}
			return gomlx.SetVariable(loop.Trainer.Store(), gomlx.LearningRate, dtypes.Float32, plateau.Value())
		})
	}
	dir := t.TempDir()
	r.process(t, b, dir, sgd(), 1, 4, attach)
	r.process(t, b, dir, sgd(), 1, 6, attach)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 4, 5, 6}, called, "before the first step of each run and after every update")
	assert.InDeltaSlice(t, []float64{.05, .05, .05, .005, .005, .005}, r.rates, 1e-8)
}

func TestHyperParametersInTheGraph(t *testing.T) {
	b := gxtest.Backend(t)
	drop := table(t, schedule.Linear{From: 1, To: 0, Over: 8})
	store := gxtest.Store(t)
	exec, err := model.NewExec(b, store, func(_ *model.Scope, g *graph.Graph) []*graph.Node {
		return []*graph.Node{drop.At(g, dtypes.Float32), drop.At(g, dtypes.Float64)}
	})
	require.NoError(t, err)
	for step, want := range map[int64]float64{0: 1, 3: .625, 8: 0, 1000: 0} {
		require.NoError(t, optimizer.GetGlobalStepVar(store).SetValue(tensors.FromScalar(step)))
		out := exec.MustCall()
		assert.EqualValues(t, want, out[0].Value(), "step %d", step)
		assert.EqualValues(t, want, out[1].Value(), "step %d", step)
	}
}

func TestTablesAreChecked(t *testing.T) {
	_, err := gomlx.NewTable(nil, 10)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = gomlx.NewTable(schedule.Constant{V: 1}, 0)
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = gomlx.NewTable(schedule.Func(func(t float64) float64 { return math.Log(3 - t) }), 10)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	assert.ErrorContains(t, err, "at step 3")
}

func TestOptimizersThatBendTheRateAreRefused(t *testing.T) {
	b := gxtest.Backend(t)
	lr := table(t, rate)
	refused := func(name, text string, opt optimizer.Interface) {
		_, err := gomlx.Scheduled(b, opt, lr)
		require.ErrorIs(t, err, tensor.ErrConflict, name)
		assert.ErrorContains(t, err, text, name)
	}
	refused("sgd as it comes", "WithDecay(false)", optimizer.StochasticGradientDescent())
	refused("backoff", "holds its first updates back", optimizer.Adam().WithBackoffSteps(10).Done())
	refused("a rate that is no variable", "no variable", fixed{})
	for name, opt := range map[string]optimizer.Interface{"sgd": sgd(), "adam": optimizer.Adam().Done(),
		"adamax": optimizer.Adam().Adamax().Done(), "rmsprop": optimizer.RMSProp().Done(),
		"adamw": optimizer.Adam().WeightDecay(.1).Done()} {
		_, err := gomlx.Scheduled(b, opt, lr)
		assert.NoError(t, err, name)
	}
	_, err := gomlx.Scheduled(b, nil, lr)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}

// fixed is an optimizer with a step of its own.
type fixed struct{}

func (fixed) UpdateGraph(scope *model.Scope, g *graph.Graph, l *graph.Node) {
	grads := scope.BuildTrainableVariablesGradientsGraph(l)
	k := 0
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			v.SetNodeValue(graph.Sub(v.NodeValue(g), grads[k]))
			k++
		}
	}
}

func (fixed) Clear(*model.Scope) error { return nil }

// bfloat trains a weight of bfloat16 with a loss of bfloat16.
func bfloat(t *testing.T, b compute.Backend, opt optimizer.Interface, n int) (*model.Store, error) {
	store := gxtest.Store(t)
	tr := train.NewTrainer(b, store, func(s *model.Scope, x *graph.Node) *graph.Node {
		return graph.Dot(x, s.VariableWithShape("w", shapes.Make(dtypes.BFloat16, 4, 1)).NodeValue(x.Graph())).Product()
	}, loss.MeanSquaredError, opt, nil, nil)
	column := func(n int) *tensors.Tensor {
		x := make([]bfloat16.BFloat16, n)
		for i := range x {
			x[i] = bfloat16.FromFloat32(float32(i%5) - 1)
		}
		return tensors.FromFlatDataAndDimensions(x, 8, n/8)
	}
	for range n {
		if _, err := tr.TrainStep(train.Batch{Inputs: []*tensors.Tensor{column(32)},
			Labels: []*tensors.Tensor{column(8)}}); err != nil {
			return store, err
		}
	}
	return store, nil
}

func TestAdamInBfloat16(t *testing.T) {
	b := gxtest.Backend(t)
	store, err := bfloat(t, b, optimizer.Adam().Done(), 3)
	require.NoError(t, err)
	w := store.GetVariable("/w").MustValue().Value().([][]bfloat16.BFloat16)
	assert.True(t, math.IsNaN(w[0][0].Float64()), "GoMLX has mended it: say so in the documentation")

	_, err = bfloat(t, b, scheduled(t, b, optimizer.Adam().Done()), 1)
	require.ErrorIs(t, err, tensor.ErrConflict)
	assert.ErrorContains(t, err, "DType(Float32)")

	store, err = bfloat(t, b, scheduled(t, b, optimizer.Adam().DType(dtypes.Float32).Done()), 7)
	require.NoError(t, err)
	assert.Equal(t, float32(rate.Value(6)), gxtest.Values(t, store, gomlx.LearningRate)[0], "a rate of float32")

	store, err = bfloat(t, b, scheduled(t, b, sgd()), 7)
	require.NoError(t, err)
	assert.Equal(t, bfloat16.FromFloat64(rate.Value(6)), store.GetVariable(gomlx.LearningRate).MustValue().Value())
}

func TestVariablesAreWrittenInTheirOwnType(t *testing.T) {
	b := gxtest.Backend(t)
	opt := sgd()
	store := gxtest.Store(t)
	require.NoError(t, gomlx.SetVariable(store, gomlx.LearningRate, dtypes.BFloat16, 0.001))
	require.NoError(t, gomlx.SetVariable(store, gomlx.LearningRate, dtypes.Float32, 0.002), "the type is that it has")
	v := store.GetVariable(gomlx.LearningRate)
	assert.Equal(t, dtypes.BFloat16, v.DType())
	assert.Equal(t, bfloat16.FromFloat32(0.002), v.MustValue().Value())
	assert.False(t, v.Trainable)
	assert.ErrorIs(t, gomlx.SetVariable(store, "/x", dtypes.Float32, math.NaN()), tensor.ErrNotFinite)
	_, err := store.CreateVariable("/vector", tensors.FromFlatDataAndDimensions([]float32{1, 2}, 2))
	require.NoError(t, err)
	assert.ErrorIs(t, gomlx.SetVariable(store, "/vector", dtypes.Float32, 1), tensor.ErrShape)
	_, err = bfloat(t, b, opt, 2)
	require.NoError(t, err)
}

// A variable that a checkpoint brings is trainable whatever it was, which writing it mends.
func TestVariablesOfCheckpointsAreNotTrained(t *testing.T) {
	gxtest.Backend(t)
	dir := t.TempDir()
	store := gxtest.Store(t)
	require.NoError(t, gomlx.SetVariable(store, "/my/factor", dtypes.Float32, 1))
	ck, err := checkpoint.Build(store).Dir(dir).Done()
	require.NoError(t, err)
	require.NoError(t, ck.Save())
	again := gxtest.Store(t)
	_, err = checkpoint.Build(again).Dir(dir).Done()
	require.NoError(t, err)
	require.True(t, again.GetVariable("/my/factor").Trainable, "GoMLX has mended it: say so in the documentation")
	require.NoError(t, gomlx.SetVariable(again, "/my/factor", dtypes.Float32, 1))
	assert.False(t, again.GetVariable("/my/factor").Trainable)
}

func TestManyShapes(t *testing.T) {
	b := gxtest.Backend(t)
	train1 := func(allow int) (at int, err error) {
		tr := train.NewTrainer(b, gxtest.Store(t), func(s *model.Scope, x *graph.Node) *graph.Node {
			return graph.Mul(x, s.VariableWithValue("w", float32(1)).NodeValue(x.Graph()))
		}, loss.MeanSquaredError, sgd(), nil, nil)
		if allow > 0 {
			require.NoError(t, gomlx.AllowShapes(tr, allow))
		}
		for n := 1; n <= 40; n++ {
			column := func() *tensors.Tensor { return tensors.FromFlatDataAndDimensions(make([]float32, n), n, 1) }
			if _, err := tr.TrainStep(train.Batch{Inputs: []*tensors.Tensor{column()},
				Labels: []*tensors.Tensor{column()}}); err != nil {
				return n, err
			}
		}
		return 40, nil
	}
	at, err := train1(0)
	assert.Error(t, err)
	assert.Equal(t, 33, at)
	_, err = train1(64)
	assert.NoError(t, err)
	tr := train.NewTrainer(b, gxtest.Store(t), gxtest.Net, loss.MeanSquaredError, sgd(), nil, nil)
	assert.ErrorIs(t, gomlx.AllowShapes(tr, 0), tensor.ErrRange)
}
