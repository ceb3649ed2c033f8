package views_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/views"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/vision"
)

const classes = 3

func images(n int) (all []vision.Image) {
	rng := tensor.Stream(2)
	for range n {
		x := vision.NewImage(4, 4, 1)
		for i := range x.Pix {
			x.Pix[i] = float32(rng.NormFloat64())
		}
		all = append(all, x)
	}
	return all
}

func put(dst []float32, x vision.Image) error {
	copy(dst, x.Pix)
	return nil
}

func executor(t *testing.T, builds *int, out int) *model.Exec {
	t.Helper()
	exec, err := model.NewExec(gxtest.Backend(t), gxtest.Store(t), func(s *model.Scope, x *graph.Node) *graph.Node {
		*builds++
		return layers.DenseWithBias(s.In("o"), graph.Reshape(x, x.Shape().Dimensions[0], 16), out)
	})
	require.NoError(t, err)
	return exec
}

func TestOutputsAreTheModels(t *testing.T) {
	builds := 0
	exec := executor(t, &builds, classes)
	policy, err := vision.D4()
	require.NoError(t, err)
	xs := images(13)
	var each [2][]float32
	for k, batch := range []int{1, 7} {
		m, err := views.Model(exec, batch, []int{4, 4, 1}, classes, put)
		require.NoError(t, err)
		o, err := tta.Collect(context.Background(), m, policy, slices.Values(xs), classes, tta.WithBatch(batch))
		require.NoError(t, err)
		require.Equal(t, 13, o.Len())
		for i := range o.Len() {
			each[k] = append(each[k], o.Example(i)...)
		}
	}
	assert.Equal(t, 2, builds, "a graph for each size of a batch, though the last is not full")
	assert.InDeltaSlice(t, each[0], each[1], 1e-6)
	for i, x := range xs {
		want := exec.MustCall(tensors.FromFlatDataAndDimensions(x.Pix, 1, 4, 4, 1))[0]
		identity, _ := policy.Identity()
		at := (i*policy.Len() + identity) * classes
		assert.InDeltaSlice(t, tensors.MustCopyFlatData[float32](want), each[0][at:at+classes], 1e-6)
	}
}

// What an input does not write is 0, whatever was there in the batch before.
func TestMemoryIsCleared(t *testing.T) {
	builds := 0
	exec := executor(t, &builds, classes)
	m, err := views.Model(exec, 2, []int{4, 4, 1}, classes, func(dst []float32, x float32) error {
		if x != 0 {
			dst[0] = x
		}
		return nil
	})
	require.NoError(t, err)
	out, none := make([]float32, classes), make([]float32, classes)
	require.NoError(t, m(context.Background(), []float32{0}, none))
	require.NoError(t, m(context.Background(), []float32{5}, out))
	require.NotEqual(t, none, out)
	require.NoError(t, m(context.Background(), []float32{0}, out))
	assert.Equal(t, none, out)
}

func TestWhatIsRefused(t *testing.T) {
	builds := 0
	exec := executor(t, &builds, classes+1)
	_, err := views.Model[vision.Image](nil, 4, []int{16}, classes, put)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = views.Model(exec, 0, []int{16}, classes, put)
	assert.ErrorIs(t, err, tensor.ErrRange)
	policy, err := tta.NewPolicy(tta.View[vision.Image]{Name: "original", Original: true})
	require.NoError(t, err)
	collect := func(ctx context.Context, put func([]float32, vision.Image) error, batch int) error {
		m, err := views.Model(exec, 4, []int{4, 4, 1}, classes, put)
		require.NoError(t, err)
		var xs iter.Seq[vision.Image] = slices.Values(images(9))
		_, err = tta.Collect(ctx, m, policy, xs, classes, tta.WithBatch(batch))
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	assert.ErrorIs(t, collect(ctx, put, 4), tensor.ErrShape, "another number of classes")
	assert.ErrorIs(t, collect(ctx, put, 8), tensor.ErrRange, "a larger batch")
	own := errors.New("own")
	assert.ErrorIs(t, collect(ctx, func([]float32, vision.Image) error { return own }, 4), own)
	cancel()
	assert.ErrorIs(t, collect(ctx, put, 4), context.Canceled)
}
