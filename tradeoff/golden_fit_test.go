package tradeoff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func TestGoldenFits(t *testing.T) {
	var g struct {
		Curves []struct {
			T, Y, Fit []float64
			RSS       float64
		}
		Speedups []struct {
			Candidate, Baseline  int
			Target               float64
			BaselineTime         float64 `json:"baseline_time"`
			Linear, LogTime, Fit struct{ Time, Speedup float64 }
		}
	}
	golden.JSON(t, "testdata/tradeoff_fits.json.gz", &g)
	require.NotEmpty(t, g.Curves)
	require.NotEmpty(t, g.Speedups)
	var curves []Curve
	for _, k := range g.Curves {
		c, err := NewCurve(k.T, k.Y, HigherBetter)
		require.NoError(t, err)
		curves = append(curves, c)
		f, err := FitSaturating(c)
		require.NoError(t, err)
		golden.Close(t, "parameters", []float64{f.C1, f.C2, f.C3, f.C4}, k.Fit, 1e-3, 0)
		require.InEpsilon(t, k.RSS, f.SSE, 1e-6)
		require.LessOrEqual(t, f.SSE, k.RSS*(1+1e-9), "not worse than the reference")
	}
	for _, k := range g.Speedups {
		c := curves[k.Candidate]
		for how, want := range map[Interpolation]float64{Linear: k.Linear.Speedup, LogCost: k.LogTime.Speedup} {
			e, err := Speedup(Runs{"b", curves[k.Baseline : k.Baseline+1]}, Runs{"c", []Curve{c}}, WithInterpolation(how))
			require.NoError(t, err)
			same(t, want, e.Value, 1e-12, "%v", how)
		}
		f, err := FitSaturating(c)
		require.NoError(t, err)
		at, ok := f.TimeToQuality(k.Target)
		require.True(t, ok)
		require.InEpsilon(t, k.Fit.Speedup, k.BaselineTime/at, 1e-3)
	}
	var p struct {
		Fits []struct {
			Cost, Quality []float64
			A, B, G, SSE  float64
		}
	}
	golden.JSON(t, "testdata/time_to_quality.json.gz", &p)
	require.NotEmpty(t, p.Fits)
	for _, k := range p.Fits {
		c, err := NewCurve(k.Cost, k.Quality, HigherBetter)
		require.NoError(t, err)
		f, err := FitPowerLaw(c)
		require.NoError(t, err)
		golden.Close(t, "parameters", []float64{f.A, f.B, f.G}, []float64{k.A, k.B, k.G}, 1e-5, 0)
		same(t, k.SSE, f.SSE, 1e-9, "sum of squares")
	}
}

// Exact data come back exactly, whatever the units of the cost and the direction; fits are not read beyond their data.
func TestFitsRecover(t *testing.T) {
	for _, unit := range []float64{1e-6, 1, 1e9} {
		for _, sign := range []float64{1, -1} {
			var cost, saturating, power []float64
			for i := range 12 {
				c := math.Pow(1.6, float64(i))
				cost = append(cost, c*unit)
				saturating = append(saturating, sign*(0.9-0.5*math.Exp(-math.Pow(c/20, 0.7))))
				power = append(power, sign*(0.9-0.4*math.Pow(c, -0.6)))
			}
			dir := HigherBetter
			if sign < 0 {
				dir = LowerBetter
			}
			name := fmt.Sprintf("unit %v, sign %v", unit, sign)
			c, err := NewCurve(cost, saturating, dir)
			require.NoError(t, err)
			f, err := FitSaturating(c)
			require.NoError(t, err)
			golden.Close(t, name, []float64{f.C1, f.C2, f.C3 * unit, f.C4}, []float64{sign * 0.9, sign * 0.5, 1.0 / 20, 0.7},
				1e-6, 0)
			got, ok := f.TimeToQuality(saturating[5])
			require.True(t, ok, name)
			require.InEpsilon(t, cost[5], got, 1e-6, name)
			for _, q := range []float64{sign * 0.2, sign * 0.95} {
				_, ok = f.TimeToQuality(q)
				require.False(t, ok, name)
			}
			_, ok = f.QualityAt(cost[11] * 1.1)
			require.False(t, ok, name)
			c, err = NewCurve(cost, power, dir)
			require.NoError(t, err)
			p, err := FitPowerLaw(c)
			require.NoError(t, err)
			golden.Close(t, name, []float64{p.A, p.B / math.Pow(unit, p.G), p.G}, []float64{sign * 0.9, sign * 0.4, 0.6}, 1e-6,
				0)
			got, ok = p.TimeToQuality(power[3])
			require.True(t, ok, name)
			require.InEpsilon(t, cost[3], got, 1e-6, name)
			_, ok = p.TimeToQuality(sign * 0.95)
			require.False(t, ok, name)
		}
	}
}

func TestFitsRefuse(t *testing.T) {
	flat, err := NewCurve([]float64{1, 2, 3, 4, 5}, []float64{1, 1, 1, 1, 1}, HigherBetter)
	require.NoError(t, err)
	for _, fit := range []func(Curve) error{
		func(c Curve) error { _, err := FitSaturating(c); return err },
		func(c Curve) error { _, err := FitPowerLaw(c); return err },
	} {
		require.ErrorIs(t, fit(flat), ErrDegenerate)
		require.ErrorIs(t, fit(Curve{}), tensor.ErrEmpty)
	}
}

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
		var curves []Curve
		for _, set := range k.Sets {
			var cost, quality []float64
			for _, p := range set.rows() {
				cost, quality = append(cost, p[0]+shift), append(quality, p[1])
			}
			c, err := NewCurve(cost, quality, LowerBetter)
			require.NoError(t, err)
			curves = append(curves, c)
		}
		r, err := NewRuns("", curves...)
		require.NoError(t, err)
		for l := range k.Sets {
			got, err := Attainment(r, float64(l+1)/float64(len(k.Sets)))
			require.NoError(t, err)
			want := slices.Clone(k.Levels[fmt.Sprint(l+1)])
			slices.SortFunc(want, func(a, b []float64) int { return order(a[0], b[0]) })
			require.Len(t, got[0].Points(), len(want), "level %d", l+1)
			for i, p := range got[0].Points() {
				same(t, want[i][0]+shift, p.Cost, 1e-9, "cost")
				same(t, want[i][1], p.Quality, 1e-9, "quality")
			}
		}
	}
}

// By definition: at each cost, the level's curve is the l-th best of the runs.
func TestAttainmentByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dir := range []Direction{HigherBetter, LowerBetter} {
		for range 50 {
			var curves []Curve
			n := 1 + rng.IntN(6)
			for range n {
				var cost, quality []float64
				for range 1 + rng.IntN(8) {
					cost, quality = append(cost, float64(1+rng.IntN(12))), append(quality, float64(rng.IntN(6)))
				}
				c, err := NewCurve(cost, quality, dir)
				require.NoError(t, err)
				curves = append(curves, c)
			}
			for l := 1; l <= n; l++ {
				got, err := Attainment(Runs{"", curves}, float64(l)/float64(n))
				require.NoError(t, err)
				for cost := 1.0; cost <= 12; cost++ {
					var reached []float64
					for _, c := range curves {
						if q, ok := c.Envelope().QualityAt(cost, FirstHit); ok {
							reached = append(reached, dir.sign()*q)
						}
					}
					q, ok := got[0].QualityAt(cost, FirstHit)
					require.Equal(t, len(reached) >= l, ok)
					if ok {
						slices.Sort(reached)
						require.Equal(t, dir.sign()*reached[len(reached)-l], q)
					}
				}
			}
		}
	}
}

func TestMedianBand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var curves []Curve
	for range 9 {
		var cost, quality []float64
		offset := rng.NormFloat64() / 50
		for i := 1; i <= 10; i++ {
			cost, quality = append(cost, float64(i)), append(quality, 1-1/float64(i)+offset)
		}
		c, err := NewCurve(cost, quality, HigherBetter)
		require.NoError(t, err)
		curves = append(curves, c)
	}
	median, band, err := MedianBand(Runs{"", curves})
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
	_, _, err = MedianBand(Runs{"", curves[:2]})
	require.ErrorIs(t, err, ErrTooFewRuns)
	_, err = Attainment(Runs{"", curves}, 0)
	require.ErrorIs(t, err, tensor.ErrRange)
}
