package tta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// What people stumble over, as small inputs with the right value.

func outputsOf(t testing.TB, views, classes int, data []float32, opts ...OutputsOption) *Outputs {
	t.Helper()
	o, err := NewOutputs(views, classes, data, opts...)
	require.NoError(t, err)
	return o
}

// one aggregates a single example to probabilities.
func one(t testing.TB, a Aggregator, views ...float32) []float64 {
	t.Helper()
	dst := make([]float32, a.Shape().Classes)
	a.Aggregate(dst, views)
	if len(dst) == 1 {
		return []float64{1 / (1 + math.Exp(-float64(dst[0])))}
	}
	p := make([]float64, len(dst))
	for c, v := range dst {
		p[c] = float64(v)
	}
	tensor.Softmax(p, p)
	return p
}

func rule(t testing.TB, r Rule, views, classes int) *Fixed {
	t.Helper()
	f, err := NewFixed(r, views, classes)
	require.NoError(t, err)
	return f
}

func TestMeansOfLogitsAndOfProbabilitiesDiffer(t *testing.T) {
	x := []float32{10, 0, 0, 0, 3, 0, 0, 3, 0}
	dst := make([]float32, 3)
	rule(t, Mean(), 3, 3).Aggregate(dst, x)
	golden.Close(t, "mean", dst, []float64{10. / 3, 2, 0}, 0, 1e-6)
	golden.Close(t, "probabilities", one(t, rule(t, MeanProb(), 3, 3), x...), []float64{.3635, .6063, .0302}, 0, 5e-5)
	p := one(t, rule(t, Vote(), 3, 3), x...)
	assert.Equal(t, 1, tensor.ArgMax(p))
}

func TestProbabilitiesAreNoLogits(t *testing.T) {
	p := []float32{.9, .1, .8, .2, .3, .7, .6, .4, .95, .05}
	labels := WithLabels([]int{0, 0, 1, 1, 0})
	as := outputsOf(t, 1, 2, p, labels)
	require.Len(t, as.Warnings(), 1)
	assert.Contains(t, as.Warnings()[0], "WithProbabilities")
	_, r, err := FitTemperature(as, rule(t, Mean(), 1, 2))
	require.NoError(t, err)
	assert.InDelta(t, .22903, r.Temperature, 5e-6)
	assert.InDelta(t, .3005, r.After, 5e-5)
	right := outputsOf(t, 1, 2, p, labels, WithProbabilities())
	assert.Empty(t, right.Warnings())
	assert.Equal(t, LogProbs, right.Kind())
	_, r, err = FitTemperature(right, rule(t, Mean(), 1, 2))
	require.NoError(t, err)
	assert.InDelta(t, .52552, r.Temperature, 5e-6)
	assert.InDelta(t, .28426, r.After, 5e-6)
	for _, bad := range [][]float32{{.5, .4}, {-.1, 1.1}, {1.2, -.2}} {
		_, err := NewOutputs(1, 2, bad, WithProbabilities())
		assert.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = NewOutputs(1, 2, p, WithProbabilities(), WithLogProbs())
	assert.ErrorIs(t, err, tensor.ErrConflict)
}

func TestZeroProbabilitiesAreAVetoAndNoInfinity(t *testing.T) {
	o := outputsOf(t, 2, 3, []float32{.9, .1, 0, 0, .3, .7}, WithProbabilities())
	golden.Close(t, "geometric", one(t, rule(t, GeoMean(), 2, 3), o.Example(0)...), []float64{0, 1, 0}, 0, 1e-9)
	golden.Close(t, "mean", one(t, rule(t, MeanProb(), 2, 3), o.Example(0)...), []float64{.45, .2, .35}, 0, 1e-6)
	dst := make([]float32, 2)
	rule(t, MeanProb(), 2, 2).Aggregate(dst, []float32{1000, 0, 800, 0})
	assert.InDelta(t, 800.693, crossEntropy(dst, 1), 1e-3)
}

func TestOneLogitIsTwoClasses(t *testing.T) {
	x := []float32{-4, 1, 1}
	assert.InDelta(t, .3392, one(t, rule(t, Mean(), 3, 1), x...)[0], 5e-5)
	assert.InDelta(t, .4934, one(t, rule(t, MeanProb(), 3, 1), x...)[0], 5e-5)
	assert.Greater(t, one(t, rule(t, Vote(), 3, 1), x...)[0], .5)
	for name, r := range Rules() {
		// A rule of one logit is that of the two classes 0 and x, up to what softmax does not see.
		want := one(t, rule(t, r, 3, 2), 2, -2, -.5, .5, -.5, .5)[1]
		assert.InDelta(t, want, one(t, rule(t, r, 3, 1), x...)[0], 1e-6, name)
	}
	e, err := NewEvaluator(1, WithTop(1))
	require.NoError(t, err)
	require.NoError(t, e.Add([]float32{-1}, []float32{1}, 1))
	r, err := e.Report()
	require.NoError(t, err)
	assert.Equal(t, 1, r.Corrections)
	assert.InDelta(t, math.Log1p(math.Exp(-1)), r.Aggregated.Loss, 1e-6)
	assert.InDelta(t, 2*math.Pow(1-1/(1+math.Exp(-1)), 2), r.Aggregated.Brier, 1e-6)
	o := outputsOf(t, 1, 1, []float32{4, 2, -3, 1, -1}, WithLabels([]int{1, 0, 0, 1, 1}), WithIdentity(0))
	two := outputsOf(t, 1, 2, []float32{0, 4, 0, 2, 0, -3, 0, 1, 0, -1}, WithLabels([]int{1, 0, 0, 1, 1}), WithIdentity(0))
	_, a, err := FitTemperature(o, rule(t, Mean(), 1, 1))
	require.NoError(t, err)
	_, b, err := FitTemperature(two, rule(t, Mean(), 1, 2))
	require.NoError(t, err)
	assert.InDelta(t, a.Temperature, b.Temperature, 1e-9)
	fa, _, err := FitAugTTA(o)
	require.NoError(t, err)
	assert.InDelta(t, 1/a.Temperature, fa.Weights()[0], 1e-4)
}

// identity is a view without steps.
func identity() View[[]float32] { return View[[]float32]{Name: "identity", Original: true} }

func mirrored(classes ...int) View[[]float32] {
	return View[[]float32]{Name: "hflip", Classes: classes, Steps: []Transform[[]float32]{
		Func("second", func(x []float32) ([]float32, error) { return x[len(x)/2:], nil })}}
}

// echo is a model that says what it is given.
func echo(_ context.Context, batch [][]float32, out []float32) error {
	for i, x := range batch {
		copy(out[i*len(out)/len(batch):(i+1)*len(out)/len(batch)], x)
	}
	return nil
}

func TestMirrorsExchangeClasses(t *testing.T) {
	p, err := NewPolicy(identity(), mirrored(1, 0, 2))
	require.NoError(t, err)
	x := [][]float32{{2, 0, 1, 0, 2.4, 1}}
	o, err := Collect(t.Context(), echo, p, slices.Values(x), 3)
	require.NoError(t, err)
	dst := make([]float32, 3)
	rule(t, Mean(), 2, 3).Aggregate(dst, o.Example(0))
	golden.Close(t, "swapped", dst, []float64{2.2, 0, 1}, 0, 1e-6)
	plain, err := NewPolicy(identity(), mirrored())
	require.NoError(t, err)
	assert.NotEqual(t, p.Fingerprint(), plain.Fingerprint())
	o, err = Collect(t.Context(), echo, plain, slices.Values(x), 3)
	require.NoError(t, err)
	rule(t, Mean(), 2, 3).Aggregate(dst, o.Example(0))
	golden.Close(t, "raw", dst, []float64{1, 1.2, 1}, 0, 1e-6)
	binary, err := NewPolicy(identity(), mirrored(1, 0))
	require.NoError(t, err)
	o, err = Collect(t.Context(), echo, binary, slices.Values([][]float32{{3, -2}}), 1)
	require.NoError(t, err)
	assert.Equal(t, []float32{3, 2}, o.Example(0))
	_, err = Collect(t.Context(), echo, p, slices.Values(x), 4)
	assert.ErrorIs(t, err, ErrPolicy)
	_, err = NewPolicy(mirrored(1, 1, 0))
	assert.ErrorIs(t, err, tensor.ErrRange)
}

func TestMaskedClassesAreFoundAndZeroWeightsNotRead(t *testing.T) {
	_, err := NewOutputs(2, 2, []float32{0, 0, 0, 0, 1, 2, float32(math.Inf(-1)), 3})
	assert.ErrorIs(t, err, tensor.ErrNotFinite)
	assert.ErrorContains(t, err, "example 1, view 1, class 0")
	inf := float32(math.Inf(-1))
	o := outputsOf(t, 2, 2, []float32{1, 0, 0, 1})
	for _, f := range []*Fitted{newFitted(AugTTA, o, []float32{1, 0}, false), newFitted(ClassTTA, o, []float32{1, 1, 0,
		0}, false),
		newFitted(Mixing, o, []float32{1, 0}, true)} {
		p := one(t, f, 2, 1, inf, inf)
		assert.InDelta(t, 1/(1+math.Exp(-1)), p[0], 1e-6, "%v", f.Method())
		assert.Equal(t, []int{0}, f.Active())
	}
}

func TestFloat16LosesDigits(t *testing.T) {
	o := outputsOf(t, 1, 2, []float32{20.001, 20.005}, WithLabels([]int{1}), WithNames("only"), WithPolicy("p"))
	b, err := o.MarshalFloat16()
	require.NoError(t, err)
	var half Outputs
	require.NoError(t, half.UnmarshalBinary(b))
	assert.Equal(t, []float32{20, 20}, half.Example(0))
	b, err = o.MarshalBinary()
	require.NoError(t, err)
	var full Outputs
	require.NoError(t, full.UnmarshalBinary(b))
	assert.Equal(t, o, &full)
	_, err = outputsOf(t, 1, 2, []float32{70000, 0}).MarshalFloat16()
	assert.ErrorIs(t, err, tensor.ErrRange)
	for h := range 1 << 16 {
		if v := fromHalf(uint16(h)); v == v {
			require.Equal(t, uint16(h), toHalf(v), "%x", h)
		}
	}
	assert.Equal(t, []uint16{0x7bff, 0x7c00, 0, 1, 0x3c00, 0x3c00, 0x3c02},
		[]uint16{toHalf(65519), toHalf(65520), toHalf(1e-8), toHalf(3e-8), toHalf(1), toHalf(1 + 0x1p-11),
			toHalf(1 + 3*0x1p-11)})
}

func TestRandomViewsDrawApart(t *testing.T) {
	noise := RandomFunc("noise", func(x []float32, rng *rand.Rand) ([]float32, error) {
		return []float32{x[0] + rng.Float32(), x[1]}, nil
	})
	view := func(name string) View[[]float32] {
		return View[[]float32]{Name: name, Steps: []Transform[[]float32]{noise}}
	}
	p, err := NewPolicy(view("a"), view("b"))
	require.NoError(t, err)
	x := [][]float32{{0, 0}, {0, 0}, {0, 0}}
	o, err := Collect(t.Context(), echo, p, slices.Values(x), 2)
	require.NoError(t, err)
	assert.Empty(t, o.Warnings())
	assert.NotEqual(t, o.View(0, 0), o.View(0, 1))
	assert.NotEqual(t, o.View(0, 0), o.View(1, 0))
	for _, opts := range [][]CollectOption{{WithBatch(1)}, {WithBatch(5), WithWorkers(1)}, {WithBatch(3),
		WithWorkers(4)}} {
		again, err := Collect(t.Context(), echo, p, slices.Values(x), 2, opts...)
		require.NoError(t, err)
		assert.Equal(t, o, again)
	}
	other, err := Collect(t.Context(), echo, p, slices.Values(x), 2, WithSeed(1))
	require.NoError(t, err)
	assert.NotEqual(t, o.data, other.data)
	same := outputsOf(t, 2, 2, []float32{1, 2, 1, 2, 3, 4, 3, 4})
	require.Len(t, same.Warnings(), 1)
	assert.Contains(t, same.Warnings()[0], "equal in all bits")
}

func TestInputsAreRangedOverOnceAndInOrder(t *testing.T) {
	p, err := NewPolicy(identity(), View[[]float32]{Name: "double", Steps: []Transform[[]float32]{
		Func("double", func(x []float32) ([]float32, error) { return []float32{2 * x[0], 2 * x[1]}, nil })}})
	require.NoError(t, err)
	for _, workers := range []int{1, 4} {
		for _, batch := range []int{1, 2, 3, 64} {
			ranged, done := 0, []int{}
			xs := func(yield func([]float32, int) bool) {
				ranged++
				for i := range 5 {
					if !yield([]float32{float32(i), -float32(i)}, i%2) {
						return
					}
				}
			}
			o, err := CollectLabelled(t.Context(), echo, p, xs, 2, WithBatch(batch), WithWorkers(workers),
				WithProgress(func(n, total int) { done = append(done, n+total) }))
			require.NoError(t, err)
			assert.Equal(t, 1, ranged)
			assert.Equal(t, 5, done[len(done)-1])
			assert.Equal(t, []int{0, 1, 0, 1, 0}, o.Labels())
			for i := range 5 {
				assert.Equal(t, []float32{float32(i), -float32(i), 2 * float32(i), -2 * float32(i)}, o.Example(i))
			}
			view, ok := o.Identity()
			assert.Equal(t, []any{0, true, p.Fingerprint()}, []any{view, ok, o.Policy()})
		}
	}
}

func TestCollectPassesErrorsOn(t *testing.T) {
	bad := errors.New("bad")
	p, err := NewPolicy(identity(), View[[]float32]{Name: "fails", Steps: []Transform[[]float32]{
		Func("third", func(x []float32) ([]float32, error) {
			if x[0] == 2 {
				return nil, bad
			}
			return x, nil
		})}})
	require.NoError(t, err)
	xs := slices.Values([][]float32{{0, 0}, {1, 0}, {2, 0}})
	_, err = Collect(t.Context(), echo, p, xs, 2)
	assert.ErrorIs(t, err, bad)
	assert.ErrorContains(t, err, `example 2: view "fails": third`)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Collect(ctx, func(context.Context, [][]float32, []float32) error { cancel(); return nil }, p, xs, 2,
		WithBatch(1))
	assert.ErrorIs(t, err, context.Canceled)
	one, err := NewPolicy(identity())
	require.NoError(t, err)
	_, err = Collect(t.Context(), func(context.Context, [][]float32, []float32) error { return bad }, one, xs, 2)
	assert.ErrorIs(t, err, bad)
	_, err = Collect(t.Context(), func(context.Context, [][]float32, []float32) error { return nil }, one, xs, 2)
	assert.ErrorIs(t, err, tensor.ErrNotFinite, "a model that writes nothing is found")
	_, err = Collect(t.Context(), echo, one, slices.Values([][]float32{}), 2)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}

func TestTemperatureWithoutAnOptimum(t *testing.T) {
	fit := func(classes int, x []float32, y ...int) (*Scaled, TemperatureReport) {
		s, r, err := FitTemperature(outputsOf(t, 1, classes, x, WithLabels(y)), rule(t, Mean(), 1, classes))
		require.NoError(t, err)
		assert.LessOrEqual(t, r.After, r.Before)
		return s, r
	}
	_, r := fit(2, []float32{2, 0, 0, 1, 3, 1}, 0, 1, 0)
	assert.InDelta(t, 1e-3, r.Temperature, 1e-12)
	assert.Contains(t, r.Warning, "falls as long")
	s, r := fit(2, []float32{2, 0, 0, 1, 1, 0}, 1, 0, 0)
	assert.True(t, math.IsInf(r.Temperature, 1))
	assert.Contains(t, r.Warning, "uniform")
	assert.Equal(t, []float64{.5, .5}, one(t, s, 2, 0))
	_, r = fit(3, []float32{4, 0, 0, 0, 3, 1, 1, 0, 2, 2, 1, 0}, 0, 1, 2, 1)
	assert.InDelta(t, .836264, r.Temperature, 5e-7)
	assert.InDelta(t, .505259, r.Before, 5e-7)
	assert.InDelta(t, .497312, r.After, 5e-7)
	assert.Empty(t, r.Warning)
	b, err := json.Marshal(TemperatureReport{Temperature: math.Inf(1), Warning: "w"})
	require.NoError(t, err)
	var again TemperatureReport
	require.NoError(t, json.Unmarshal(b, &again))
	assert.True(t, math.IsInf(again.Temperature, 1))
}

func TestTemperatureNeverMakesItWorse(t *testing.T) {
	for seed := range uint64(40) {
		rng := tensor.Stream(seed)
		x, y := make([]float32, 60*4), make([]int, 60)
		for i := range x {
			x[i] = float32(rng.NormFloat64() * math.Pow(10, float64(seed%5)-2))
		}
		for i := range y {
			y[i] = rng.IntN(4)
			if seed%3 == 0 {
				x[4*i+y[i]] += 1
			}
		}
		o := outputsOf(t, 1, 4, x, WithLabels(y))
		_, r, err := FitTemperature(o, rule(t, Mean(), 1, 4))
		require.NoError(t, err)
		assert.LessOrEqual(t, r.After, r.Before+1e-12)
	}
}

func TestConfidenceOneHasABin(t *testing.T) {
	c, err := stats.Calibrate([]float64{.95, 1}, []bool{true, false}, 10, stats.EqualWidth)
	require.NoError(t, err)
	assert.InDelta(t, .475, c.ECE, 1e-12)
	for _, how := range []stats.Binning{stats.EqualWidth, stats.EqualMass} {
		c, err := stats.Calibrate([]float64{.9, .9, .9, .9}, []bool{true, false, true, false}, 10, how)
		require.NoError(t, err)
		assert.InDelta(t, .4, c.ECE, 1e-12)
	}
	e, err := NewEvaluator(3, WithTop(3))
	require.NoError(t, err)
	p := []float32{float32(math.Log(.7)), float32(math.Log(.2)), float32(math.Log(.1))}
	require.NoError(t, e.Add(p, p, 0))
	r, err := e.Report()
	require.NoError(t, err)
	assert.InDelta(t, .14, r.Aggregated.Brier, 1e-6)
}

func frame(t testing.TB, h, w int) Geometry {
	t.Helper()
	g, err := Frame(h, w)
	require.NoError(t, err)
	return g
}

func TestPointsInThreeCoordinates(t *testing.T) {
	g := frame(t, 6, 10).FlipH()
	assert.Equal(t, Box{X0: 5, X1: 8, Y1: 1}, g.Box(Box{X0: 2, X1: 5, Y1: 1}))
	x, _ := g.Pixel(2, 0)
	assert.InDelta(t, 7, x, 1e-12)
	x, _ = g.Normalized(.25, 0)
	assert.InDelta(t, .75, x, 1e-12)
	g = frame(t, 6, 10).Rot90(1)
	h, w := g.Out()
	assert.Equal(t, []int{10, 6}, []int{h, w})
	assert.Equal(t, Box{X0: 2, Y0: 1, X1: 5, Y1: 4}, g.Box(Box{X0: 1, Y0: 5, X1: 4, Y1: 8}))
	g = frame(t, 100, 100).Resize(50, 50)
	x, _ = g.Pixel(4.75, 0)
	assert.InDelta(t, 10, x, 1e-12)
}

func TestResizesHaveTheirRealRatio(t *testing.T) {
	factor := .83
	w := int(640 * factor)
	assert.Equal(t, 531, w)
	g := frame(t, 480, 640).Resize(398, w)
	x, _ := g.Point(531, 0)
	assert.InDelta(t, 640, x, 1e-12)
	x, _ = g.Crop(0, 0, 416, 544).Point(531, 0) // padded to a multiple of 32
	assert.InDelta(t, 640, x, 1e-12)
}

func TestWhatElseAFlipTurns(t *testing.T) {
	g := frame(t, 6, 10).FlipH()
	u, v := g.Vector(3, 4)
	assert.Equal(t, []float64{-3, 4}, []float64{u, v})
	assert.InDelta(t, -.3, g.Angle(.3), 1e-12)
	points := []string{"nose", "left eye", "right eye", "left ear", "right ear"}
	require.NoError(t, SwapPairs(points, [][2]int{{1, 2}, {3, 4}}))
	assert.Equal(t, []string{"nose", "right eye", "left eye", "right ear", "left ear"}, points)
	assert.ErrorIs(t, SwapPairs(points, [][2]int{{1, 5}}), tensor.ErrRange)
	assert.ErrorIs(t, SwapPairs(points, [][2]int{{1, 2}, {2, 3}}), tensor.ErrConflict)
	rad := math.Pi / 180
	m, err := MeanAngle(350*rad, 10*rad)
	require.NoError(t, err)
	assert.InDelta(t, 0, m, 1e-12)
	m, err = MeanAxis(178*rad, 4*rad)
	require.NoError(t, err)
	assert.InDelta(t, rad, m, 1e-12)
	_, err = MeanAngle(0, math.Pi)
	assert.ErrorIs(t, err, tensor.ErrRange)
	// Any chain takes its points, vectors and axes back.
	for seed := range uint64(50) {
		rng := tensor.Stream(seed)
		g := frame(t, 5+rng.IntN(9), 5+rng.IntN(9))
		for range 5 {
			h, w := g.Out()
			g = [...]func() Geometry{g.FlipH, g.FlipV, func() Geometry { return g.Rot90(rng.IntN(4)) },
				func() Geometry { return g.Crop(1, 2, h, w) }, func() Geometry { return g.Resize(h+3, w+2) }}[rng.IntN(5)]()
		}
		x, y := rng.Float64()*9, rng.Float64()*9
		bx, by := g.Point(g.xx*x+g.xy*y+g.tx, g.yx*x+g.yy*y+g.ty)
		assert.InDelta(t, x, bx, 1e-9)
		assert.InDelta(t, y, by, 1e-9)
	}
}

func TestIdsAreVotedOn(t *testing.T) {
	b, err := NewBallot(1, 2, 3)
	require.NoError(t, err)
	_, err = b.Result()
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	for _, ids := range [][]int{{0, 2}, {2, 2}, {2, 1}} {
		require.NoError(t, b.Add(ids))
	}
	got, err := b.Result()
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2}, got)
	assert.ErrorIs(t, b.Add([]int{0, 3}), ErrLabel)
}

func TestFusedScoresStayBelowOne(t *testing.T) {
	a, b := Box{X1: 1, Y1: 1, Score: 1}, Box{X0: 5, X1: 6, Y1: 1, Score: .5}
	for _, scale := range []float64{1, 7} {
		got, err := FuseBoxes([][]Box{{a, a}, {b}}, []float64{2 * scale, scale}, .5)
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.InDelta(t, 2./3, got[0].Score, 1e-12)
		assert.InDelta(t, 1./6, got[1].Score, 1e-12)
	}
	got, err := FuseBoxes([][]Box{{{.1, .1, .5, .5, .9, 0}}, {{.12, .1, .52, .5, .6, 0}}, nil}, nil, .5)
	require.NoError(t, err)
	require.Len(t, got, 1)
	golden.Close(t, "box", []float64{got[0].X0, got[0].Y0, got[0].X1, got[0].Y1, got[0].Score},
		[]float64{.108, .1, .508, .5, .5}, 0, 1e-12)
	// Classes do not mix, nor does the order of boxes matter.
	boxes := []Box{{0, 0, 2, 2, .9, 0}, {0, 0, 2, 2, .8, 1}, {0, 0, 2, 1.9, .8, 0}, {5, 5, 6, 6, 0, 0}}
	want, err := FuseBoxes([][]Box{boxes}, nil, .5)
	require.NoError(t, err)
	assert.Len(t, want, 3)
	slices.Reverse(boxes)
	again, err := FuseBoxes([][]Box{boxes}, nil, .5)
	require.NoError(t, err)
	assert.Equal(t, want, again)
	kept, err := Suppress([][]Box{boxes}, .5)
	require.NoError(t, err)
	assert.Len(t, kept, 3)
	soft, err := SoftSuppress([][]Box{boxes}, .5, .01)
	require.NoError(t, err)
	assert.Len(t, soft, 3)
	assert.Less(t, soft[2].Score, .2)
	for _, bad := range []Box{{X0: 1}, {Score: 2}, {X1: math.NaN()}} {
		_, err := FuseBoxes([][]Box{{bad}}, nil, .5)
		assert.Error(t, err)
	}
	assert.Equal(t, Box{X1: 4, Y1: 3}, Box{X0: -1, Y0: -2, X1: 9, Y1: 9}.Clip(3, 4))
}

func TestWindowsCoverEveryPixel(t *testing.T) {
	for _, s := range [][3]int{{7, 9, 4}, {3, 3, 5}, {10, 4, 4}, {1, 1, 1}, {33, 20, 8}} {
		windows, err := Windows(s[0], s[1], s[2], .5)
		require.NoError(t, err)
		m, err := NewMerger(MergeMean, s[0], s[1], 1)
		require.NoError(t, err)
		for _, w := range windows {
			v := make([]float32, w.H*w.W)
			for i := range v {
				v[i] = float32((w.Top+i/w.W)*s[1] + w.Left + i%w.W)
			}
			require.NoError(t, m.AddWindow(v, w.Top, w.Left, w.H, w.W, Hann(w.H, w.W)))
		}
		dst := make([]float32, s[0]*s[1])
		require.NoError(t, m.Result(dst))
		for i, v := range dst {
			require.InDelta(t, i, v, 1e-3)
		}
	}
	m, err := NewMerger(MergeMean, 2, 2, 1)
	require.NoError(t, err)
	require.NoError(t, m.AddWindow([]float32{1, 1}, 0, 0, 2, 1, nil))
	err = m.Result(make([]float32, 4))
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	assert.ErrorContains(t, err, "pixel (0, 1)")
	assert.ErrorIs(t, m.AddWindow([]float32{1}, 0, 0, 1, 1, func(int, int) float64 { return 0 }), tensor.ErrRange)
}

func TestClassWeightsAreNotInvariant(t *testing.T) {
	for _, s := range goldenSets(t) {
		if s.Name != "digits_mlp" {
			continue
		}
		test := s.outputs["test"]
		class, _, err := FitClassTTA(s.outputs["train"], WithPaper())
		require.NoError(t, err)
		assert.Equal(t, NoInvariance, class.Shape().Invariance)
		raised := slices.Clone(test.data)
		shift(raised, 10)
		up := outputsOf(t, test.views, test.classes, raised, WithLabels(test.labels))
		before, err := Aggregate(test, class)
		require.NoError(t, err)
		after, err := Aggregate(up, class)
		require.NoError(t, err)
		changed := 0
		for n, p := range predictions(before) {
			if predictions(after)[n] != p {
				changed++
			}
		}
		assert.Equal(t, 38, changed)
		assert.Equal(t, 596, int(math.Round(accuracy(up, class, 0)*650)))
		logs := outputsOf(t, test.views, test.classes, logProbs(test), WithLogProbs())
		_, err = Aggregate(logs, class)
		assert.ErrorIs(t, err, ErrPolicy)
	}
}

func logProbs(o *Outputs) []float32 {
	data := slices.Clone(o.data)
	for i := 0; i < len(data); i += o.classes {
		shift(data[i:i+o.classes], -float32(tensor.LogSumExp(data[i:i+o.classes])))
	}
	return data
}

func TestAPerfectOriginalHasAFiniteCentre(t *testing.T) {
	x, y := make([]float32, 0, 80), make([]int, 20)
	for n := range y {
		y[n] = n % 2
		x = append(x, float32(4*(1-y[n])), float32(4*y[n]), float32(n%3), float32(n%4))
	}
	o := outputsOf(t, 2, 2, x, WithLabels(y), WithIdentity(0))
	best, r, err := FitBest(t.Context(), o)
	require.NoError(t, err)
	assert.Less(t, r.Temperature, 1.)
	assert.Greater(t, r.Temperature, .2)
	assert.Contains(t, fmt.Sprint(r.Warnings), "no optimum")
	require.NoError(t, tensor.ValidateFinite("weights", best.Weights()))
	for n := range y { // worse than chance
		y[n] = 1 - y[n]
	}
	_, r, err = FitBest(t.Context(), outputsOf(t, 2, 2, x, WithLabels(y), WithIdentity(0)))
	require.NoError(t, err)
	assert.Greater(t, r.Temperature, 2.)
	assert.LessOrEqual(t, r.Temperature, 20.)
}

func TestSingleViewsAndDuplicates(t *testing.T) {
	rng := tensor.Stream(9)
	x, y := make([]float32, 90), make([]int, 30)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for n := range y {
		y[n] = n % 3
		x[3*n+y[n]] += 1
	}
	for name, r := range Rules() {
		want := tensor.ArgMax(x[:3])
		assert.Equal(t, want, tensor.ArgMax(one(t, rule(t, r, 1, 3), x[:3]...)), name)
	}
	single := outputsOf(t, 1, 3, x, WithLabels(y), WithIdentity(0))
	_, alone, err := FitAugTTA(single)
	require.NoError(t, err)
	twice := make([]float32, 0, 180)
	for n := range y {
		twice = append(twice, append(slices.Clone(x[3*n:3*n+3]), x[3*n:3*n+3]...)...)
	}
	_, both, err := FitAugTTA(outputsOf(t, 2, 3, twice, WithLabels(y), WithIdentity(0)))
	require.NoError(t, err)
	assert.InDelta(t, alone.Objective, both.Objective, 1e-6)
}

func TestWorkersDoNotChangeABit(t *testing.T) {
	for _, s := range goldenSets(t)[:2] {
		o := s.outputs["train"]
		var first []byte
		for _, workers := range []int{1, 2, 5} {
			var all bytes.Buffer
			add := func(v any) {
				require.NoError(t, json.NewEncoder(&all).Encode(v))
			}
			best, r, err := FitBest(t.Context(), o, WithWorkers(workers))
			require.NoError(t, err)
			add(best)
			add(r)
			class, r, err := FitClassTTA(o, WithWorkers(workers))
			require.NoError(t, err)
			add(class)
			add(r)
			gps, picks, err := FitGPS(t.Context(), o, 3, WithWorkers(workers))
			require.NoError(t, err)
			add(gps)
			add(picks)
			if first == nil {
				first = all.Bytes()
			}
			assert.Equal(t, first, all.Bytes())
		}
	}
}

func TestReportsReadBackEqual(t *testing.T) {
	s := goldenSets(t)[0]
	o, test := s.outputs["train"], s.outputs["test"]
	best, fit, err := FitBest(t.Context(), o)
	require.NoError(t, err)
	b, err := json.Marshal(fit)
	require.NoError(t, err)
	var fitAgain FitReport
	require.NoError(t, json.Unmarshal(b, &fitAgain))
	assert.Equal(t, fit, fitAgain)
	b, err = json.Marshal(best)
	require.NoError(t, err)
	var again Fitted
	require.NoError(t, json.Unmarshal(b, &again))
	for n := range 5 {
		assert.Equal(t, one(t, best, test.Example(n)...), one(t, &again, test.Example(n)...))
	}
	r, err := Evaluate(test, best)
	require.NoError(t, err)
	b, err = json.Marshal(r)
	require.NoError(t, err)
	var reportAgain Report
	require.NoError(t, json.Unmarshal(b, &reportAgain))
	c, err := json.Marshal(reportAgain) // warnings of estimates are errors, equal by their texts
	require.NoError(t, err)
	assert.JSONEq(t, string(b), string(c))
	assert.Equal(t, r.PerClass, reportAgain.PerClass)
	v, err := AnalyzeViews(test)
	require.NoError(t, err)
	b, err = json.Marshal(v)
	require.NoError(t, err)
	var viewsAgain ViewReport
	require.NoError(t, json.Unmarshal(b, &viewsAgain))
	assert.Equal(t, v, viewsAgain)
	var svg bytes.Buffer
	require.NoError(t, r.WriteSVG(&svg))
	assert.Contains(t, svg.String(), "</svg>")
	for _, bad := range []string{`{}`, `{"version":2}`, `[]`,
		`{"version":1,"method":"AugTTA","shape":{"views":2,"classes":2,` +
			`"kind":"logits","invariance":"none"},"weights":[1],"inner_scale":1,"outer_scale":1}`} {
		assert.ErrorIs(t, json.Unmarshal([]byte(bad), new(Fitted)), ErrFormat, bad)
	}
	leaked, err := Evaluate(o, best)
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(leaked.Warnings), "was fitted on 400 of these")
}

func TestEvaluatorsMerge(t *testing.T) {
	s := goldenSets(t)[0]
	test := s.outputs["test"]
	f := fixedOf(t, Mean(), test)
	want, err := Evaluate(test, f)
	require.NoError(t, err)
	out, err := Aggregate(test, f)
	require.NoError(t, err)
	parts := make([]*Evaluator, 2)
	for k := range parts {
		parts[k], err = NewEvaluator(test.classes)
		require.NoError(t, err)
	}
	for n, y := range test.labels {
		require.NoError(t, parts[n*2/test.Len()].Add(test.View(n, 0), out.Row(n), y))
	}
	require.NoError(t, parts[0].Merge(parts[1]))
	got, err := parts[0].Report()
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.ErrorIs(t, parts[0].Add([]float32{1}, []float32{1}, 0), tensor.ErrShape)
	assert.ErrorIs(t, parts[0].Add(out.Row(0), out.Row(0), 9), ErrLabel)
	nan := make([]float32, test.classes)
	nan[0] = float32(math.NaN())
	assert.ErrorIs(t, parts[0].Add(out.Row(0), nan, 0), tensor.ErrNotFinite)
	other, err := NewEvaluator(test.classes, WithTop(1))
	require.NoError(t, err)
	assert.ErrorIs(t, parts[0].Merge(other), tensor.ErrConflict)
	_, err = other.Report()
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}

func TestEarlyExitComputesFewerViews(t *testing.T) {
	for _, s := range goldenSets(t) {
		if s.Name != "digits_mlp" {
			continue
		}
		o, test := s.fitted(t), s.outputs["test"]
		path, err := SelectViews(t.Context(), o, WithMost(4))
		require.NoError(t, err)
		losses := path.Loss()
		assert.True(t, slices.IsSortedFunc(losses, func(a, b float64) int { return int(math.Copysign(1, b-a)) }), "%v",
			losses)
		assert.Equal(t, s.Identity, path.Order()[0])
		tau, cost, err := path.Threshold(o, .01)
		require.NoError(t, err)
		assert.Less(t, cost, float64(path.Len()))
		// The policy picks the outputs of a view, and the model passes them on.
		var views []View[int]
		for a := range test.Views() {
			views = append(views, View[int]{Name: test.Name(a), Original: a == s.Identity,
				Steps: []Transform[int]{Func(fmt.Sprint(a), func(x int) (int, error) { return x*test.Views() + a, nil })}})
		}
		p, err := NewPolicy(views...)
		require.NoError(t, err)
		m := func(_ context.Context, batch []int, out []float32) error {
			for i, x := range batch {
				copy(out[i*test.Classes():], test.View(x/test.Views(), x%test.Views()))
			}
			return nil
		}
		xs := span(0, test.Len())
		dst := tensor.NewMatrix[float32](test.Len(), test.Classes())
		early, err := NewPredictor(m, p, path.Step(1), WithEarlyExit(path, tau))
		require.NoError(t, err)
		used, err := early.Predict(t.Context(), xs, dst)
		require.NoError(t, err)
		assert.Less(t, used, path.Len()*test.Len())
		whole, err := NewPredictor(m, p, path.Step(path.Len()))
		require.NoError(t, err)
		full := tensor.NewMatrix[float32](test.Len(), test.Classes())
		used, err = whole.Predict(t.Context(), xs, full)
		require.NoError(t, err)
		assert.Equal(t, len(path.Step(path.Len()).Active())*test.Len(), used)
		want, err := Aggregate(test, path.Step(path.Len()))
		require.NoError(t, err)
		assert.Equal(t, want, full)
		differ := 0
		for n := range test.Len() {
			if predicted(dst.Row(n)) != predicted(full.Row(n)) {
				differ++
			}
		}
		assert.Less(t, differ, 20)
		_, err = NewPredictor(m, p, fixedOf(t, Mean(), s.outputs["val"]), WithCollect(WithOutputs(WithLogProbs())))
		require.NoError(t, err)
		_, err = NewPredictor(m, p, path.Step(1), WithCollect(WithOutputs(WithLogProbs())))
		assert.ErrorIs(t, err, ErrPolicy)
	}
}

func TestProductsChangeTheLastFactorFirst(t *testing.T) {
	level := func(name string, original bool) Level[int] { return Level[int]{Name: name, Original: original} }
	p, err := Product(Factor[int]{level("a", true), level("b", false)}, Factor[int]{level("x", false), level("y",
		true), level("z", false)})
	require.NoError(t, err)
	assert.Equal(t, []string{"a/x", "a/y", "a/z", "b/x", "b/y", "b/z"}, p.Names())
	i, ok := p.Identity()
	assert.Equal(t, []any{1, true}, []any{i, ok})
	s, err := p.Select(3, 1)
	require.NoError(t, err)
	i, _ = s.Identity()
	assert.Equal(t, 1, i)
	assert.NotEqual(t, p.Fingerprint(), s.Fingerprint())
	data := make([]float32, 12)
	for i := range data {
		data[i] = float32(i)
	}
	o := outputsOf(t, 6, 2, data, WithPolicy(p.Fingerprint()), WithIdentity(1))
	some, err := o.Select(3, 1)
	require.NoError(t, err)
	assert.Equal(t, s.Fingerprint(), some.Policy())
	assert.Equal(t, []float32{6, 7, 2, 3}, some.Example(0))
	_, err = Product[int]()
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = Product(Factor[int]{})
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = NewPolicy(View[int]{Name: "a"}, View[int]{Name: "a"})
	assert.ErrorIs(t, err, tensor.ErrConflict)
	_, err = p.Select(1, 1)
	assert.ErrorIs(t, err, tensor.ErrConflict)
}

func TestSplitsKeepTheClasses(t *testing.T) {
	s := goldenSets(t)[0]
	o := s.outputs["train"]
	for _, share := range []float64{.1, .5, .8} {
		a, b, err := o.Split(share, 3)
		require.NoError(t, err)
		assert.Equal(t, o.Len(), a.Len()+b.Len())
		assert.InDelta(t, share*float64(o.Len()), float64(a.Len()), 1)
		for y, rows := range o.byClass() {
			assert.InDelta(t, share*float64(len(rows)), float64(len(a.byClass()[y])), 1)
		}
	}
	_, _, err := o.Split(1, 0)
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = o.Subset(400)
	assert.ErrorIs(t, err, tensor.ErrRange)
}

func TestBadFits(t *testing.T) {
	o := outputsOf(t, 2, 2, []float32{1, 0, 0, 1, 1, 0, 0, 1}, WithLabels([]int{0, 1}))
	_, _, err := FitBest(t.Context(), o)
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, _, err = FitBest(t.Context(), o, WithFolds(2))
	assert.ErrorIs(t, err, ErrIdentity)
	_, _, err = FitAugTTA(o, WithShrinkage(1))
	assert.ErrorIs(t, err, ErrIdentity)
	_, _, err = FitAugTTA(o, WithPaper(), WithShrinkage(1))
	assert.ErrorIs(t, err, tensor.ErrConflict)
	_, _, err = FitAugTTA(o, WithTolerance(0), WithIterations(0), nil)
	assert.ErrorIs(t, err, tensor.ErrRange)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, _, err = FitGPS(t.Context(), o, 3, WithReference())
	assert.ErrorIs(t, err, tensor.ErrRange)
	unlabelled := outputsOf(t, 2, 2, []float32{1, 0, 0, 1})
	for _, err := range []error{func() error { _, _, err := FitAugTTA(unlabelled); return err }(),
		func() error { _, _, err := FitMixture(unlabelled); return err }(),
		func() error { _, err := AnalyzeViews(unlabelled); return err }(),
		func() error { _, err := Evaluate(unlabelled, rule(t, Mean(), 2, 2)); return err }()} {
		assert.ErrorIs(t, err, ErrLabel)
	}
	_, err = NewOutputs(1, 2, []float32{1, 0}, WithLabels([]int{2}))
	assert.ErrorIs(t, err, ErrLabel)
	_, err = NewOutputs(1, 2, []float32{1, 0, 2})
	assert.ErrorIs(t, err, tensor.ErrShape)
	_, err = Aggregate(o, rule(t, Mean(), 3, 2))
	assert.ErrorIs(t, err, ErrPolicy)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	big := goldenSets(t)[0].outputs["train"]
	_, _, err = FitBest(ctx, big)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = SelectViews(ctx, big)
	assert.ErrorIs(t, err, context.Canceled)
	_, _, err = FitGPS(ctx, big, 2)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestSeparableDataDoNotDiverge(t *testing.T) {
	x, y := make([]float32, 0, 160), make([]int, 20)
	for n := range y {
		y[n] = n % 2
		for range 4 {
			x = append(x, float32(3-6*y[n]), 0)
		}
	}
	o := outputsOf(t, 4, 2, x, WithLabels(y), WithIdentity(0))
	f, _, err := FitClassTTA(o)
	require.NoError(t, err)
	require.NoError(t, tensor.ValidateFinite("weights", f.Weights()))
	f, r, err := FitAugTTA(o)
	require.NoError(t, err)
	require.NoError(t, tensor.ValidateFinite("weights", f.Weights()))
	assert.Less(t, r.Loss, 1e-3)
}
