package schedule_test

import (
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func TestSet(t *testing.T) {
	var lr, wd float64
	var order []string
	set := s.NewSet().
		Bind("lr", s.Linear{From: 1, Over: 10}, func(v float64) { lr = v; order = append(order, "lr") }).
		Bind("watched", s.Constant{V: 7}, nil).
		Bind("a weight decay", s.Linear{To: 1, Over: 10}, func(v float64) { wd = v; order = append(order, "wd") })
	require.NoError(t, set.Validate())
	set.Apply(2)
	require.Equal(t, []float64{0.8, 0.2}, []float64{lr, math.Round(wd*1e9) / 1e9})
	require.Equal(t, []string{"lr", "wd"}, order)

	var names []string
	for name := range set.Values(5) {
		names = append(names, name)
	}
	require.Equal(t, []string{"lr", "watched", "a weight decay"}, names)
	require.Equal(t, map[string]float64{"lr": 0.5, "watched": 7, "a weight decay": 0.5}, maps.Collect(set.Values(5)))
	for range set.Values(5) {
		break
	}
	require.Len(t, order, 2, "Values calls no function")

	quiet := s.NewSet().Bind("lr", s.Linear{From: 1, Over: 10}, func(v float64) { lr = v }).Bind("wd",
		s.Constant{V: 1}, func(v float64) { wd = v })
	if !race.Enabled {
		require.Zero(t, testing.AllocsPerRun(100, func() { quiet.Apply(3) }))
	}

	bad := s.NewSet().Bind("lr", s.Linear{}, nil).Bind("wd", nil, nil).Bind("lr", s.Constant{}, nil)
	err := bad.Validate()
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorContains(t, err, `Set: "lr": Linear.Over = 0`)
	require.ErrorContains(t, err, `schedule: Set: "wd": schedule is nil`)
	require.ErrorContains(t, err, `Set: "lr" is bound twice`)
	require.PanicsWithError(t, err.Error(), func() { bad.Apply(0) })
	require.PanicsWithError(t, err.Error(), func() { bad.Values(0) })
}

func TestLayerDecay(t *testing.T) {
	groups, err := s.LayerDecay(s.Linear{From: 1, Over: 10}, 3, 0.5)
	require.NoError(t, err)
	require.Len(t, groups, 3)
	for i, want := range []float64{0.125, 0.25, 0.5} {
		require.NoError(t, s.Validate(groups[i]))
		require.Equal(t, want, groups[i].Value(5))
	}
	_, err = s.LayerDecay(s.Linear{}, 0, -1)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "LayerDecay.n = 0: must be >= 1")
	require.ErrorContains(t, err, "LayerDecay.factor = -1: must be > 0")
	require.ErrorContains(t, err, "LayerDecay.s.Over = 0")
	_, err = s.LayerDecay(s.Constant{}, 2000, 2)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	_, err = s.LayerDecay(nil, 2, 2)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}
