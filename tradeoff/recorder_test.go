package tradeoff

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// doubling is cycles that end after 10, 30, 70, 150... steps.
type doubling struct{}

func (doubling) Ends(total int) (ends []int) {
	for length, end := 10, 10; end <= total; length, end = 2*length, end+2*length {
		ends = append(ends, end)
	}
	return ends
}

func record(t *testing.T, r *Recorder, steps int, quality func(step int) float64) Curve {
	t.Helper()
	for step := range steps {
		require.NoError(t, r.Observe(step, float64(step+1)/2, quality(step)))
	}
	c, err := r.Curve()
	require.NoError(t, err)
	return c
}

func newRecorder(t *testing.T, dir Direction, opts ...RecorderOption) *Recorder {
	t.Helper()
	r, err := NewRecorder(doubling{}, dir, opts...)
	require.NoError(t, err)
	return r
}

func TestRecorderReadsCycleEnds(t *testing.T) {
	step := func(step int) float64 { return float64(step) }
	require.Equal(t, []Point{{5, 9}, {15, 29}, {35, 69}}, record(t, newRecorder(t, HigherBetter), 100, step).Points(),
		"the last step of each cycle; that of the fourth is not over")
	require.Equal(t, []Point{{5, 9}, {15, 29}, {35, 69}}, record(t, newRecorder(t, HigherBetter), 70, step).Points(),
		"the end itself counts")
	cut := newRecorder(t, HigherBetter, WithWarmup(1))
	require.Equal(t, []Point{{15, 29}, {35, 69}}, record(t, cut, 100, step).Points())
	require.Equal(t, []Point{{5, 11}, {15, 31}, {35, 71}}, record(t, newRecorder(t, HigherBetter, WithWindow(2)), 100,
		step).Points(),
		"the best within two evaluations, at the cost of the end")
	require.Equal(t, []Point{{5, 7}, {15, 27}, {35, 67}}, record(t, newRecorder(t, LowerBetter, WithWindow(2)), 100,
		step).Points())
}

// Evaluations need not fall on the ends of cycles: the last of each counts, at its own cost. A cycle without any has
// no point.
func TestRecorderOfSparseEvaluations(t *testing.T) {
	r := newRecorder(t, HigherBetter)
	for _, step := range []int{3, 8, 45, 64, 71, 160} {
		require.NoError(t, r.Observe(step, float64(step), float64(step)/100))
	}
	c, err := r.Curve()
	require.NoError(t, err)
	require.Equal(t, []Point{{8, 0.08}, {64, 0.64}, {71, 0.71}}, c.Points(), "none in the second cycle, steps 10 to 29")

	r = newRecorder(t, HigherBetter)
	require.NoError(t, r.Observe(7, 7, 0.7))
	require.NoError(t, r.Observe(9, 9, math.NaN()))
	require.NoError(t, r.Observe(10, 10, 0.1))
	c, err = r.Curve()
	require.NoError(t, err)
	require.Equal(t, []Point{{7, 0.7}}, c.Points(), "NaN is no evaluation")
}

// invalid is a schedule that says so.
type invalid struct{ doubling }

func (invalid) Validate() error { return errInvalid }

var errInvalid = errors.New("no cycles of that length")

func TestRecorderRefuses(t *testing.T) {
	for name, k := range map[string]struct {
		cycles Cycles
		dir    Direction
		opts   []RecorderOption
		want   error
	}{
		"invalid":   {invalid{}, HigherBetter, nil, errInvalid},
		"no cycles": {nil, HigherBetter, nil, tensor.ErrEmpty},
		"direction": {doubling{}, 3, nil, tensor.ErrRange},
		"window":    {doubling{}, HigherBetter, []RecorderOption{WithWindow(-1)}, tensor.ErrRange},
		"drop":      {doubling{}, HigherBetter, []RecorderOption{WithWarmup(-1)}, tensor.ErrRange},
	} {
		r, err := NewRecorder(k.cycles, k.dir, k.opts...)
		require.ErrorIs(t, err, k.want, name)
		require.Nil(t, r, name)
	}
	r := newRecorder(t, HigherBetter)
	_, err := r.Curve()
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.NoError(t, r.Observe(5, 2, 0.5))
	for name, k := range map[string]struct {
		step          int
		cost, quality float64
		want          error
	}{
		"NaN cost": {6, math.NaN(), 1, tensor.ErrNotFinite}, "infinite cost": {6, math.Inf(1), 1, tensor.ErrNotFinite},
		"no cost":       {6, 0, 1, ErrNonPositive},
		"negative cost": {6, -1, 1, tensor.ErrRange},
		"same step":     {5, 3, 1, tensor.ErrRange}, "step back": {4, 3, 1, tensor.ErrRange},
		"cost back": {6, 1, 1, tensor.ErrRange}, "negative": {-1, 1, 1, tensor.ErrRange},
	} {
		require.ErrorIs(t, r.Observe(k.step, k.cost, k.quality), k.want, name)
	}
	_, err = r.Curve()
	require.ErrorIs(t, err, tensor.ErrEmpty, "no cycle is over")
	require.NoError(t, r.Observe(9, 3, 0.6))
	c, err := r.Curve()
	require.NoError(t, err)
	require.Equal(t, []Point{{3, 0.6}}, c.Points(), "what was refused left no trace")
	r = newRecorder(t, HigherBetter, WithWarmup(5))
	require.NoError(t, r.Observe(9, 3, 0.6))
	_, err = r.Curve()
	require.ErrorIs(t, err, tensor.ErrEmpty, "all are dropped")
}

func TestCompareCurvesClosedForm(t *testing.T) {
	points := func(cost float64, quality ...float64) (p []Point) {
		for i, q := range quality {
			p = append(p, Point{cost * math.Pow(2, float64(i)), q})
		}
		return p
	}
	standard := map[string]Curve{
		"base": curve(t, HigherBetter, points(16, 0.5, 0.6, 0.7)...),
		"wide": curve(t, HigherBetter, points(32, 0.6, 0.8, 0.75)...),
	}
	cyclic := map[string]Curve{
		"base": curve(t, HigherBetter, points(16, 0.5, 0.5, 0.8)...),
		"wide": curve(t, HigherBetter, points(32, 0.4, 0.7, 0.95)...),
	}
	f, err := CompareCurves(standard, cyclic, WithBaseline("base"))
	require.NoError(t, err)
	require.Len(t, f.Recipes, 2)
	base, wide := f.Recipes[0], f.Recipes[1]
	require.Equal(t, "base", base.Name)
	require.InDelta(t, 0, base.MeanDiff, 1e-12)
	require.InDelta(t, math.Sqrt(0.02/3), base.RMSE, 1e-12)
	require.InDelta(t, 0.1, base.MaxAbs, 1e-12)
	require.InDelta(t, 0.2, wide.MaxAbs, 1e-12)
	require.InDelta(t, 0.1/3, wide.MeanDiff, 1e-12)
	require.True(t, math.IsNaN(base.GainPearson))
	// Gains 0.1, 0.2, 0.05 and -0.1, 0.2, 0.15.
	require.InDelta(t, 1/120.0/math.Sqrt(7/600.0*31/600.0), wide.GainPearson, 1e-12)
	require.InDelta(t, (16+32+64)/64.0, base.CostRatio, 1e-12, "three runs for the cost of the last")
	require.InDelta(t, 0.05/3, f.MeanDiff, 1e-12)
	require.Equal(t, []float64{-1, 1, 1}, []float64{f.Budgets[0].KendallTau, f.Budgets[1].KendallTau,
		f.Budgets[2].KendallTau})
	require.InDelta(t, 24, f.Budgets[0].Cost, 1e-12)
	agree, pairs := f.PairAgreement(0)
	require.Equal(t, []int{2, 3}, []int{agree, pairs})
	agree, pairs = f.PairAgreement(0.15)
	require.Equal(t, []int{1, 1}, []int{agree, pairs})
	same, err := CompareCurves(standard, standard, WithBaseline("base"))
	require.NoError(t, err)
	require.Zero(t, same.RMSE)
	require.InDelta(t, 1, same.Recipes[1].GainPearson, 1e-12)
	require.Contains(t, same.String(), "wide")
}

func TestCompareCurvesRefuses(t *testing.T) {
	two, three := curve(t, HigherBetter, Point{1, 1}, Point{2, 2}), curve(t, HigherBetter, Point{1, 1}, Point{2, 2},
		Point{3, 3})
	down := curve(t, LowerBetter, Point{1, 1}, Point{2, 2})
	one := func(c Curve) map[string]Curve { return map[string]Curve{"a": c} }
	for name, k := range map[string]struct {
		standard, cyclic map[string]Curve
		opts             []FidelityOption
		want             error
	}{
		"none":         {nil, nil, nil, tensor.ErrEmpty},
		"lengths":      {one(two), one(three), nil, tensor.ErrShape},
		"directions":   {one(two), one(down), nil, tensor.ErrShape},
		"not cyclic":   {one(two), nil, nil, tensor.ErrShape},
		"not standard": {one(two), map[string]Curve{"a": two, "b": two}, nil, tensor.ErrShape},
		"empty curves": {one(Curve{}), one(Curve{}), nil, tensor.ErrEmpty},
		"all dropped":  {one(two), one(two), []FidelityOption{WithSkip(2)}, tensor.ErrEmpty},
		"no baseline":  {one(two), one(two), []FidelityOption{WithBaseline("b")}, tensor.ErrRange},
	} {
		_, err := CompareCurves(k.standard, k.cyclic, k.opts...)
		require.ErrorIs(t, err, k.want, name)
	}
}

func BenchmarkRecorder(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewRecorder(doubling{}, HigherBetter)
		if err != nil {
			b.Fatal(err)
		}
		for step := range 1000 {
			if err := r.Observe(step, float64(step+1), 0.5); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := r.Curve(); err != nil {
			b.Fatal(err)
		}
	}
}
