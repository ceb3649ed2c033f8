package tta

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// scaled is a view that multiplies, noisy one that adds a draw.
func scaled(name string, by float32) View[float32] {
	return View[float32]{Name: name, Steps: []Transform[float32]{Func("times "+name,
		func(x float32) (float32, error) { return by * x, nil })}}
}

func noisy() View[float32] {
	return View[float32]{Name: "noisy", Steps: []Transform[float32]{RandomFunc("noise",
		func(x float32, rng *rand.Rand) (float32, error) { return x + rng.Float32(), nil })}}
}

// What is cached is not computed again, and comes out the same.
func TestCollectFromACache(t *testing.T) {
	seen := 0
	model := func(_ context.Context, batch []float32, out []float32) error {
		seen += len(batch)
		for i, x := range batch {
			out[2*i], out[2*i+1] = x, -x
		}
		return nil
	}
	xs := slices.Values([]float32{1, 2, 3, 4, 5})
	original := View[float32]{Name: "original", Original: true}
	collect := func(cache Cache, seed uint64, views ...View[float32]) *Outputs {
		p, err := NewPolicy(views...)
		require.NoError(t, err)
		opts := []CollectOption{WithBatch(3), WithSeed(seed)}
		if cache != nil {
			opts = append(opts, WithCache(cache))
		}
		o, err := Collect(t.Context(), model, p, xs, 2, opts...)
		require.NoError(t, err)
		return o
	}
	var cache MemoryCache
	for _, k := range []struct {
		views []View[float32]
		seed  uint64
		cost  int // views of examples that are new
	}{
		{[]View[float32]{original, scaled("two", 2)}, 0, 10},
		{[]View[float32]{original, scaled("two", 2)}, 0, 0},
		{[]View[float32]{original, scaled("three", 3), scaled("two", 2)}, 0, 5},
		{[]View[float32]{original, noisy()}, 0, 5},
		{[]View[float32]{original, noisy()}, 1, 5}, // another draw
		{[]View[float32]{noisy(), original}, 0, 5}, // and another stream
		{[]View[float32]{original, {Name: "two", Steps: scaled("two", 2).Steps, Classes: []int{1, 0}}}, 0, 5},
		{[]View[float32]{original, noisy()}, 1, 0},
	} {
		seen = 0
		want := collect(nil, k.seed, k.views...)
		seen = 0
		require.Equal(t, want, collect(&cache, k.seed, k.views...))
		require.Equal(t, k.cost, seen)
	}
	data, err := cache.MarshalBinary()
	require.NoError(t, err)
	var loaded MemoryCache
	require.NoError(t, loaded.UnmarshalBinary(data))
	require.Equal(t, 35, loaded.Len())
	seen = 0
	collect(&loaded, 1, original, noisy())
	require.Zero(t, seen)
	again, err := loaded.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again)
}

// What a run has computed before it is interrupted is kept; what is not finite is not.
func TestCacheOfARunThatFails(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	model := func(_ context.Context, batch []float32, out []float32) error {
		if calls++; calls == 3 {
			return stop
		}
		copy(out, batch)
		return nil
	}
	p, err := NewPolicy(View[float32]{Name: "original", Original: true})
	require.NoError(t, err)
	var cache MemoryCache
	xs := slices.Values([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
	_, err = Collect(t.Context(), model, p, xs, 1, WithBatch(2), WithCache(&cache))
	require.ErrorIs(t, err, stop)
	require.Equal(t, 4, cache.Len())
	o, err := Collect(t.Context(), model, p, xs, 1, WithBatch(2), WithCache(&cache))
	require.NoError(t, err)
	require.Equal(t, 3+3, calls, "five are left: three batches")
	require.Equal(t, []float32{9}, o.Example(8))

	_, err = NewPredictor(model, p, fixedOf(t, Mean(), o), WithCollect(WithCache(&cache)))
	require.ErrorIs(t, err, tensor.ErrConflict)
	_, err = Collect(t.Context(), model, p, xs, 1, WithCache(nil))
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

// An early exit asks the model for all inputs that are not decided together.
func TestEarlyExitKeepsBatches(t *testing.T) {
	o := separated(t)
	path, err := SelectViews(t.Context(), o)
	require.NoError(t, err)
	var sizes []int
	model := func(_ context.Context, batch []int, out []float32) error {
		sizes = append(sizes, len(batch))
		for i, x := range batch {
			copy(out[i*o.Classes():], o.View(x/o.Views(), x%o.Views()))
		}
		return nil
	}
	var views []View[int]
	for a := range o.Views() {
		views = append(views, View[int]{Name: string(rune('a' + a)), Original: a == 0, Steps: []Transform[int]{
			Func("at", func(x int) (int, error) { return x*o.Views() + a, nil })}})
	}
	p, err := NewPolicy(views...)
	require.NoError(t, err)
	predict := func(batch int) (tensor.Matrix[float32], int) {
		sizes = nil
		predictor, err := NewPredictor(model, p, path.Step(path.Len()), WithEarlyExit(path, 0.8),
			WithCollect(WithBatch(batch)))
		require.NoError(t, err)
		dst := tensor.NewMatrix[float32](o.Len(), o.Classes())
		used, err := predictor.Predict(t.Context(), span(0, o.Len()), dst)
		require.NoError(t, err)
		return dst, used
	}
	one, used := predict(1)
	require.Greater(t, used, o.Len())
	require.Less(t, used, o.Len()*path.Len())
	many, same := predict(32)
	require.Equal(t, one, many)
	require.Equal(t, used, same)
	assert.Equal(t, 32, sizes[0])
	assert.Less(t, len(sizes), used/4)
}

// separated are outputs of three views, of which later ones see more.
func separated(t *testing.T) *Outputs {
	rng := tensor.Stream(8)
	var data []float32
	var labels []int
	for n := range 96 {
		labels = append(labels, n%3)
		for range 3 {
			for c := range 3 {
				v := rng.NormFloat64()
				if c == n%3 {
					v += 1.5
				}
				data = append(data, float32(v))
			}
		}
	}
	o, err := NewOutputs(3, 3, data, WithLabels(labels), WithIdentity(0))
	require.NoError(t, err)
	return o
}
