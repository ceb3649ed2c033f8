package tradeoff

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func oneRun(t *testing.T, name string, cost, quality []float64, dir Direction) Runs {
	t.Helper()
	c, err := NewCurve(cost, quality, dir)
	require.NoError(t, err)
	r, err := NewRuns(name, c)
	require.NoError(t, err)
	return r
}

func TestGoldenSpeedups(t *testing.T) {
	type bd struct {
		Range   []float64 `json:"quality_range"`
		Speedup float64   `json:"avg_speedup"`
	}
	var g struct {
		Pairs []struct {
			Name         string
			HigherBetter bool      `json:"higher_better"`
			BaseCost     []float64 `json:"base_cost"`
			BaseQ        []float64 `json:"base_quality"`
			MethodCost   []float64 `json:"method_cost"`
			MethodQ      []float64 `json:"method_quality"`
			Targets      []float64
			Speedups     []float64 `json:"speedup_linear_env"`
			Linear       bd        `json:"bd_linear"`
			PCHIP        bd        `json:"bd_pchip"`
		}
	}
	golden.JSON(t, "testdata/time_to_quality.json.gz", &g)
	require.NotEmpty(t, g.Pairs)
	for _, k := range g.Pairs {
		base := oneRun(t, "base", k.BaseCost, k.BaseQ, direction(k.HigherBetter))
		method := oneRun(t, "method", k.MethodCost, k.MethodQ, direction(k.HigherBetter))
		for i, q := range k.Targets {
			e, err := Speedup(base, method, AtQuality(q), WithInterpolation(Linear))
			require.NoError(t, err)
			golden.Same(t, k.Speedups[i], e.Value, 1e-12, "%s speedup at %v", k.Name, q)
			require.ErrorIs(t, e.Warnings[0], ErrTooFewRuns)
			require.Equal(t, [2]float64{0, math.Inf(1)}, [2]float64{e.Lo, e.Hi})
		}
		e, err := AverageSpeedup(base, method)
		require.NoError(t, err)
		golden.Same(t, k.Linear.Speedup, e.Value, 1e-12, "%s average", k.Name)
		e, err = AverageSpeedup(base, method, WithPCHIP())
		require.NoError(t, err)
		golden.Same(t, k.PCHIP.Speedup, e.Value, 1e-12, "%s average by cubics", k.Name)
		back, err := AverageSpeedup(method, base, WithPCHIP())
		require.NoError(t, err)
		golden.Same(t, 1, back.Value*e.Value, 1e-12, "%s there and back", k.Name)
	}
}

func TestGoldenBootstrapOfSpeedups(t *testing.T) {
	var g struct {
		Cases []struct {
			Base      []golden.Number `json:"base_time"`
			Method    []golden.Number `json:"method_time"`
			IdxBase   [][]int         `json:"idx_base"`
			IdxMethod [][]int         `json:"idx_method"`
			Point     float64
			CI        []float64 `json:"ci95_percentile"`
		} `json:"speedup_bootstrap"`
	}
	golden.JSON(t, "testdata/stats_misc.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	for _, k := range g.Cases {
		arms := [2][]stats.Lifetime{}
		for a, times := range [][]golden.Number{k.Base, k.Method} {
			for _, v := range times {
				if math.IsInf(float64(v), 1) {
					arms[a] = append(arms[a], stats.Lifetime{Time: 30, Event: false})
				} else {
					arms[a] = append(arms[a], stats.Lifetime{Time: float64(v), Event: true})
				}
			}
		}
		draws := make([][]int, len(k.IdxBase))
		for b := range draws {
			draws[b] = slices.Clone(k.IdxBase[b])
			for _, run := range k.IdxMethod[b] {
				draws[b] = append(draws[b], len(k.Base)+run)
			}
		}
		e, err := medianSpeedup(arms, []stats.Option{stats.WithDraws(draws)})
		require.NoError(t, err)
		golden.Same(t, k.Point, e.Value, 1e-12, "point")
		golden.Same(t, k.CI[0], e.Lo, 1e-12, "lo")
		golden.Same(t, k.CI[1], e.Hi, 1e-12, "hi")
	}
}
