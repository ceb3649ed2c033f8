package schedule_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
)

// What other libraries get wrong or do to one's surprise, and what happens here. See also
// TestRestartsAreExact.

// torch's CosineAnnealingLR climbs back after T_max, to the base rate at 2*T_max.
func TestCosineStaysDown(t *testing.T) {
	c := s.Cosine{From: 0.1, To: 0.001, Over: 50}
	for _, at := range []float64{50, 75, 100, 1e9, math.Inf(1)} {
		require.Equal(t, 0.001, c.Value(at))
	}
}

// torch's SequentialLR resumed with last_epoch=4 restarts at 0.1 instead of 0.081. A function of time has nothing
// to resume; nor does what was written to a checkpoint and read again.
func TestResumedSequence(t *testing.T) {
	q := s.Sequence{{Until: 2, S: s.Constant{V: 0.1}}, {S: s.Exponential{From: 0.1, Rate: 0.9, Period: 1}}}
	require.InDelta(t, 0.081, q.Value(4), 1e-15)
	spec, err := s.SpecOf(q)
	require.NoError(t, err)
	saved, err := json.Marshal(spec)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(saved, &spec))
	resumed, err := spec.Compile(s.Plan{}, s.Steps)
	require.NoError(t, err)
	for step := 4; step < 100; step++ {
		require.Equal(t, q.Value(float64(step)), resumed.Value(float64(step)))
	}
}

// Warm restarts stop one step short of the floor, here as elsewhere; IncludeFloor is the way to it.
func TestFloorIsReached(t *testing.T) {
	c := s.WarmRestarts(10, 2, 0.1, 0.001)
	require.Greater(t, c.Value(9), 0.001)
	c.IncludeFloor = true
	for _, end := range c.Ends(630) {
		require.Equal(t, 0.001, c.Value(float64(end-1)))
		require.Equal(t, 0.1, c.Value(float64(end)))
	}
}

// Composer makes int(0.06*10) = 0 steps of a warmup of 6 % of 10 steps. Here it is 0.6 steps: only step 0 is below
// the peak.
func TestDurationsAreNotTruncated(t *testing.T) {
	plan := s.Plan{Total: s.Duration{Value: 10, Unit: s.Steps}}
	w, err := plan.Convert(s.Duration{Value: 0.06, Unit: s.Fraction}, s.Steps)
	require.NoError(t, err)
	require.Equal(t, 0.6, w)
	sch := compile(t, `{"type":"warmup","over":"0.06dur","then":{"type":"constant","v":1}}`, plan)
	require.Equal(t, []float64{0, 1, 1}, steps(sch, 3))
	require.Equal(t, 0.5, sch.Value(0.3))
	// Nor are cycles: Composer's of 15 steps growing by 1.5 has int(22.5) = 22, ours is rounded to 23; and one of 1 step
	// stays at 1 for ever, where ours grows.
	require.Equal(t, []int{15, 38}, s.WarmRestarts(15, 1.5, 1, 0).Ends(38))
	require.Equal(t, []int{1, 3, 6, 11}, s.WarmRestarts(1, 1.5, 1, 0).Ends(11))
	// Growth that would stall is an error.
	require.ErrorContains(t, s.WarmRestarts(10, 1.04, 1, 0).Validate(), "Cyclic.Mult = 1.04")
}

// Composer raises if the warmup and the run are in different units.
func TestUnitsMix(t *testing.T) {
	plan := s.Plan{Total: s.Duration{Value: 90, Unit: s.Epochs}, StepsPerEpoch: 625, SamplesPerStep: 2048}
	sch := compile(t, `{"type":"wsd","peak":2,"warmup":"2048000sp","stable":"20ep","decay":"0.5dur"}`, plan)
	require.Equal(t, s.WSD{Peak: 2, Warmup: 1000, Stable: 12500, Decay: 28125}, sch)
}

// Composer's scale schedule ratio leaves warmups alone unless they are fractions of the run, and its scale_warmup
// stretches the slope but not the end, so that the rate jumps from 0.475 to 1. Stretch does the whole, and the other
// if told so.
func TestStretchedWarmup(t *testing.T) {
	run := s.Warmup{Over: 20, Then: s.Cosine{From: 1, Over: 180}}
	all := s.Stretch{S: run, By: 2}
	require.Equal(t, 0.475, all.Value(19))
	require.Equal(t, 0.5, all.Value(20))
	require.Equal(t, 1.0, all.Value(40))
	require.Equal(t, 0.0, all.Value(400))
	rest := s.Stretch{S: run, By: (400. - 20) / (200 - 20), Keep: 20}
	require.Equal(t, 0.95, rest.Value(19))
	require.Equal(t, 1.0, rest.Value(20))
	require.InDelta(t, 0.5, rest.Value(210), 1e-15)
	require.InDelta(t, 0, rest.Value(400), 1e-30)
	at, err := s.Breakpoints(rest, 0, 1000)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0, 20, 400}, at, 1e-12)
}

// optax counts in int32 and computes in float32: no more than 2.1e9 tokens, and at 3e10 they are 2048 apart.
func TestTokenCounters(t *testing.T) {
	tokens := s.Linear{From: 0, To: 1 << 40, Over: 1 << 40}
	require.Equal(t, 3e10+1, tokens.Value(3e10+1))
	require.Equal(t, float32(3e10), float32(3e10+1), "what float32 makes of it")
	v, err := s.At(tokens, s.Tokens, s.Progress{Token: 30_000_000_001})
	require.NoError(t, err)
	require.Equal(t, 30_000_000_001.0, v)
}

// Composer's sequence length warmup divides by warm / ((max-min)/step) in integers, which is 0 if the warmup has
// fewer steps than lengths. Where it does not, the lengths here are the same.
func TestSequenceLengthWarmup(t *testing.T) {
	lengths := func(from, to, step, warm int) s.Ints {
		q := s.Quantize{S: s.Ramp{From: float64(from), To: float64(to), End: float64(warm)}, Multiple: float64(step),
			Mode: s.Down}
		require.NoError(t, q.Validate())
		return s.Ints{S: q}
	}
	short := lengths(8, 1024, 8, 20) // 127 lengths in 20 steps
	require.Equal(t, []int{8, 56, 1024, 1024}, []int{short.Value(0), short.Value(1), short.Value(20), short.Value(21)})
	for _, step := range []int{1, 8, 64} {
		for _, updates := range []int{1, 3, 7, 21, 127} {
			for _, every := range []int{1, 2, 5, 9} {
				from, to, warm := 2*step, (2+updates)*step, updates*every
				ours := lengths(from, to, step, warm)
				for batch := range warm + 3 {
					composer := min(max(step*(batch/(warm/((to-from)/step)))+from, from), to)
					require.Equal(t, composer, ours.Value(float64(batch)), "%d..%d by %d, batch %d of %d", from, to, step, batch, warm)
				}
			}
		}
	}
}

// The cycle peak decay, real multipliers and a warmup in every cycle that users ask torch's warm restarts for.
func TestRestartsWithWarmupAndDecay(t *testing.T) {
	c := s.Cyclic{First: 10, Mult: 1.5, Peak: 1, PeakDecay: 0.5}
	require.Equal(t, []int{10, 25, 48}, c.Ends(48))
	require.Equal(t, []float64{1, 0.5, 0.25}, []float64{c.Value(0), c.Value(10), c.Value(25)})
	warm := s.Repeat{S: s.Warmup{Over: 5, Then: s.Cosine{From: 1, Over: 15}}, Period: 20}
	require.InDeltaSlice(t, []float64{0, 0.2, 1, 0, 1}, []float64{warm.Value(20), warm.Value(21), warm.Value(25),
		warm.Value(40), warm.Value(45)}, 1e-15)
}

// Without a Keep all of a schedule is stretched; with one, what is before it is not.
func TestStretchBeforeTheStart(t *testing.T) {
	early := s.Piecewise{Knots: []s.Knot{{T: -10, V: 1}, {T: 10, V: 3}}, Interp: s.LinearInterp}
	require.Equal(t, early.Value(-4), s.Stretch{S: early, By: 2}.Value(-8))
	require.Equal(t, early.Value(-8), s.Stretch{S: early, By: 2, Keep: 1}.Value(-8))
}
