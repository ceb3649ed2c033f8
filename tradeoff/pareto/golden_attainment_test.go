package pareto

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

func TestGoldenAttainment(t *testing.T) {
	var g struct {
		EAF []struct {
			Sets   []goldenMatrix
			Levels map[string][][]float64
		} `json:"eaf"`
	}
	golden.JSON(t, "testdata/pareto.json.gz", &g)
	require.NotEmpty(t, g.EAF)
	for _, k := range g.EAF {
		// Both are to be small; as costs must be above 0, all are moved.
		const shift = 10.0
		var curves []tradeoff.Curve
		for _, set := range k.Sets {
			var cost, quality []float64
			for _, p := range set.rows() {
				cost, quality = append(cost, p[0]+shift), append(quality, p[1])
			}
			c, err := tradeoff.NewCurve(cost, quality, tradeoff.LowerBetter)
			require.NoError(t, err)
			curves = append(curves, c)
		}
		r, err := tradeoff.NewRuns("", curves...)
		require.NoError(t, err)
		for l := range k.Sets {
			got, err := Attainment(r, float64(l+1)/float64(len(k.Sets)))
			require.NoError(t, err)
			want := slices.Clone(k.Levels[fmt.Sprint(l+1)])
			slices.SortFunc(want, func(a, b []float64) int { return cmp.Compare(a[0], b[0]) })
			require.Len(t, got[0].Points(), len(want), "level %d", l+1)
			for i, p := range got[0].Points() {
				golden.Same(t, want[i][0]+shift, p.Cost, 1e-9, "cost")
				golden.Same(t, want[i][1], p.Quality, 1e-9, "quality")
			}
		}
	}
}

// By definition: at each cost, the level's curve is the l-th best of the runs.
func TestAttainmentByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dir := range []tradeoff.Direction{tradeoff.HigherBetter, tradeoff.LowerBetter} {
		for range 50 {
			var curves []tradeoff.Curve
			n := 1 + rng.IntN(6)
			for range n {
				var cost, quality []float64
				for range 1 + rng.IntN(8) {
					cost, quality = append(cost, float64(1+rng.IntN(12))), append(quality, float64(rng.IntN(6)))
				}
				c, err := tradeoff.NewCurve(cost, quality, dir)
				require.NoError(t, err)
				curves = append(curves, c)
			}
			for l := 1; l <= n; l++ {
				got, err := Attainment(tradeoff.Runs{Name: "", Curves: curves}, float64(l)/float64(n))
				require.NoError(t, err)
				for cost := 1.0; cost <= 12; cost++ {
					var reached []float64
					for _, c := range curves {
						if q, ok := c.Envelope().QualityAt(cost, tradeoff.FirstHit); ok {
							reached = append(reached, dir.Sign()*q)
						}
					}
					q, ok := got[0].QualityAt(cost, tradeoff.FirstHit)
					require.Equal(t, len(reached) >= l, ok)
					if ok {
						slices.Sort(reached)
						require.Equal(t, dir.Sign()*reached[len(reached)-l], q)
					}
				}
			}
		}
	}
}

func TestMedianBand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var curves []tradeoff.Curve
	for range 9 {
		var cost, quality []float64
		offset := rng.NormFloat64() / 50
		for i := 1; i <= 10; i++ {
			cost, quality = append(cost, float64(i)), append(quality, 1-1/float64(i)+offset)
		}
		c, err := tradeoff.NewCurve(cost, quality, tradeoff.HigherBetter)
		require.NoError(t, err)
		curves = append(curves, c)
	}
	median, band, err := MedianBand(tradeoff.Runs{Name: "", Curves: curves})
	require.NoError(t, err)
	for i, p := range median.Points() {
		require.Less(t, band.Lower.Points()[i].Quality, p.Quality)
		require.Greater(t, band.Upper.Points()[i].Quality, p.Quality)
	}
	// The band of all points at once is at least as wide as that of each.
	narrow, err := stats.Median(func() (x []float64) {
		for _, c := range curves {
			x = append(x, c.Points()[9].Quality)
		}
		return x
	}(), stats.WithInterval(stats.Percentile))
	require.NoError(t, err)
	require.Greater(t, band.Upper.Points()[9].Quality-band.Lower.Points()[9].Quality, 0.9*(narrow.Hi-narrow.Lo))
	_, _, err = MedianBand(tradeoff.Runs{Curves: curves[:2]})
	require.ErrorIs(t, err, tradeoff.ErrTooFewRuns)
	_, err = Attainment(tradeoff.Runs{Name: "", Curves: curves}, 0)
	require.ErrorIs(t, err, tensor.ErrRange)
}
