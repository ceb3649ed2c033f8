package schedule_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

// Composer's schedulers, written in its own mixture of units and compiled for its runs of 10 epochs of 20 steps.
func TestGoldenComposer(t *testing.T) {
	want := map[string]string{
		"LinearScheduler":               `{"type":"linear","from":1,"to":0.5,"over":"1dur"}`,
		"LinearScheduler_ep":            `{"type":"linear","from":1,"to":0,"over":"3ep"}`,
		"LinearScheduler_tok":           `{"type":"linear","from":0,"to":1,"over":"200000tok"}`,
		"CosineAnnealingScheduler":      `{"type":"cosine","from":1,"to":0.1,"over":"1dur"}`,
		"CosineAnnealingScheduler_half": `{"type":"cosine","from":1,"to":0,"over":"0.5dur"}`,
		"StepScheduler":                 `{"type":"step","from":1,"gamma":0.3,"every":"2ep"}`,
		"MultiStepScheduler":            `{"type":"multiStep","from":1,"gamma":0.1,"at":["0.3dur","5ep","150ba"]}`,
		"ConstantScheduler":             `{"type":"choice","bounds":["0.5dur"],"values":[0.4,1]}`,
		"ExponentialScheduler":          `{"type":"exponential","from":1,"rate":0.9,"period":"1ep"}`,
		"PolynomialScheduler":           `{"type":"polynomial","from":1,"to":0.01,"over":"1dur","power":2}`,

		"CosineAnnealingWarmRestartsScheduler": `{"type":"cyclic","first":"1ep","mult":2,"peak":1,"floor":0.05}`,

		"LinearWithWarmupScheduler": `{"type":"piecewise","interp":"linear",` +
			`"knots":[{"t":0,"v":0},{"t":"0.06dur","v":1},{"t":"1dur","v":0.02}]}`,
		"CosineAnnealingWithWarmupScheduler": `{"type":"wsd","peak":1,"warmup":"10ba","decay":"190ba"}`,
		"PolynomialWithWarmupScheduler": `{"type":"warmup","over":"1ep",` +
			`"then":{"type":"polynomial","from":1,"to":0,"over":"9ep","power":2}}`,
		"MultiStepWithWarmupScheduler": `{"type":"warmup","over":"1ep",` +
			`"then":{"type":"multiStep","from":1,"gamma":0.1,"at":["2ep","4ep"]}}`,
		"ConstantWithWarmupScheduler": `{"type":"warmup","over":"1ep","then":{"type":"constant","v":0.7}}`,
	}
	for _, c := range cases(t, "composer", 22) {
		plan := s.Plan{StepsPerEpoch: 20, SamplesPerStep: 32, TokensPerStep: 4096, Composer: true}
		name, _, _ := strings.Cut(c.Name, "_ssr")
		var sch s.Schedule
		switch c.Name {
		case "CosineAnnealingWarmRestartsScheduler_1.5":
			sch = s.Cyclic{First: 15, Mult: 1.5, Peak: 1, Truncate: true}
		case "CosineAnnealingWithWarmupScheduler_ssr2_scalewarmup":
			// Composer stretches the slope of the warmup but not its end: the value jumps from 0.475 to 1.
			sch = s.Sequence{{Until: 20, S: s.Linear{To: 1, Over: 40}}, {S: s.Cosine{From: 1, Over: 380}}}
		default:
			spec := want[name]
			require.NotEmpty(t, spec, c.Name)
			require.NoError(t, plan.Total.UnmarshalText([]byte(c.Max)))
			sch = compile(t, spec, plan)
			sch = stretched(t, c, sch)
		}
		compare(t, c.Name, sch, c.Values)
	}
}

// stretched is Composer's scale schedule ratio: the warmup keeps its length unless it is a fraction of the run or
// scale_warmup is set.
func stretched(t *testing.T, c goldenCase, sch s.Schedule) s.Schedule {
	var args struct {
		Warmup string `json:"t_warmup"`
		Scale  bool   `json:"scale_warmup"`
	}
	require.NoError(t, json.Unmarshal(c.Args, &args))
	if args.Warmup == "" || args.Scale || strings.HasSuffix(args.Warmup, "dur") {
		return s.Stretch{S: sch, By: c.SSR}
	}
	warmup, err := s.ParseDuration(args.Warmup)
	require.NoError(t, err)
	keep, err := s.Plan{StepsPerEpoch: 20}.Convert(warmup, s.Steps)
	require.NoError(t, err)
	if strings.HasPrefix(c.Name, "MultiStep") { // its milestones scale one by one, counted from the start of the run
		at := []float64{3*20*c.SSR - keep, 5*20*c.SSR - keep}
		return s.Warmup{Over: keep, Then: s.MultiStep{From: 1, Gamma: 0.1, At: at}}
	}
	return s.Stretch{S: sch, By: (200*c.SSR - keep) / (200 - keep), Keep: keep}
}

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
