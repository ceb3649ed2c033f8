package pareto

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Same seed, same bits: whatever the number of processors and workers. Another seed, other bits.
func TestVerdictsAreDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	var methods []Measured
	for i := range 4 {
		m := Measured{Name: fmt.Sprint(i)}
		for range 6 {
			m.Cost = append(m.Cost, 5+rng.NormFloat64())
			m.Quality = append(m.Quality, rng.NormFloat64())
		}
		methods = append(methods, m)
	}
	var curves []tradeoff.Curve
	for i := range 5 {
		curves = append(curves, curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: float64(100 + 7*i), Quality: 0.9}))
	}
	all := func(seed uint64, workers int) string {
		standings, err := Verdicts(methods, tradeoff.HigherBetter, WithResampling(stats.WithSeed(seed),
			stats.WithWorkers(workers), stats.WithReplicates(500)))
		require.NoError(t, err)
		median, band, err := MedianBand(tradeoff.Runs{Name: "r", Curves: curves},
			WithResampling(stats.WithSeed(seed), stats.WithWorkers(workers)))
		require.NoError(t, err)
		return fmt.Sprintf("%v %v %v", standings, median, band)
	}
	want := all(1, 0)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for _, workers := range []int{0, 1, 3} {
				require.Equal(t, want, all(1, workers), "%d processors, %d workers", procs, workers)
			}
		}()
	}
	require.NotEqual(t, want, all(2, 0))
}

func TestResultsAsJSON(t *testing.T) {
	s, err := Verdicts([]Measured{{Name: "a", Cost: []float64{1}, Quality: []float64{2}}, {Name: "b", Cost: []float64{2},
		Quality: []float64{1}}},
		tradeoff.HigherBetter)
	require.NoError(t, err)
	b, err := json.Marshal(s[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "b", "cost": 2, "quality": 1, "optimal": 0, "dominated_by": [1, 0], "verdict": "ambiguous",
		"warnings": ["1 run cannot tell anything of the spread; run 3 seeds or more: too few values"]}`, string(b))
	var standing Standing
	require.NoError(t, json.Unmarshal(b, &standing))
	require.ErrorIs(t, standing.Warnings[0], stats.ErrTooFew)
	standing.Warnings = s[1].Warnings
	require.Equal(t, s[1], standing)

	m := Measured{Name: "a", Cost: []float64{1}, Quality: []float64{2}}
	b, err = json.Marshal(m)
	require.NoError(t, err)
	var back Measured
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, m, back)
	for _, v := range []encoding.TextMarshaler{OnFrontier, Dominated, tradeoff.LowerBetter, tradeoff.HigherBetter} {
		text, err := v.MarshalText()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(v), string(text))
	}
}
