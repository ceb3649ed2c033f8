package cpu_test

import (
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/attention"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/tensor"
)

// The program that hangs in the default mode: a transformer of two layers.
func TestATransformerComesToItsEnd(t *testing.T) {
	timer := time.AfterFunc(time.Minute, func() { panic("the backend hangs") })
	defer timer.Stop()
	t.Setenv("GOMLX_BACKEND", "")
	b, err := cpu.New()
	require.NoError(t, err)
	store := model.NewStore()
	require.NoError(t, store.SetRNGStateFromSeed(1))
	const vocab, width = 20, 16
	tr := train.NewTrainer(b, store, func(s *model.Scope, ids *graph.Node) *graph.Node {
		x := layers.Embedding(s.In("e"), graph.InsertAxes(ids, -1), dtypes.Float32, vocab, width)
		for k := range 2 {
			s := s.In("layer%d", k)
			y := attention.MultiHeadAttention(s.In("a"), x, x, x, 2, width/2).Done()
			x = norm.LayerNorm(s.In("n"), graph.Add(x, y), -1).Done()
			x = graph.Add(x, layers.DenseWithBias(s.In("f"), graph.Tanh(layers.DenseWithBias(s.In("g"), x, width)), width))
		}
		return layers.DenseWithBias(s.In("o"), x, vocab)
	}, loss.SparseCategoricalCrossEntropyLogits, optimizer.Adam().LearningRate(.01).Done(), nil, nil)
	rng := tensor.Stream(1)
	var first, last float32
	for step := range 20 {
		ids := make([]int32, 8*12)
		for i := range ids {
			ids[i] = int32(rng.IntN(vocab))
		}
		m, err := tr.TrainStep(train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(ids, 8, 12)},
			Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(ids, 8, 12, 1)}})
		require.NoError(t, err)
		last = tensors.ToScalar[float32](m[0])
		if step == 0 {
			first = last
		}
	}
	assert.Less(t, last, first)
}

func TestTheEnvironmentDecides(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "nothing:such")
	_, err := cpu.New()
	assert.ErrorContains(t, err, "nothing")
}
