package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func direction(higher bool) Direction {
	if higher {
		return HigherBetter
	}
	return LowerBetter
}

var readings = map[string]Interpolation{"first": FirstHit, "linear": Linear, "log": LogCost}

func TestGoldenReadings(t *testing.T) {
	var g struct {
		Curves []struct {
			Name          string
			HigherBetter  bool `json:"higher_better"`
			Cost, Quality []golden.Number
			Targets       []float64
			CostsQuery    []float64                  `json:"costs_query"`
			TimeToQuality map[string][]golden.Number `json:"time_to_quality"`
			QualityAtCost map[string][]golden.Number `json:"quality_at_cost"`
			AUC           *struct{ Lo, Hi, Linear, Log float64 }
		}
	}
	golden.JSON(t, "testdata/time_to_quality.json.gz", &g)
	require.NotEmpty(t, g.Curves)
	for _, k := range g.Curves {
		c, err := NewCurve(golden.Floats(k.Cost), golden.Floats(k.Quality), direction(k.HigherBetter))
		require.NoError(t, err)
		for name, how := range readings {
			for i, q := range k.Targets {
				got, ok := c.Crossing(q, how)
				golden.Same(t, float64(k.TimeToQuality[name+"/envelope=False"][i]), got, 1e-12,
					"%s %s crossing of %v", k.Name, name, q)
				require.Equal(t, !math.IsInf(got, 1), ok)
				got, ok = c.TimeToQuality(q, how)
				golden.Same(t, float64(k.TimeToQuality[name+"/envelope=True"][i]), got, 1e-12, "%s %s time to %v", k.Name, name, q)
				require.Equal(t, !math.IsInf(got, 1), ok)
			}
			for i, cost := range k.CostsQuery {
				got, ok := c.QualityAt(cost, how)
				golden.Same(t, float64(k.QualityAtCost[name+"/envelope=False"][i]), got, 1e-12,
					"%s %s quality at %v", k.Name, name, cost)
				require.Equal(t, !math.IsNaN(got), ok)
				got, _ = c.Envelope().QualityAt(cost, how)
				golden.Same(t, float64(k.QualityAtCost[name+"/envelope=True"][i]), got, 1e-12,
					"%s %s best at %v", k.Name, name, cost)
			}
		}
		if k.AUC == nil {
			continue
		}
		for axis, want := range map[Axis]float64{LinearAxis: k.AUC.Linear, LogAxis: k.AUC.Log} {
			got, err := c.AUC(k.AUC.Lo, k.AUC.Hi, axis)
			require.NoError(t, err)
			golden.Same(t, want, got, 1e-12, "%s AUC on axis %v", k.Name, axis)
		}
	}
}

func second[T any](_ T, err error) error { return err }

var nan = math.NaN()
