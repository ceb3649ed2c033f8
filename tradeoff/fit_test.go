package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// noisySaturating is 5 to 19 points of a saturating curve, many of them of one that has hardly begun to bend or is
// over at once.
func noisySaturating(tb testing.TB, trial int, noise float64) Curve {
	tb.Helper()
	rng := tensor.Stream(9, uint64(trial))
	n := 5 + rng.IntN(15)
	shape, rate, unit := math.Exp(0.7*rng.NormFloat64()), math.Exp(1.5*rng.NormFloat64())/100,
		math.Pow(10, float64(rng.IntN(18)))
	var cost, quality []float64
	for i := range n {
		c := 10 * math.Pow(200, float64(i)/float64(n-1))
		cost = append(cost, c*unit)
		quality = append(quality, 0.9-0.6*math.Exp(-math.Pow(rate*c, shape))+noise*rng.NormFloat64())
	}
	c, err := NewCurve(cost, quality, HigherBetter)
	require.NoError(tb, err)
	return c
}

// Whatever the noise, a fit is one of the curves that it says it is: parameters within their bounds, the sum of
// squares that of its own curve, and hardly a better one on a grid.
func TestFitSaturatingOfNoise(t *testing.T) {
	refused := 0
	for trial := range 60 {
		c := noisySaturating(t, trial, []float64{1e-3, 1e-2, 0.05}[trial%3])
		f, err := FitSaturating(c)
		if err != nil {
			require.ErrorIs(t, err, ErrDegenerate)
			refused++
			continue
		}
		first, last := c.points[0].Cost, c.points[c.Len()-1].Cost
		require.True(t, f.C2 > 0 && 0.05*0.999 <= f.C4 && f.C4 <= 20*1.001, "%+v", f)
		require.True(t, 1/f.C3 >= first/1001 && 1/f.C3 <= last*1001, "%+v", f)
		sse, mean := 0.0, 0.0
		for _, p := range c.points {
			q, ok := f.QualityAt(p.Cost)
			require.True(t, ok)
			sse += (p.Quality - q) * (p.Quality - q)
			mean += p.Quality / float64(c.Len())
		}
		require.InEpsilon(t, sse, f.SSE, 1e-6, "%+v", f)
		constant := 0.0
		for _, p := range c.points {
			constant += (p.Quality - mean) * (p.Quality - mean)
		}
		require.LessOrEqual(t, f.SSE, constant)
		x := make([]float64, c.Len())
		for i := range 30 { // the oracle: another grid
			for j := range 30 {
				rate := math.Exp(math.Log(1/(900*last)) + float64(i)/29*math.Log(900*900*last/first))
				shape := 0.051 * math.Pow(19/0.051, float64(j)/29)
				for i, p := range c.points {
					x[i] = -math.Exp(-math.Pow(rate*p.Cost, shape))
				}
				_, _, other := c.improving(x)
				require.LessOrEqual(t, f.SSE, other*(1+1e-9), "rate %v, shape %v fit better than %+v", rate, shape, f)
			}
		}
	}
	require.Less(t, refused, 3)
}

// Exact points of any saturating curve come back with nothing left.
func TestFitSaturatingExact(t *testing.T) {
	for trial := range 60 {
		c := noisySaturating(t, trial, 0)
		f, err := FitSaturating(c)
		require.NoError(t, err)
		require.Less(t, f.SSE, 1e-9, "trial %d: %+v", trial, f)
	}
}

func TestFitsRefuseWhatDoesNotImprove(t *testing.T) {
	worse := curve(t, HigherBetter, Point{1, 0.9}, Point{2, 0.7}, Point{4, 0.4}, Point{8, 0.35}, Point{16, 0.3})
	better := curve(t, LowerBetter, worse.points...)
	_, err := FitPowerLaw(worse)
	require.ErrorIs(t, err, ErrDegenerate)
	_, err = FitSaturating(worse)
	require.ErrorIs(t, err, ErrDegenerate)
	p, err := FitPowerLaw(better)
	require.NoError(t, err)
	require.Negative(t, p.B)
	q, ok := p.QualityAt(4)
	require.True(t, ok)
	require.InDelta(t, 0.45, q, 0.05)
	for _, cost := range []float64{0.9, 17, math.NaN()} {
		_, ok = p.QualityAt(cost)
		require.False(t, ok, "%v is not within 1 to 16", cost)
	}
	s, err := FitSaturating(better)
	require.NoError(t, err)
	require.Negative(t, s.C2)
	for _, c := range []Curve{{}, curve(t, HigherBetter, Point{1, 1}, Point{2, 2})} {
		_, err = FitPowerLaw(c)
		require.ErrorIs(t, err, tensor.ErrEmpty)
		_, err = FitSaturating(c)
		require.ErrorIs(t, err, tensor.ErrEmpty)
	}
}

func BenchmarkFit(b *testing.B) {
	c := noisySaturating(b, 1, 0.01)
	b.Run("saturating", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := FitSaturating(c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("power law", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := FitPowerLaw(c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
