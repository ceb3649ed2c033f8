package pareto

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// The band holds the whole median curve as often as it says, from the least number of runs that it takes.
func TestMedianBandCoverage(t *testing.T) {
	const trials = 150
	truth := func(cost float64) float64 { return 0.9 - 0.6*math.Exp(-cost/100) }
	for _, n := range []int{5, 12} {
		covered := 0
		for trial := range trials {
			rng := tensor.Stream(9, uint64(n), uint64(trial))
			var r tradeoff.Runs
			for range n {
				pace, offset := math.Exp(0.2*rng.NormFloat64()), 0.02*rng.NormFloat64()
				var points []tradeoff.Point
				for i := range 8 {
					cost := 10 * math.Pow(1.5, float64(i))
					points = append(points, tradeoff.Point{Cost: cost, Quality: offset + truth(cost*pace)})
				}
				r.Curves = append(r.Curves, curve(t, tradeoff.HigherBetter, points...))
			}
			median, band, err := MedianBand(r, WithResampling(stats.WithReplicates(300), stats.WithSeed(uint64(trial))))
			require.NoError(t, err)
			inside := true
			for i, p := range median.Points() {
				inside = inside && band.Lower.Points()[i].Quality <= truth(p.Cost) &&
					truth(p.Cost) <= band.Upper.Points()[i].Quality
			}
			if inside {
				covered++
			}
		}
		share := float64(covered) / trials
		require.True(t, share >= 0.89 && share < 1, "%d runs: %v", n, share)
	}
}

// Runs that stop early count with their best to the end.
func TestAttainmentOfUnequalRuns(t *testing.T) {
	r := tradeoff.Runs{Curves: []tradeoff.Curve{
		curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: 1, Quality: 0.5}),
		curve(t, tradeoff.HigherBetter, tradeoff.Point{Cost: 2, Quality: 0.4}, tradeoff.Point{Cost: 8, Quality: 0.9}),
	}}
	curves, err := Attainment(r, 0.5, 1)
	require.NoError(t, err)
	require.Equal(t, []tradeoff.Point{{Cost: 1, Quality: 0.5}, {Cost: 8, Quality: 0.9}}, curves[0].Points())
	require.Equal(t, []tradeoff.Point{{Cost: 2, Quality: 0.4}, {Cost: 8, Quality: 0.5}}, curves[1].Points())
	for _, level := range []float64{0, -1, 1.01, math.NaN()} {
		_, err := Attainment(r, 0.5, level)
		require.ErrorIs(t, err, tensor.ErrRange, "%v", level)
		require.ErrorContains(t, err, "level 1")
	}
	_, err = Attainment(tradeoff.Runs{}, 0.5)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	usual, err := Attainment(r)
	require.NoError(t, err)
	require.Equal(t, []tradeoff.Curve{curves[0], curves[0], curves[1]}, usual,
		"0.25, 0.5 and 0.75 of two runs are one, one and two")
}

func BenchmarkAttainment(b *testing.B) { // 10 runs of 200 points, all levels
	var r tradeoff.Runs
	var levels []float64
	for run := range 10 {
		rng := tensor.Stream(1, uint64(run))
		var cost, quality []float64
		for i := range 200 {
			cost, quality = append(cost, float64(i+1)+rng.Float64()),
				append(quality, 1-math.Exp(-float64(i)/70)+0.001*rng.NormFloat64())
		}
		c, err := tradeoff.NewCurve(cost, quality, tradeoff.HigherBetter)
		require.NoError(b, err)
		r.Curves, levels = append(r.Curves, c), append(levels, float64(run+1)/10)
	}
	b.Run("levels", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Attainment(r, levels...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("band", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := MedianBand(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
