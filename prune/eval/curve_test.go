package eval_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune/eval"
)

func pointsOf(x [][2]float64) []eval.Point {
	var p []eval.Point
	for _, v := range x {
		p = append(p, eval.Point{X: v[0], Y: v[1]})
	}
	return p
}

var hulls = map[string]eval.Hull{"pareto": eval.Pareto, "pareto_hull": eval.ParetoHull, "convex_hull": eval.UpperHull}

// The paper's comparison of curves, corrected (B9): its dominance test took a point equal to one of the curve's for
// dominated.
func TestGoldenPareto(t *testing.T) {
	var g struct {
		Cases []struct {
			Name    string
			A, B    [][2]float64
			Options struct {
				A           *string `json:"a_curve_algo"`
				B           *string `json:"b_curve_algo"`
				Extrapolate bool    `json:"extrapolate_b"`
			}
			Reference, Expected []int
			Differs             bool `json:"differs_from_reference"`
		}
	}
	golden.JSON(t, "testdata/pareto.json.gz", &g)
	require.Len(t, g.Cases, 46)
	differ := 0
	for _, c := range g.Cases {
		// the function's defaults
		cmp := eval.Comparison{A: eval.AsIs, B: eval.ParetoHull, Extrapolate: c.Options.Extrapolate}
		if c.Options.A != nil {
			cmp.A = hulls[*c.Options.A]
		}
		if c.Options.B != nil {
			cmp.B = hulls[*c.Options.B]
		}
		_, places, err := cmp.Compare(pointsOf(c.A), pointsOf(c.B))
		require.NoError(t, err)
		var got []int
		for _, p := range places {
			got = append(got, int(p)-int(eval.Incomparable))
		}
		require.Equal(t, c.Expected, got, c.Name)
		if c.Differs {
			differ++
		}
	}
	require.Equal(t, 10, differ)
}
