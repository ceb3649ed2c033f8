package schedule_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func compile(t *testing.T, spec string, plan s.Plan) s.Schedule {
	t.Helper()
	parsed, err := s.ParseJSON([]byte(`{"version":1,` + strings.TrimPrefix(spec, "{")))
	require.NoError(t, err)
	sch, err := parsed.Compile(plan, s.Steps)
	require.NoError(t, err)
	return sch
}

// Composer's conversion, as its scheduler.py has it, in Python's arithmetic.
func TestComposerTruncates(t *testing.T) {
	composer := func(d s.Duration, total s.Duration, loader int) s.Duration {
		switch {
		case d.Unit == s.Fraction && total.Unit == s.Epochs:
			return s.Duration{Value: float64(int64(d.Value * float64(loader) * total.Value)), Unit: s.Steps}
		case d.Unit == s.Fraction:
			return s.Duration{Value: float64(int64(d.Value * total.Value)), Unit: total.Unit}
		case d.Unit == s.Epochs:
			return s.Duration{Value: float64(int64(d.Value * float64(loader))), Unit: s.Steps}
		}
		return s.Duration{Value: float64(int64(d.Value)), Unit: d.Unit}
	}
	cut := 0
	for _, total := range []s.Duration{{10, s.Steps}, {100, s.Steps}, {7, s.Epochs}, {90, s.Epochs}, {1000, s.Samples}} {
		for _, loader := range []int{1, 20, 37} {
			plan := s.Plan{Total: total, StepsPerEpoch: float64(loader), SamplesPerStep: 8, Composer: true}
			for percent := range 101 {
				for _, d := range []s.Duration{{float64(percent) / 100, s.Fraction}, {float64(percent) / 10, s.Epochs},
					{float64(percent) / 3, s.Steps}} {
					whole := composer(d, total, loader)
					want := whole.Value
					if whole.Unit == s.Samples {
						want /= 8
					}
					got, err := plan.Convert(d, s.Steps)
					require.NoError(t, err)
					require.Equal(t, want, got, "%v of %v, %d steps an epoch", d, total, loader)
					plan.Composer = false
					exact, err := plan.Convert(d, s.Steps)
					require.NoError(t, err)
					plan.Composer = true
					if exact != got {
						cut++
					}
				}
			}
		}
	}
	require.Greater(t, cut, 1000)

	sch := compile(t, `{"type":"warmup","over":"0.06dur","then":{"type":"constant","v":1}}`,
		s.Plan{Total: s.Duration{Value: 10, Unit: s.Steps}, Composer: true})
	require.Equal(t, s.Warmup{Then: s.Constant{V: 1}}, sch)
	_, err := s.Plan{Composer: true}.Convert(s.Duration{Value: 1, Unit: s.Fraction}, s.Steps)
	require.ErrorIs(t, err, s.ErrMissingRate)
	require.EqualError(t, err, "schedule: 1dur to st: Plan.Total is not set: plan does not say the rate")
	_, err = s.Plan{Composer: true}.Convert(s.Duration{Value: 1, Unit: s.Epochs}, s.Steps)
	require.EqualError(t, err, "schedule: 1ep to st: the Plan's StepsPerEpoch is not set: plan does not say the rate")
	_, err = s.Plan{Composer: true, StepsPerEpoch: 2}.Convert(s.Duration{Value: math.MaxFloat64, Unit: s.Epochs}, s.Steps)
	require.ErrorContains(t, err, "overflows")
}

func TestAccumulated(t *testing.T) {
	batches := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 10, SamplesPerStep: 8,
		TokensPerStep: 4096}
	plan, err := batches.Accumulated(4)
	require.NoError(t, err)
	require.Equal(t, s.Plan{Total: s.Duration{Value: 250, Unit: s.Steps}, StepsPerEpoch: 2.5, SamplesPerStep: 32,
		TokensPerStep: 16384}, plan)
	// What is counted in samples, epochs or fractions comes after as many batches as before.
	for _, d := range []s.Duration{{96, s.Samples}, {3, s.Epochs}, {0.07, s.Fraction}, {1 << 20, s.Tokens}} {
		before, err := batches.Convert(d, s.Steps)
		require.NoError(t, err)
		for _, n := range []int{1, 3, 4, 7} {
			plan, err := batches.Accumulated(n)
			require.NoError(t, err)
			after, err := plan.Convert(d, s.Steps)
			require.NoError(t, err)
			require.InEpsilon(t, before, after*float64(n), 1e-15)
		}
	}
	batches.Total = s.Duration{Value: 9, Unit: s.Epochs}
	plan, err = batches.Accumulated(3)
	require.NoError(t, err)
	require.Equal(t, batches.Total, plan.Total)
	steps, err := plan.Convert(plan.Total, s.Steps)
	require.NoError(t, err)
	require.Equal(t, 30.0, steps)
	_, err = batches.Accumulated(0)
	require.ErrorIs(t, err, tensor.ErrRange)
}

// The same definition means the same schedule on the axis of tokens as on that of steps.
func TestCompileOnAnyAxis(t *testing.T) {
	plan := s.Plan{Total: s.Duration{Value: 10, Unit: s.Epochs}, StepsPerEpoch: 20, SamplesPerStep: 32,
		TokensPerStep: 4096}
	spec, err := s.ParseJSON([]byte(`{"version":1,"type":"wsd","peak":1,"warmup":"1000sp",` +
		`"stable":"0.5dur","decay":"20ba"}`))
	require.NoError(t, err)
	bySteps, err := spec.Compile(plan, s.Steps)
	require.NoError(t, err)
	for axis, perStep := range map[s.Unit]float64{s.Epochs: 1. / 20, s.Samples: 32, s.Tokens: 4096, s.Fraction: 1. / 200} {
		sch, err := spec.Compile(plan, axis)
		require.NoError(t, err)
		for step := range 200 {
			x := float64(step) + 0.5
			require.InDelta(t, bySteps.Value(x), sch.Value(x*perStep), 1e-12, "%v at step %v", axis, x)
		}
	}
	golden.Close(t, "warmup", []float64{bySteps.Value(15.625)}, []float64{0.5}, 1e-15, 0)
}
