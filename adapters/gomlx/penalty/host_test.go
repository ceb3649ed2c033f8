package penalty_test

import (
	"iter"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/penalty"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func groups() (v []int, node []int32) {
	for i := range gxtest.Rows {
		v, node = append(v, i%2), append(node, int32(i%2))
	}
	return v, node
}

// trained trains for 30 steps with the penalty in the graph or from the host, and dropout.
func trained(t *testing.T, inGraph bool) []float32 {
	t.Helper()
	b := gxtest.Backend(t)
	store := gxtest.Store(t)
	v, node := groups()
	representation := func(scope *model.Scope, in []*graph.Node) *graph.Node {
		h := graph.Tanh(layers.DenseWithBias(scope.In("h"), in[0], gxtest.Hidden))
		return layers.Dropout(scope, h, graph.Scalar(h.Graph(), dtypes.Float32, .3))
	}
	var host *penalty.Host
	opt := optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(.02).Done()
	tr := train.NewTrainer(b, store, func(scope *model.Scope, _ any, in []*graph.Node) []*graph.Node {
		z := representation(scope, in)
		return []*graph.Node{layers.DenseWithBias(scope.In("o"), z, 1), z}
	}, func(labels, predictions []*graph.Node) *graph.Node {
		l := graph.ReduceAllMean(graph.Square(graph.Sub(predictions[0], labels[0])))
		if inGraph {
			rows := penalty.Groups{V: graph.Const(l.Graph(), node), Levels: 2}
			return graph.Add(l, penalty.MMD(predictions[1], rows, penalty.RBF(1)))
		}
		return graph.Add(l, host.Term(predictions[1], labels))
	}, opt, nil, nil)
	var ds train.Dataset = gxtest.Data{}
	core, err := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)))
	require.NoError(t, err)
	host, err = penalty.NewHost(tr, representation, core)
	require.NoError(t, err)
	if !inGraph {
		ds = host.Dataset(ds, func(train.Batch) (causal.Batch, error) { return causal.Batch{V: v}, nil })
	}
	// every variable exists before the first draw that matters
	first := gxtest.Batch(0)
	first.Labels = append(first.Labels, tensors.FromScalar(float32(0)), tensors.FromFlatDataAndDimensions(make([]float32,
		gxtest.Rows*gxtest.Hidden), gxtest.Rows, gxtest.Hidden))
	_, err = tr.EvalStep(first)
	require.NoError(t, err)
	if !inGraph { // the host has the model run once more when it begins
		for _, err := range dataset.Take(ds, 1).Iter() {
			require.NoError(t, err)
		}
	}
	require.NoError(t, store.SetRNGStateFromSeed(9))
	_, err = train.NewLoop(tr).RunSteps(labelled{ds, inGraph}, 30)
	require.NoError(t, err)
	return gxtest.Values(t, store, gxtest.Weights[0])
}

// labelled gives batches without the host's labels two of the same shapes.
type labelled struct {
	train.Dataset
	add bool
}

func (l labelled) Iter() iter.Seq2[train.Batch, error] {
	if !l.add {
		return l.Dataset.Iter()
	}
	return func(yield func(train.Batch, error) bool) {
		for b, err := range l.Dataset.Iter() {
			b.Labels = append(b.Labels, tensors.FromScalar(float32(0)), tensors.FromFlatDataAndDimensions(make([]float32,
				gxtest.Rows*gxtest.Hidden), gxtest.Rows, gxtest.Hidden))
			if !yield(b, err) {
				return
			}
		}
	}
}

func TestAPenaltyOfTheHostIsThatInTheGraph(t *testing.T) {
	golden.Close(t, "weights", trained(t, false), trained(t, true), 0, 2e-6)
}

func TestSurrogate(t *testing.T) {
	exec := graph.MustNewExec(gxtest.Backend(t), func(z, value, grad *graph.Node) []*graph.Node {
		p := penalty.Surrogate(z, value, grad)
		g := graph.Gradient(p, z, value, grad)
		return []*graph.Node{p, g[0], g[1], g[2]}
	})
	out := exec.MustCall([]float32{1e6, -3, 2.5e-7}, float32(.25), []float32{1e-3, -7, 11})
	assert.Equal(t, float32(.25), out[0].Value())
	assert.Equal(t, []float32{1e-3, -7, 11}, out[1].Value())
	assert.Equal(t, float32(0), out[2].Value())
	assert.Equal(t, []float32{0, 0, 0}, out[3].Value())
}

func TestWhatAHostRefuses(t *testing.T) {
	b := gxtest.Backend(t)
	representation := func(scope *model.Scope, in []*graph.Node) *graph.Node { return gxtest.Net(scope, in[0]) }
	tr := train.NewTrainer(b, model.NewStore(), gxtest.Net, nil, optimizer.Adam().Done(), nil, nil)
	_, err := penalty.NewHost(tr, nil, causal.CORAL[float32]{})
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = penalty.NewHost(tr, representation, causal.CORAL[float32]{})
	assert.ErrorIs(t, err, tensor.ErrConflict, "no random numbers")

	store := gxtest.Store(t)
	var host *penalty.Host
	tr = train.NewTrainer(b, store, gxtest.Net, func(labels, predictions []*graph.Node) *graph.Node {
		return graph.Add(graph.ReduceAllMean(predictions[0]), host.Term(predictions[0], labels))
	}, optimizer.Adam().Done(), nil, nil)
	host, err = penalty.NewHost(tr, representation, causal.CORAL[float32]{})
	require.NoError(t, err)
	_, err = train.NewLoop(tr).RunSteps(gxtest.Data{}, 1)
	assert.ErrorIs(t, err, tensor.ErrShape, "data without the host")
	tr = train.NewTrainer(b, store, gxtest.Net, func(labels, predictions []*graph.Node) *graph.Node {
		return graph.Add(graph.ReduceAllMean(predictions[0]), host.Term(predictions[0], labels))
	}, optimizer.Adam().Done(), nil, nil)
	host, err = penalty.NewHost(tr, representation, causal.CORAL[float32]{})
	require.NoError(t, err)
	ds := host.Dataset(gxtest.Data{}, func(train.Batch) (causal.Batch, error) { return causal.Batch{V: []int{1}}, nil })
	_, err = train.NewLoop(tr).RunSteps(ds, 1)
	assert.ErrorIs(t, err, tensor.ErrShape, "labels of one row")
	_, err = tr.Eval(host.Evaluation(dataset.Take(gxtest.Data{}, 2)))
	assert.NoError(t, err, "an evaluation has no penalty")
}
