package prune_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/tensor"
)

// Reports read back equal, and enumerations are their names.
func TestJSONReadsBack(t *testing.T) {
	params := prunetest.Params[float32](1)
	p, err := prune.New(params, prune.WithSparsity(0.5), prune.WithMACs(map[string]int64{"fc1.weight": 1000}))
	require.NoError(t, err)
	info, err := p.Step(0)
	require.NoError(t, err)
	stats := p.Stats()
	b, err := json.Marshal(stats)
	require.NoError(t, err)
	require.Contains(t, string(b), `"role":"weight"`)
	var read prune.Stats
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, stats, read)
	b, err = json.Marshal(info)
	require.NoError(t, err)
	var step prune.StepInfo
	require.NoError(t, json.Unmarshal(b, &step))
	require.Equal(t, info, step)

	type settings struct {
		Scope  prune.Scope
		Rule   prune.Rule
		Layout prune.Layout
		Pool   prune.Pool
		Norm   prune.Norm
		Role   prune.Role
	}
	in := settings{prune.PerRow, prune.RuleBernoulli, prune.OutputLast, prune.Max, prune.LInf, prune.Other}
	b, err = json.Marshal(in)
	require.NoError(t, err)
	require.Equal(t, `{"Scope":"per row","Rule":"bernoulli","Layout":"output last","Pool":"max",`+
		`"Norm":"linf","Role":"other"}`, string(b))
	var out settings
	require.NoError(t, json.Unmarshal(b, &out))
	require.Equal(t, in, out)
}

// A preset is as if its options had been given in its place.
func TestPresetOrder(t *testing.T) {
	masks := func(opts ...prune.MaskOption) *prune.Masks {
		m, err := prune.ComputeMasks(prunetest.Params[float32](1), append(opts, prune.WithCompression(4))...)
		require.NoError(t, err)
		return m
	}
	preset, own := prune.WithPreset("shrinkbench/GlobalMagWeight"), prune.WithScope(prune.PerTensor)
	require.True(t, masks(own, preset).Equal(masks(preset)))
	require.True(t, masks(preset, own).Equal(masks(prune.WithPreset("shrinkbench/LayerMagWeight"))))
	require.False(t, masks(preset, own).Equal(masks(preset)))
	random := prune.WithScorer(prune.Random[float32]())
	require.True(t, masks(random, preset).Equal(masks(preset)))
	require.False(t, masks(preset, random).Equal(masks(preset)))
	require.True(t, masks(prune.WithScorer(prune.Taylor[float32]()), random).Equal(masks(random)), "the later one wins")
	_, err := prune.ComputeMasks(prunetest.Params[float32](1), prune.WithCompression(4), prune.WithCompression(2),
		prune.WithNonzeros(9))
	require.ErrorIs(t, err, tensor.ErrConflict)
}
