package lookup_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/lookup"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

const columns, hidden, classes = 32, 64, 10

func before(s *model.Scope, x *graph.Node) *graph.Node {
	return activation.Relu(layers.DenseWithBias(s.In("h1"), x, hidden))
}

func layer(s *model.Scope, h *graph.Node) *graph.Node {
	return layers.DenseWithBias(s.In("h2"), h, hidden)
}

func after(s *model.Scope, y *graph.Node) *graph.Node {
	return layers.DenseWithBias(s.In("out"), activation.Relu(y), classes)
}

func net(s *model.Scope, x *graph.Node) *graph.Node { return after(s, layer(s, before(s, x))) }

// data are rows around ten centres.
func data(seed uint64, n int) (x *tensors.Tensor, y []int32) {
	rng, centres := tensor.Stream(seed), tensor.Stream(99)
	c := make([]float32, classes*columns)
	for i := range c {
		c[i] = float32(centres.NormFloat64())
	}
	rows, labels := make([]float32, n*columns), make([]int32, n)
	for i := range labels {
		labels[i] = int32(rng.IntN(classes))
		for j := range columns {
			rows[i*columns+j] = c[int(labels[i])*columns+j] + .9*float32(rng.NormFloat64())
		}
	}
	return tensors.FromFlatDataAndDimensions(rows, n, columns), labels
}

func accuracy(logits *tensors.Tensor, y []int32) float64 {
	right := 0
	l := tensors.MustCopyFlatData[float32](logits)
	for i, label := range y {
		if int32(tensor.ArgMax(l[i*classes:(i+1)*classes])) == label {
			right++
		}
	}
	return float64(right) / float64(len(y))
}

func TestALayerByLookups(t *testing.T) {
	b := gxtest.Backend(t)
	store := gxtest.Store(t)
	tr := train.NewTrainer(b, store, net, loss.SparseCategoricalCrossEntropyLogits,
		optimizer.Adam().LearningRate(.01).Done(), nil, nil)
	for step := range 60 {
		x, y := data(uint64(step), 64)
		_, err := tr.TrainStep(train.Batch{Inputs: []*tensors.Tensor{x},
			Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(y, len(y), 1)}})
		require.NoError(t, err)
	}
	prefix, err := model.NewExec(b, store, before)
	require.NoError(t, err)
	suffix, err := model.NewExec(b, store, after)
	require.NoError(t, err)
	whole, err := model.NewExec(b, store, net)
	require.NoError(t, err)
	calibration, _ := data(1001, 2048)
	op, err := lookup.Fit(context.Background(), prefix, "/h2/dense", calibration, maddness.WithCodebooks(32))
	require.NoError(t, err)
	require.Equal(t, hidden, op.Columns())
	server, err := lookup.NewServer(prefix, op, suffix)
	require.NoError(t, err)
	x, y := data(1002, 1024)
	exact := whole.MustCall(x)[0]
	got, err := server.Call(x)
	require.NoError(t, err)
	e, a := accuracy(exact, y), accuracy(got, y)
	assert.Greater(t, e, .95)
	assert.Greater(t, a, e-.03)
	assert.True(t, x.Ok(), "inputs stay the caller's")

	// What flows is what maddness makes of it: the seam adds nothing.
	h := prefix.MustCall(x)[0]
	want := tensor.NewMatrix[float32](1024, hidden)
	require.NoError(t, op.Mul(want, tensor.Of(1024, hidden, tensors.MustCopyFlatData[float32](h))))
	alone, err := lookup.NewServer(prefix, op, nil)
	require.NoError(t, err)
	mid, err := alone.Call(x)
	require.NoError(t, err)
	assert.Equal(t, want.Data, tensors.MustCopyFlatData[float32](mid))
	last := suffix.MustCall(tensors.FromFlatDataAndDimensions(want.Data, 1024, hidden))[0]
	assert.Equal(t, tensors.MustCopyFlatData[float32](last), tensors.MustCopyFlatData[float32](got))
	// Weights and bias are those of the layer: the approximation is of it.
	dense, err := model.NewExec(b, store, layer)
	require.NoError(t, err)
	var off, size float64
	for i, v := range tensors.MustCopyFlatData[float32](dense.MustCall(h)[0]) {
		off += math.Pow(float64(v-want.Data[i]), 2)
		size += math.Pow(float64(v), 2)
	}
	assert.Less(t, off/size, .1)
}

func TestWhatIsRefused(t *testing.T) {
	b := gxtest.Backend(t)
	store := gxtest.Store(t)
	ctx := context.Background()
	prefix, err := model.NewExec(b, store, before)
	require.NoError(t, err)
	x, _ := data(1, 64)
	_, err = lookup.Fit(ctx, nil, "/h2/dense", x)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = lookup.Fit(ctx, prefix, "/h2/dense", x)
	assert.ErrorIs(t, err, tensor.ErrRange, "no such layer")
	for name, v := range map[string]any{"/vector/weights": []float32{1}, "/short/weights": [][]float32{{1}, {2}}} {
		_, err := store.CreateVariable(name, tensors.MustFromAnyValue(v))
		require.NoError(t, err)
	}
	_, err = lookup.Fit(ctx, prefix, "/vector", x)
	assert.ErrorIs(t, err, tensor.ErrShape)
	_, err = lookup.Fit(ctx, prefix, "/short", x)
	assert.ErrorIs(t, err, tensor.ErrShape)
	_, err = lookup.NewServer(nil, nil, nil)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}
