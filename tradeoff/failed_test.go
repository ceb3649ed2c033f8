package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// evaluated is a run with these qualities at costs 1, 2, ...
func evaluated(t *testing.T, dir Direction, quality ...float64) Curve {
	t.Helper()
	cost := make([]float64, len(quality))
	for i := range cost {
		cost[i] = float64(i + 1)
	}
	c, err := NewCurve(cost, quality, dir)
	require.NoError(t, err)
	return c
}

func TestCurveFails(t *testing.T) {
	for name, k := range map[string]struct {
		quality         []float64
		points, missing int
		failed          bool
	}{
		"finite":                       {[]float64{3, 2, 1}, 3, 0, false},
		"a lone NaN did not happen":    {[]float64{3, nan, 1}, 2, 1, false},
		"at the start too":             {[]float64{nan, 2, 1}, 2, 1, false},
		"two lone ones":                {[]float64{3, nan, 2, nan, 1}, 3, 2, false},
		"NaN to the end":               {[]float64{3, 2, nan, nan}, 2, 0, true},
		"NaN at the end":               {[]float64{3, 2, nan}, 2, 0, true},
		"two in a row":                 {[]float64{3, nan, nan, 1}, 1, 0, true},
		"an infinity":                  {[]float64{3, math.Inf(1), 1}, 1, 0, true},
		"an infinity that looks good":  {[]float64{3, math.Inf(-1), 1}, 1, 0, true},
		"from the start":               {[]float64{nan, nan, nan}, 0, 0, true},
		"one missing, then it happens": {[]float64{3, nan, 2, nan}, 2, 1, true},
	} {
		c := evaluated(t, LowerBetter, k.quality...)
		require.Equal(t, k.points, c.Len(), name)
		require.Equal(t, k.missing, c.Missing(), name)
		require.Equal(t, k.failed, c.Failed(), name)
		require.Equal(t, float64(len(k.quality)), c.Spent(), name)
		require.Equal(t, k.failed, c.Envelope().Failed(), name)
	}
	// Of equal costs a finite quality counts, whatever the order.
	for _, q := range [][]float64{{nan, 2}, {2, nan}, {math.Inf(-1), 2}} {
		c, err := NewCurve([]float64{1, 1}, q, LowerBetter)
		require.NoError(t, err)
		require.False(t, c.Failed())
		require.Equal(t, []Point{{1, 2}}, c.Points())
	}
}

// Two of five runs diverge: they stay at risk for ever, and the share of the runs that are short of the target never
// falls below theirs.
func TestFailedRunsNeverGetThere(t *testing.T) {
	var curves []Curve
	for i := range 3 {
		curves = append(curves, evaluated(t, LowerBetter, 3, 2, 1, float64(i)/10))
	}
	curves = append(curves, evaluated(t, LowerBetter, 3, nan, nan), evaluated(t, LowerBetter, nan, nan))
	r, err := NewRuns("fast", curves...)
	require.NoError(t, err)
	require.Equal(t, 2, r.Failed())
	k, err := stats.KaplanMeier(r.Times(1, FirstHit))
	require.NoError(t, err)
	require.Equal(t, 0.4, math.Round(10*k.At(1e9))/10)
	require.GreaterOrEqual(t, k.At(k.Last()), 0.4-1e-15)
	k, err = stats.KaplanMeier(r.Times(3, FirstHit))
	require.NoError(t, err)
	require.InDelta(t, 0.2, k.At(1e9), 1e-15, "one had reached it before it failed")
	cost, err := ExpectedRunTime(r.Spent(1, FirstHit))
	require.NoError(t, err)
	require.Equal(t, (3+3+3+3+2)/3.0, cost)
	require.ErrorIs(t, second(ExpectedRunTime(r.Times(1, FirstHit))), tensor.ErrNotFinite)
	p, err := PAR10(r.Times(1, FirstHit), 4)
	require.NoError(t, err)
	require.Equal(t, (9+80)/5.0, p)
	require.Equal(t, 0.2, r.CommonBest(), "of those that did not fail")

	base, err := NewRuns("baseline", curves[:3]...)
	require.NoError(t, err)
	s, err := Speedup(base, r, AtQuality(1))
	require.NoError(t, err)
	require.Equal(t, 1.0, s.Value)
	require.ErrorIs(t, s.Warnings[len(s.Warnings)-1], ErrFailed)
	require.ErrorContains(t, s.Warnings[len(s.Warnings)-1], `2 of 5 runs of "fast" failed`)
	for _, err := range []error{second(Gain(base, r)), second(AverageGain(base, r)), second(AverageSpeedup(base, r))} {
		require.ErrorIs(t, err, ErrNoOverlap, "one has no quality at all")
		require.ErrorContains(t, err, `2 of 5 of "fast" failed`)
	}
	require.ErrorIs(t, second(NonInferior(base, r, 1)), ErrFailed)
	_, err = NewRuns("all", curves[4])
	require.ErrorIs(t, err, ErrFailed)
}

// Gains and averages hold as far as all runs went, and say so.
func TestGainsOfFailedRuns(t *testing.T) {
	base, err := NewRuns("baseline", evaluated(t, HigherBetter, 1, 2, 3, 4), evaluated(t, HigherBetter, 1, 2, 3, 5))
	require.NoError(t, err)
	r, err := NewRuns("fast", evaluated(t, HigherBetter, 2, 3, 4, 5), evaluated(t, HigherBetter, 2, 4, math.Inf(1), 5))
	require.NoError(t, err)
	first, last := CommonCosts(base, r)
	require.Equal(t, [2]float64{1, 2}, [2]float64{first, last})
	g, err := Gain(base, r)
	require.NoError(t, err)
	require.Equal(t, 1.5, g.Value)
	require.ErrorIs(t, g.Warnings[len(g.Warnings)-1], ErrFailed)
	require.ErrorContains(t, g.Warnings[len(g.Warnings)-1], `1 of 2 runs of "fast" failed later; this holds at cost 2`)
	require.ErrorIs(t, second(Gain(base, r, AtCost(3))), ErrNoOverlap)
	g, err = AverageGain(base, r)
	require.NoError(t, err)
	require.ErrorContains(t, g.Warnings[len(g.Warnings)-1], "this holds from cost 1 to 2")
	g, err = AverageSpeedup(base, r)
	require.NoError(t, err)
	require.ErrorContains(t, g.Warnings[len(g.Warnings)-1], "this holds for qualities from 2 to 4")
	lone, err := NewRuns("lone", evaluated(t, HigherBetter, 2, nan, 4, 5))
	require.NoError(t, err)
	g, err = Gain(base, lone)
	require.NoError(t, err)
	require.ErrorContains(t, g.Warnings[len(g.Warnings)-1], `1 evaluations of "lone" were NaN between finite ones`)
}

func TestRecorderOfAFailedRun(t *testing.T) {
	r := newRecorder(t, LowerBetter)
	c := record(t, r, 100, func(step int) float64 {
		if step > 40 {
			return nan
		}
		return float64(100 - step)
	})
	require.True(t, c.Failed())
	require.Equal(t, []Point{{5, 91}, {15, 71}}, c.Points())
}
