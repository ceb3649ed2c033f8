package gomlx_test

import (
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

func TestWeightedMeanIsSelfNormalised(t *testing.T) {
	b := gxtest.Backend(t)
	exec := graph.MustNewExec(b, func(logits, y, w *graph.Node) []*graph.Node {
		own := loss.BinaryCrossentropyLogits([]*graph.Node{y, w}, []*graph.Node{logits})
		l := gomlx.SelfNormalized(loss.BinaryCrossentropyLogits)([]*graph.Node{y, w}, []*graph.Node{logits})
		each := graph.Log1P(graph.Exp(graph.Mul(logits, graph.AddScalar(graph.MulScalar(y, -2), 1))))
		m := gomlx.WeightedMean(each, w)
		return []*graph.Node{own, l, graph.Gradient(l, logits)[0], m, graph.Gradient(m, logits)[0]}
	})
	out := exec.MustCall([]float32{0, 0}, []float32{1, 0}, []float32{3, 1})
	assert.InDelta(t, 1.3863, out[0].Value(), 1e-4, "GoMLX has mended it: say so in the documentation")
	assert.InDelta(t, 0.6931, out[1].Value(), 1e-4)

	// the core's
	logits, y, w := []float32{.3, -2, 1.5, .1}, []int{1, 0, 0, 1}, []float64{.5, 2, 0, 1.25}
	losses, grad, coef := make([]float64, 4), make([]float32, 4), make([]float64, 4)
	require.NoError(t, causal.BCE(losses, grad, logits, y))
	risk, err := causal.NewWeighted()
	require.NoError(t, err)
	want, err := risk.Combine(losses, causal.Batch{W: w}, coef)
	require.NoError(t, err)
	out = exec.MustCall(logits, []float32{1, 0, 0, 1}, []float32{.5, 2, 0, 1.25})
	for _, at := range []int{1, 3} {
		assert.InDelta(t, want, out[at].Value(), 1e-6)
		for i, g := range out[at+1].Value().([]float32) {
			assert.InDelta(t, float64(grad[i])*coef[i], g, 1e-6)
		}
	}
	out = exec.MustCall(logits, []float32{1, 0, 0, 1}, []float32{0, 0, 0, 0})
	for _, at := range []int{1, 3} {
		assert.Zero(t, out[at].Value(), "no weight at all")
		assert.Equal(t, make([]float32, 4), out[at+1].Value())
	}
	_, err = graph.MustNewExec(b, gomlx.WeightedMean).Call(logits, []float32{1, 2})
	assert.ErrorIs(t, err, tensor.ErrShape)
}

func TestWeightsBesideAMask(t *testing.T) {
	b := gxtest.Backend(t)
	exec := graph.MustNewExec(b, func(p, y, w, mask *graph.Node) []*graph.Node {
		l := gomlx.SelfNormalized(loss.MeanSquaredError)
		return []*graph.Node{l([]*graph.Node{y, w, mask}, []*graph.Node{p}), l([]*graph.Node{y, mask}, []*graph.Node{p})}
	})
	out := exec.MustCall([]float32{1, 2, 3}, []float32{0, 0, 0}, []float32{3, 1, 7}, []bool{true, true, false})
	assert.InDelta(t, (3*1+1*4)/4., out[0].Value(), 1e-6)
	assert.InDelta(t, 2.5, out[1].Value(), 1e-6, "no weights")
}

func TestIgnoredLabels(t *testing.T) {
	b := gxtest.Backend(t)
	logits := [][]float32{{1, 2, 3}, {3, 2, 1}}
	masked := graph.MustNewExec(b, func(logits, labels, mask *graph.Node) []*graph.Node {
		l := loss.SparseCategoricalCrossEntropyLogits([]*graph.Node{labels, mask}, []*graph.Node{logits})
		one := graph.OneHot(graph.Reshape(labels, 2), 3, logits.DType())
		each := graph.Neg(graph.ReduceSum(graph.Mul(one, graph.LogSoftmax(logits)), -1))
		return []*graph.Node{graph.ReduceAllMean(l), gomlx.WeightedMean(each, mask)}
	})
	out := masked.MustCall(logits, [][]int32{{2}, {0}}, []bool{true, false})
	assert.InDelta(t, 0.4076, out[0].Value(), 1e-4)
	assert.InDelta(t, 0.4076, out[1].Value(), 1e-4)
	ignored := graph.MustNewExec(b, func(logits, labels *graph.Node) *graph.Node {
		return graph.ReduceAllMean(loss.SparseCategoricalCrossEntropyLogits([]*graph.Node{labels}, []*graph.Node{logits}))
	})
	half := ignored.MustCall(logits, [][]int32{{2}, {-100}})[0]
	assert.InDelta(t, 0.2038, half.Value(), 1e-4, "GoMLX has mended it: say so in the documentation")
}
