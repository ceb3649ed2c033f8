package tradeoff

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
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
			golden.Same(t, want, e.Value, 1e-12, "%v", how)
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
		golden.Same(t, k.SSE, f.SSE, 1e-9, "sum of squares")
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
