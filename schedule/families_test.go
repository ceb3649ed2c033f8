package schedule_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/scheduletest"
)

type family struct {
	name string
	s    s.Schedule
	opts []scheduletest.Option
}

// families has every built-in type at least once, with what the kit can expect of it over the steps 0 to 1000.
func families() []family {
	between, hold := scheduletest.WithRange, scheduletest.WithHold
	list := func(o ...scheduletest.Option) []scheduletest.Option { return o }
	half := s.Cosine{From: 1, To: 0.1, Over: 800}
	return []family{
		{"choice", s.Choice[float64]{Bounds: []float64{100, 600}, Values: []float64{1, 2, 3}},
			list(between(1, 3), hold(600))},
		{"clamp", s.Clamp{S: half, Lo: 0.2, Hi: 0.9}, list(between(0.2, 0.9), hold(800))},
		{"clock", s.Clock{S: s.Cyclic{First: 30, Mult: 2, Peak: 1, Floor: 0.01}, Step: 0.7}, list(between(0, 1))},
		{"constant", s.Constant{V: 0.3}, list(between(0.3, 0.3), hold(-5))},
		{"cosine", s.Cosine{From: 1, To: 0.1, Over: 800}, list(between(0.1, 1), hold(800))},
		{"cosine k", s.Cosine{From: 1, To: 0.1, Over: 800, K: 1.5, Exponent: 1.2}, list(between(0.1, 1), hold(800))},
		{"cosineRestarts", s.CosineRestarts{Peak: 1, Floor: 0.1, Warmup: 7, Total: 800, Cycles: 3},
			list(between(0, 1), hold(800))},
		{"cyclic cut", s.Cyclic{First: 15.5, Mult: 1.5, Peak: 1, Truncate: true}, list(between(0, 1))},
		{"polynomial elapsed", s.Polynomial{From: 1, To: 0.1, Over: 800, Power: 2, Elapsed: true},
			list(between(0.1, 1), hold(800))},
		{"cyclic", s.Cyclic{Warmup: 30, First: 30, Mult: 2, Peak: 1, Floor: 0.01}, list(between(0, 1))},
		{"cyclic equal", s.Cyclic{First: 100, Mult: 1, Peak: 1, PeakDecay: 0.9, MaxCycles: 8, IncludeFloor: true},
			list(between(0, 1), hold(800))},
		{"expInterp", s.ExpInterp{From: 1e-5, To: 1, Over: 800}, list(between(1e-5, 1), hold(800))},
		{"exponential", s.Exponential{From: 1, Rate: 0.5, Period: 100}, list(between(0, 1))},
		{"exponential staircase", s.Exponential{From: 1, Rate: 0.5, Period: 100, Staircase: true}, list(between(0, 1))},
		{"inverseSqrt", s.InverseSqrt{Peak: 1, Scale: 100, Shift: 100}, list(between(0, 1))},
		{"linear", s.Linear{From: 0.3, To: 0.15, Over: 800}, list(between(0.15, 0.3), hold(800))},
		{"max", s.Max{half, s.Constant{V: 0.5}}, list(between(0.5, 1), hold(800))},
		{"min", s.Min{half, s.Constant{V: 0.5}}, list(between(0.1, 0.5), hold(800))},
		{"multiStep", s.MultiStep{From: 1, Gamma: 0.1, At: []float64{300, 600, 800}}, list(between(1e-4, 1), hold(800))},
		{"noam", s.Noam{Scale: 1, Dim: 512, Warmup: 400}, list(between(0, 0.01))},
		{"offset", s.Offset{S: half, By: 1}, list(between(1.1, 2), hold(800))},
		{"oneCycle", s.TorchOneCycle(1, 800), list(between(0, 1), hold(799))},
		{"oneCycle 3", s.OneCycle{Initial: 0.1, Peak: 1, Final: 0.01, Up: 200, Down: 500, Total: 800, Shape: s.LinearShape},
			list(between(0.01, 1), hold(800))},
		{"oneMinusSqrt", s.OneMinusSqrt{From: 1, To: 0.1, Over: 800}, list(between(0.1, 1), hold(800))},
		{"piecewise", s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 300, V: 3}, {T: 800, V: 2}}},
			list(between(1, 3), hold(800))},
		{"piecewise cosine", s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 300, V: 3}, {T: 800, V: 2}},
			Interp: s.CosineInterp}, list(between(1, 3), hold(800))},
		{"polynomial", s.Polynomial{To: 0.9, Over: 800, Power: 3}, list(between(0, 0.9), hold(800))},
		{"product", s.Product{half, s.Linear{From: 2, To: 1, Over: 500}}, list(between(0.1, 2), hold(800))},
		{"quantize", s.Quantize{S: s.Ramp{From: 112, To: 224, Start: 100, End: 800}, Multiple: 4},
			list(between(112, 224), hold(800), scheduletest.WithJumps())},
		{"ramp", s.Ramp{From: 1, To: 2, Start: 100, End: 800}, list(between(1, 2), hold(800))},
		{"repeat", s.Repeat{S: half, Period: 150}, list(between(0.1, 1))},
		{"rex", s.REX{From: 1, To: 0.1, Over: 800}, list(between(0.1, 1), hold(800))},
		{"scale", s.Scale{S: half, By: -2}, list(between(-2, -0.2), hold(800))},
		{"sequence", s.Sequence{{Until: 100, S: s.Linear{To: 1, Over: 100}}, {Until: 300, S: s.Constant{V: 1}},
			{S: s.Cosine{From: 1, Over: 500}}}, list(between(0, 1), hold(800))},
		{"shift", s.Shift{S: half, By: 50}, list(between(0.1, 1), hold(850))},
		{"step", s.Step{From: 1, Gamma: 0.1, Every: 300}, list(between(0, 1))},
		{"stretch", s.Stretch{S: half, By: 0.7}, list(between(0.1, 1), hold(560))},
		{"stretch keep", s.Stretch{S: s.Warmup{Over: 50, Then: half}, By: 0.5, Keep: 50}, list(between(0, 1), hold(450))},
		{"sum", s.Sum{half, s.Linear{From: 2, To: 1, Over: 500}}, list(between(1.1, 3), hold(800))},
		{"tanh", s.Tanh{From: 1, To: 0.1, Over: 800, Lower: -7, Upper: 3}, list(between(0.1, 1), hold(800))},
		{"triangular", s.Triangular{Floor: 0.1, Peak: 1, Up: 100, Down: 150, CycleDecay: 0.5}, list(between(0.1, 1))},
		{"triangular exp", s.Triangular{Floor: 0.1, Peak: 1, Up: 100, Down: 150, StepDecay: 0.999}, list(between(0.1, 1))},
		{"warmup", s.Warmup{Over: 50, Then: half}, list(between(0, 1), hold(850))},
		{"wsd", s.WSD{Peak: 1, Floor: 0.1, Warmup: 50, Stable: 600, Decay: 150, Shape: s.OneMinusSqrtShape},
			list(between(0, 1), hold(800))},
	}
}

func TestFamilies(t *testing.T) {
	missing := map[string]bool{}
	for _, name := range s.Builtins {
		missing[name] = true
	}
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			scheduletest.Check(t, f.s, f.opts...)
			spec, err := s.SpecOf(f.s)
			require.NoError(t, err)
			var j struct{ Type string }
			require.NoError(t, json.Unmarshal([]byte(spec.String()), &j))
			delete(missing, j.Type)
		})
	}
	require.Empty(t, missing, "built-in types without a test")
}

func TestValueAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, f := range families() {
		at := 0.0
		require.Zero(t, testing.AllocsPerRun(1000, func() { f.s.Value(at); at++ }), f.name)
	}
	c := s.Cyclic{Warmup: 10, First: 10, Mult: 2, Peak: 1}
	require.Zero(t, testing.AllocsPerRun(1000, func() { c.CycleAt(500); c.IsCycleEnd(500); c.TotalFor(5) }))
	ints := s.Ints{S: c}
	require.Zero(t, testing.AllocsPerRun(1000, func() { ints.Value(500) }))
}

// Integral and Range agree with what they are defined by.
func TestIntegralAndRange(t *testing.T) {
	sum, err := s.Integral(s.Linear{From: 0.3, To: 0.15, Over: 1000}, 0, 1000)
	require.NoError(t, err)
	require.InDelta(t, 0.225*1000+0.075, sum, 1e-11)

	// A peak of a single step between two breakpoints, and the value just before a restart.
	narrow := s.Piecewise{Knots: []s.Knot{{T: 7777, V: 0}, {T: 7777.5, V: 1}, {T: 7778, V: 0}}, Interp: s.LinearInterp}
	lo, hi, err := s.Range(narrow, 0, 1e6)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1}, []float64{lo, hi})
	lo, hi, err = s.Range(s.Cyclic{First: 10, Mult: 2, Peak: 1, Floor: 0.1}, 0, 70)
	require.NoError(t, err)
	require.InDelta(t, 0.1, lo, 1e-12)
	require.Equal(t, 1.0, hi)
	// The top of a product is at no breakpoint.
	_, hi, err = s.Range(s.Product{s.Linear{To: 1, Over: 1}, s.Linear{From: 1, Over: 1}}, 0, 1)
	require.NoError(t, err)
	require.InDelta(t, 0.25, hi, 1e-12)
	lo, hi, err = s.Range(s.Linear{From: 1, Over: 10}, 4, 4)
	require.NoError(t, err)
	require.Equal(t, []float64{0.6, 0.6}, []float64{lo, hi})
	_, _, err = s.Range(s.Func(math.Log), -1, 1)
	require.ErrorContains(t, err, "value NaN at time -1")
}

// A period that is nothing beside the time: the multiples cannot be told from each other, and none is listed.
func TestBreakpointsFarOut(t *testing.T) {
	for _, period := range []float64{1e-300, 1e-3} {
		at, err := s.Breakpoints(s.Shift{By: -1e17, S: s.Step{From: 1, Gamma: 0.5, Every: period}}, -5, 50)
		require.NoError(t, err)
		require.Empty(t, at)
	}
	at, err := s.Breakpoints(s.Step{From: 1, Gamma: 0.5, Every: 10}, 1e15, 1e15+20)
	require.NoError(t, err)
	require.Equal(t, []float64{1e15, 1e15 + 10, 1e15 + 20}, at)
}
