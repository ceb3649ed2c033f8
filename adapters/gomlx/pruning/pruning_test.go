package pruning_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/pruning"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

const steps = 40

// setting is how a test prunes.
type setting struct {
	opt        optimizer.Interface
	pruning    []prune.Option
	opts       []pruning.Option
	accumulate int
	params     []string            // of checkpoints that are left out
	model      train.ModelFn       // nil for gxtest.Net
	attach     func(p *process)    // more hooks
	names      []string            // of the parameters; nil for gxtest.Weights
	strategy   train.Dataset       // nil for gxtest.Data
	keep       func(*model.Store)  // before the trainer is made
	wrap       func(*setting) bool // whether the trainer gets the pruner's optimizer; nil for yes
}

func (s setting) with(opts ...pruning.Option) setting {
	s.opts = append(append([]pruning.Option{}, s.opts...), opts...)
	return s
}

func gradual(every int, opts ...prune.Option) []prune.Option {
	s := prune.Cubic(4, 30)
	s.Every = every
	return append([]prune.Option{prune.WithSparsity(0.7), prune.WithSchedule(s)}, opts...)
}

// process is a program that trains to a step, from the checkpoint in a folder.
type process struct {
	store   *model.Store
	pruner  *pruning.Pruner
	loop    *train.Loop
	builds  int
	updates []prune.StepInfo
}

func run(t *testing.T, b compute.Backend, dir string, s setting, to int) (*process, error) {
	t.Helper()
	p := &process{store: gxtest.Store(t)}
	build := checkpoint.Build(p.store).Dir(dir)
	if s.params != nil {
		build = build.ExcludeParams(s.params...)
	}
	ck, err := build.Done()
	require.NoError(t, err)
	if s.keep != nil {
		s.keep(p.store)
	}
	names := s.names
	if names == nil {
		names = gxtest.Weights
	}
	p.pruner, err = pruning.New(s.opt, names, append([]pruning.Option{pruning.WithOptions(s.pruning...),
		pruning.WithReport(func(i prune.StepInfo) { p.updates = append(p.updates, i) })}, s.opts...)...)
	require.NoError(t, err)
	net := s.model
	if net == nil {
		net = func(scope *model.Scope, _ any, x []*graph.Node) []*graph.Node {
			return []*graph.Node{gxtest.Net(scope, x[0])}
		}
	}
	opt := p.pruner.Optimizer()
	if s.wrap != nil && !s.wrap(&s) {
		opt = s.opt
	}
	tr := train.NewTrainer(b, p.store, func(scope *model.Scope, spec any, x []*graph.Node) []*graph.Node {
		p.builds++
		return net(scope, spec, x)
	}, loss.MeanSquaredError, opt, nil, nil)
	if s.accumulate > 1 {
		require.NoError(t, tr.AccumulateGradients(s.accumulate))
	}
	p.loop = train.NewLoop(tr)
	p.pruner.Attach(p.loop)
	p.loop.OnEnd("save", 100, func(*train.Loop, []*tensors.Tensor) error { return ck.Save() })
	if s.attach != nil {
		s.attach(p)
	}
	var ds train.Dataset = gxtest.Data{From: p.loop.LoopStep}
	if s.strategy != nil {
		ds = s.strategy
	}
	_, err = p.loop.RunSteps(ds, to*max(s.accumulate, 1)-p.loop.LoopStep)
	return p, err
}

func (p *process) values(t *testing.T, paths ...string) (all [][]float32) {
	for _, path := range paths {
		all = append(all, gxtest.Values(t, p.store, path))
	}
	return all
}

// everything is the weights and what Adam keeps: names of metrics are random, and each resume adds some.
var everything = []string{"/h/dense/weights", "/o/dense/weights", "/h/dense/biases", "/o/dense/biases",
	"/AdamOptimizer/h/dense/weights_1st_moment", "/AdamOptimizer/o/dense/weights_2nd_moment"}

func adam() optimizer.Interface { return optimizer.Adam().LearningRate(0.02).Done() }

func sgd() optimizer.Interface {
	return optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(0.02).Done()
}

func TestARunThatIsResumedIsTheSame(t *testing.T) {
	b := gxtest.Backend(t)
	scores := map[string]prune.Scorer[float32]{"magnitude": prune.Magnitude[float32](), "taylor": prune.Taylor[float32]()}
	forms := map[string][]pruning.Option{"on the device": nil, "in place": {pruning.WithInPlace()}}
	for name, score := range scores {
		for _, every := range []int{1, 5} {
			var weights [][][]float32
			for form, opts := range forms {
				s := setting{opt: adam(), pruning: gradual(every, prune.WithScorer(score))}.with(opts...)
				if name == "taylor" {
					s = s.with(pruning.WithGradients())
				}
				one, err := run(t, b, t.TempDir(), s, steps)
				require.NoError(t, err)
				assert.Equal(t, 1, one.builds, "one compilation")
				require.NoError(t, one.pruner.Finish(), "%s %s", name, form)
				dir := t.TempDir()
				_, err = run(t, b, dir, s, 17)
				require.NoError(t, err)
				two, err := run(t, b, dir, s, steps)
				require.NoError(t, err)
				assert.Equal(t, one.values(t, everything...), two.values(t, everything...), "%s %s every %d", name, form, every)
				assert.True(t, one.pruner.Masks().Equal(two.pruner.Masks()))
				weights = append(weights, one.values(t, everything...))
				if every == 5 {
					assert.Len(t, one.updates, 7, "the host looks at weights in the steps that change masks")
				}
				zeros := 0
				for _, w := range one.values(t, gxtest.Weights...) {
					for _, x := range w {
						if x == 0 {
							zeros++
						}
					}
				}
				kept, of := one.pruner.Masks().Count()
				assert.Equal(t, of-kept, zeros)
			}
			assert.Equal(t, weights[0], weights[1], "%s every %d: on the device as in place", name, every)
		}
	}
}

// Between the steps that are due nothing is read: not even that a weight is gone is noticed.
func TestTheHostLooksWhenItIsDue(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: adam(), pruning: gradual(5)}
	p, err := run(t, b, t.TempDir(), s, 6)
	require.NoError(t, err)
	require.NoError(t, p.store.GetVariable(gxtest.Weights[0]).Reset())
	for updates := 7; updates <= 10; updates++ { // step 9 is due
		require.NoError(t, optimizer.GetGlobalStepVar(p.store).SetValue(tensors.FromScalar(int64(updates))))
		err := p.pruner.Step(p.loop.Trainer)
		assert.Equal(t, updates == 10, err != nil, "after update %d", updates)
	}
}

func TestConnectionsThatMove(t *testing.T) {
	b := gxtest.Backend(t)
	rewire := prune.RigL(60)
	rewire.Every = 5
	options := []prune.Option{prune.WithSparsity(.6), prune.WithRewire(rewire), prune.WithSeed(3)}
	s := setting{opt: adam(), pruning: options}.with(pruning.WithGradients())
	device, err := run(t, b, t.TempDir(), s, steps)
	require.NoError(t, err)
	grown := 0
	for _, i := range device.updates {
		grown += i.Grown
	}
	assert.Positive(t, grown)
	place, err := run(t, b, t.TempDir(), s.with(pruning.WithInPlace()), steps)
	require.NoError(t, err)
	assert.Equal(t, place.values(t, everything...), device.values(t, everything...))
}

func TestAccumulatedMicroBatchesAreOneStep(t *testing.T) {
	b := gxtest.Backend(t)
	for _, opts := range [][]pruning.Option{{pruning.WithGradients()}, {pruning.WithGradients(), pruning.WithInPlace()}} {
		s := setting{opt: adam(), pruning: gradual(5, prune.WithScorer(prune.Taylor[float32]())), accumulate: 4}.with(opts...)
		p, err := run(t, b, t.TempDir(), s, steps)
		require.NoError(t, err)
		require.NoError(t, p.pruner.Finish())
		var at []int
		for _, i := range p.updates {
			at = append(at, i.Step)
		}
		assert.Equal(t, []int{4, 9, 14, 19, 24, 29, 30}, at, "in updates, not in micro-batches")
	}
}

func TestResumingWithoutTheState(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: adam(), pruning: gradual(1)}
	dir := t.TempDir()
	_, err := run(t, b, dir, s, 17)
	require.NoError(t, err)
	s.params = []string{"pruner"}
	_, err = run(t, b, dir, s, steps)
	require.ErrorIs(t, err, pruning.ErrNoState)
	assert.ErrorContains(t, err, "17 updates")
	p, err := run(t, b, dir, s.with(pruning.WithFreshStart()), steps)
	require.NoError(t, err)
	assert.NoError(t, p.pruner.Finish())

	s.params, s.pruning = nil, gradual(5)
	_, err = run(t, b, dir, s, steps+1)
	assert.ErrorIs(t, err, tensor.ErrConflict, "a state of other options")
}

// Masks are applied before the first forward pass after a restore, whatever is in the checkpoint.
func TestMasksAreAppliedAtTheStart(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: adam(), pruning: gradual(1)}
	dir := t.TempDir()
	before, err := run(t, b, dir, s, 32)
	require.NoError(t, err)
	s.keep = func(store *model.Store) { // as if it had been saved before it was pruned
		v := store.GetVariable(gxtest.Weights[0])
		require.NoError(t, tensors.MutableFlatData(v.MustValue(), func(x []float32) {
			for i := range x {
				x[i] += 1
			}
		}))
	}
	s.attach = func(p *process) {
		p.loop.OnStart("look", 50, func(*train.Loop, train.Dataset) error {
			m := before.pruner.Masks().Get(gxtest.Weights[0])
			for i, x := range gxtest.Values(t, p.store, gxtest.Weights[0]) {
				require.Equal(t, m.Keep(i), x != 0, "weight %d", i)
			}
			return nil
		})
	}
	_, err = run(t, b, dir, s, 33)
	require.NoError(t, err)
}

// Variables of the adapter that a checkpoint brings would be trained; so would they be in GoMLX alone.
func TestOwnVariablesAreNotTrained(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: adam(), pruning: gradual(1)}.with(pruning.WithGradients())
	dir := t.TempDir()
	_, err := run(t, b, dir, s, 35)
	require.NoError(t, err)
	p, err := run(t, b, dir, s, 38)
	require.NoError(t, err)
	for v := range p.store.IterVariables() {
		path := v.Path()
		assert.Equal(t, path == "/h/dense/weights" || path == "/h/dense/biases" || path == "/o/dense/weights" ||
			path == "/o/dense/biases", v.Trainable, path)
	}
	for _, name := range gxtest.Weights {
		m := p.pruner.Masks().Get(name)
		for i, x := range gxtest.Values(t, p.store, "/espalier/mask"+name) {
			assert.Equal(t, m.Keep(i), x == 1)
			assert.True(t, x == 0 || x == 1)
		}
	}
}

// A path that is a part of another's does not get its moments.
func TestWhatBelongsToAParameter(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: optimizer.Adam().LearningRate(0.02).Scope("mine").Done(), pruning: gradual(1),
		names: []string{"/h/dense/weights"},
		model: func(scope *model.Scope, _ any, x []*graph.Node) []*graph.Node {
			h := graph.Tanh(layers.DenseWithBias(scope.In("a").In("h"), x[0], gxtest.Columns))
			h = graph.Tanh(layers.DenseWithBias(scope.In("h"), h, gxtest.Columns))
			return []*graph.Node{layers.DenseWithBias(scope.In("o"), h, 1)}
		}}
	p, err := run(t, b, t.TempDir(), s, steps)
	require.NoError(t, err)
	zeros := func(path string) (n int) {
		for _, x := range gxtest.Values(t, p.store, path) {
			if x == 0 {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 45, zeros("/h/dense/weights"))
	assert.Equal(t, 45, zeros("/mine/h/dense/weights_1st_moment"))
	assert.Equal(t, 45, zeros("/mine/h/dense/weights_2nd_moment"))
	assert.Zero(t, zeros("/a/h/dense/weights"))
	assert.Zero(t, zeros("/mine/a/h/dense/weights_1st_moment"))
}

func TestWhatIsRefused(t *testing.T) {
	b := gxtest.Backend(t)
	s := setting{opt: adam(), pruning: gradual(1)}
	_, err := pruning.New(nil, gxtest.Weights)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = pruning.New(adam(), nil)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = pruning.New(adam(), []string{"/a", "a"})
	assert.ErrorIs(t, err, prune.ErrDuplicateName)
	_, err = pruning.New(adam(), []string{"/a"}, nil)
	assert.Error(t, err)
	_, err = pruning.New(adam(), []string{"/a"}, pruning.WithOptions(), pruning.WithReport(nil))
	assert.ErrorIs(t, err, tensor.ErrEmpty)

	other := s
	other.names = []string{"/no/such/weights"}
	_, err = run(t, b, t.TempDir(), other, 3)
	assert.ErrorIs(t, err, tensor.ErrRange, "before anything is trained")
	other = s
	other.pruning = []prune.Option{prune.WithSparsity(2)}
	_, err = run(t, b, t.TempDir(), other, 3)
	assert.ErrorIs(t, err, tensor.ErrRange)
	other = s
	other.pruning = gradual(1, prune.WithScorer(prune.Taylor[float32]()))
	_, err = run(t, b, t.TempDir(), other, 6)
	assert.ErrorIs(t, err, prune.ErrMissingGrad, "without WithGradients")
	other = s
	other.wrap = func(*setting) bool { return false }
	_, err = run(t, b, t.TempDir(), other, 3)
	assert.ErrorIs(t, err, tensor.ErrConflict, "the trainer has the other optimizer")

	p, err := pruning.New(adam(), gxtest.Weights, pruning.WithOptions(gradual(1)...))
	require.NoError(t, err)
	assert.ErrorIs(t, p.Finish(), tensor.ErrEmpty)
	_, err = p.Stats()
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	assert.Nil(t, p.Masks())
	table, err := gomlx.NewTable(schedule.Constant{V: .1}, 10)
	require.NoError(t, err)
	_, err = gomlx.Scheduled(b, p.Optimizer(), table)
	assert.ErrorIs(t, err, tensor.ErrRange, "the schedule belongs inside")
}

// spmd is a data set of a program under SPMD.
type spmd struct{ train.DistributedDataset }

func (spmd) Strategy() distributed.Strategy { return distributed.SPMD }

func TestSPMDIsRefused(t *testing.T) {
	b := gxtest.Backend(t)
	_, err := run(t, b, t.TempDir(), setting{opt: sgd(), pruning: gradual(1), strategy: spmd{}}, 3)
	require.ErrorIs(t, err, tensor.ErrConflict)
	assert.ErrorContains(t, err, "AutoSharding")

	p, err := pruning.New(sgd(), []string{"/w"}, pruning.WithOptions(gradual(1)...))
	require.NoError(t, err)
	err = gxtest.UnderSPMD(t, func(s *model.Scope, g *graph.Graph) *graph.Node {
		w := s.VariableWithValue("w", [][]float32{{1, 2}}).NodeValue(g)
		l := graph.ReduceAllSum(graph.Square(w))
		p.Optimizer().UpdateGraph(s, g, l)
		return l
	})
	assert.ErrorIs(t, err, tensor.ErrConflict)
}

// The value of a sharded variable is a merged copy: what is changed in it has to be written back.
func TestShardedVariablesAreWrittenBack(t *testing.T) {
	b := gxtest.Backend(t)
	mesh, err := distributed.NewDeviceMesh([]int{2}, []string{"data"})
	require.NoError(t, err)
	spec, err := distributed.BuildSpec(mesh).S("data").Done()
	require.NoError(t, err)
	for _, opts := range [][]pruning.Option{nil, {pruning.WithInPlace()}} {
		store := gxtest.Store(t)
		v, err := store.CreateVariable("/w", tensors.FromFlatDataAndDimensions([]float32{.1, 2, 3, .2}, 4, 1))
		require.NoError(t, err)
		shards, err := dtensor.ShardTensor(spec, v.MustValue())
		require.NoError(t, err)
		require.NoError(t, v.SetDistributedValue(shards))
		p, err := pruning.New(sgd(), []string{"/w"}, append(opts, pruning.WithOptions(prune.WithSparsity(.5)))...)
		require.NoError(t, err)
		tr := train.NewTrainer(b, store, gxtest.Net, nil, p.Optimizer(), nil, nil)
		require.NoError(t, p.Start(tr))
		exec, err := model.NewExec(b, store, func(s *model.Scope, g *graph.Graph) *graph.Node {
			l := graph.ReduceAllSum(graph.Square(v.NodeValue(g)))
			p.Optimizer().UpdateGraph(s, g, l)
			return l
		})
		require.NoError(t, err)
		_, err = exec.Compile() // not run: this backend has one device
		require.NoError(t, err)
		require.NoError(t, optimizer.GetGlobalStepVar(store).SetValue(tensors.FromScalar(int64(1))))
		require.NoError(t, p.Step(tr))
		d, err := v.DistributedValue()
		require.NoError(t, err)
		assert.Equal(t, [][]float32{{0}, {2}}, d.Shards()[0].Value())
		assert.Equal(t, [][]float32{{3}, {0}}, d.Shards()[1].Value())
		if opts == nil {
			m, err := store.GetVariable("/espalier/mask/w").DistributedValue()
			require.NoError(t, err)
			assert.Equal(t, [][]float32{{0}, {1}}, m.Shards()[0].Value(), "masks are sharded as what they mask is")
		}
	}
}
