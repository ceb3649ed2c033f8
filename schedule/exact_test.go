package schedule_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
)

// Every percentage of every total, written as text and as a number, is the float64 nearest to the true value: where it
// is a whole step, that step.
func TestPercentagesAreExact(t *testing.T) {
	for percent := range 101 {
		text, err := s.ParseDuration(fmt.Sprintf("%d%%", percent))
		require.NoError(t, err)
		require.Equal(t, s.Duration{Value: float64(percent) / 100, Unit: s.Fraction}, text)
		for total := 1; total <= 1000; total++ {
			plan := s.Plan{Total: s.Duration{Value: float64(total), Unit: s.Steps}}
			got, err := plan.Convert(text, s.Steps)
			if want := float64(percent*total) / 100; err != nil || got != want {
				t.Fatalf("%d%% of %d is %v, want %v: %v", percent, total, got, want, err)
			}
		}
	}
	for tenths := range 1001 {
		d, err := s.ParseDuration(fmt.Sprintf("%d.%d%%", tenths/10, tenths%10))
		require.NoError(t, err)
		require.Equal(t, float64(tenths)/1000, d.Value)
		for _, total := range []int{10, 990, 1000, 1001, 70000, 123456789} {
			got, err := s.Plan{Total: s.Duration{Value: float64(total), Unit: s.Steps}}.Convert(d, s.Steps)
			require.NoError(t, err)
			require.Equal(t, float64(tenths)*float64(total)/1000, got)
		}
	}
}

// A step as a fraction of the run, an epoch or a batch comes back as that step.
func TestFractionsComeBack(t *testing.T) {
	most := 1000
	if testing.Short() {
		most = 100
	}
	for total := 1; total <= most; total += 1 + total/20 {
		plan := s.Plan{Total: s.Duration{Value: float64(total), Unit: s.Steps}, StepsPerEpoch: float64(total),
			SamplesPerStep: float64(total) / 7, TokensPerStep: 1 << 20}
		for step := range total + 1 {
			want := float64(step)
			for _, from := range []s.Duration{{want / float64(total), s.Fraction}, {want / float64(total), s.Epochs},
				{want * (1 << 20), s.Tokens}} {
				got, err := plan.Convert(from, s.Steps)
				if err != nil || got != want {
					t.Fatalf("%v of %d steps is %v, want %v: %v", from, total, got, want, err)
				}
			}
			for _, unit := range []s.Unit{s.Epochs, s.Samples, s.Tokens, s.Fraction} {
				there, err := plan.Convert(s.Duration{Value: want, Unit: s.Steps}, unit)
				require.NoError(t, err)
				back, err := plan.Convert(s.Duration{Value: there, Unit: unit}, s.Steps)
				if err != nil || back != want {
					t.Fatalf("step %d of %d is %v%v, which is step %v: %v", step, total, there, unit, back, err)
				}
			}
		}
	}
}

func TestConvertExactly(t *testing.T) {
	plan := s.Plan{Total: s.Duration{Value: 90, Unit: s.Epochs}, StepsPerEpoch: 1000. / 3, SamplesPerStep: 96,
		TokensPerStep: 96 * 512}
	for text, want := range map[string]float64{
		"3ep": 1000, "0.3ep": 100, "1.1ep": 1100. / 3, "7%": 2100, "0.07dur": 2100, "1e-1%": 30, "1E2%": 30000,
		"+7%": 2100, "0e99%": 0, "0%": 0, "1e-400%": 0, "1e-9999999999999999999%": 0, ".3ep": 100, "5.e-1ep": 500. / 3,
		"9.6sp": 0.1, "4915.2tok": 0.1,
	} {
		d, err := s.ParseDuration(text)
		require.NoError(t, err, text)
		got, err := plan.Convert(d, s.Steps)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	// Numbers at the ends of float64, as large, as small and as odd as they come.
	for _, v := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 60, 1<<53 + 2, math.Pi, 0.1 + 0.2} {
		got, err := s.Plan{StepsPerEpoch: 1}.Convert(s.Duration{Value: v, Unit: s.Epochs}, s.Steps)
		require.NoError(t, err)
		require.Equal(t, v, got)
	}
}

// What begins at a percentage of the run begins at its step, in every family.
func TestConvertedTimesAreNotLate(t *testing.T) {
	for _, percent := range []int{7, 14, 28, 29, 55, 56, 57, 58} {
		p := fmt.Sprintf(`"%d%%"`, percent)
		plan := s.Plan{Total: s.Duration{Value: 100, Unit: s.Steps}, StepsPerEpoch: 10}
		for name, spec := range map[string]string{
			"milestone": `{"type":"multiStep","from":1,"gamma":0.5,"at":[` + p + `]}`,
			"choice":    `{"type":"choice","bounds":[` + p + `],"values":[1,0.5]}`,
			"hold":      `{"type":"piecewise","knots":[{"t":0,"v":1},{"t":` + p + `,"v":0.5}]}`,
			"stair":     `{"type":"step","from":1,"gamma":0.5,"every":` + p + `}`,
			"staircase": `{"type":"exponential","from":1,"rate":0.5,"period":` + p + `,"staircase":true}`,
			"part": `{"type":"sequence","parts":[{"until":` + p + `,"s":{"type":"constant","v":1}},` +
				`{"s":{"type":"constant","v":0.5}}]}`,
			"wsd":     `{"type":"wsd","peak":1,"floor":0.5,"stable":` + p + `}`,
			"restart": `{"type":"repeat","period":` + p + `,"s":{"type":"choice","bounds":[0.5],"values":[0.5,1]}}`,
		} {
			sch := compile(t, spec, plan)
			if name != "restart" {
				require.Equal(t, 1.0, sch.Value(0), name)
			}
			require.Equal(t, 1.0, sch.Value(float64(percent-1)), "%s at %d%%", name, percent)
			require.Equal(t, 0.5, sch.Value(float64(percent)), "%s at %d%%", name, percent)
		}
	}
	plan := s.Plan{Total: s.Duration{Value: 100, Unit: s.Steps}}
	restarts := compile(t, `{"type":"sequence","parts":[{"until":"28%","s":{"type":"constant","v":3}},
		{"s":{"type":"cyclic","first":"10%","mult":1,"peak":1}}]}`, plan)
	for _, step := range []float64{28, 38, 48, 58} {
		require.Equal(t, 1.0, restarts.Value(step))
	}
	spec, err := s.ParseJSON([]byte(`{"version":1,"type":"multiStep","from":1,"gamma":0.5,"at":["7%","14%"]}`))
	require.NoError(t, err)
	frozen, err := spec.Freeze(plan)
	require.NoError(t, err)
	require.Contains(t, frozen.String(), `"at":["7st","14st"]`)
}

// Times that are multiples of a period only up to rounding, in the three ways one gets them.
func TestMultiplesOfFractions(t *testing.T) {
	for _, every := range []float64{0.1, 0.3, 0.7, 1. / 3, 1e-3, 1.1, 3, 1e9 + 1} {
		stairs := s.Step{From: 1, Gamma: 0.5, Every: every}
		staircase := s.Exponential{From: 1, Rate: 0.5, Period: every, Staircase: true}
		triangles := s.Triangular{Peak: 1, Up: every / 2, Down: every / 2, CycleDecay: 0.5}
		again := s.Repeat{S: s.Choice[float64]{Bounds: []float64{every / 4}, Values: []float64{7, 8}}, Period: every}
		sum := 0.0
		for k := range 301 {
			want := math.Pow(0.5, float64(k))
			times := []float64{float64(k) * every, sum}
			if every == 0.1 {
				times = append(times, float64(k)/10)
			}
			for _, at := range times {
				require.Equal(t, want, stairs.Value(at), "every %v, multiple %d, %v", every, k, at)
				require.Equal(t, want, staircase.Value(at))
				require.Equal(t, 7.0, again.Value(at))
				require.InDelta(t, 0, triangles.Value(at), 1e-10)
				if k > 0 {
					require.Equal(t, 2*want, stairs.Value(at-0.001*every))
					require.Equal(t, 8.0, again.Value(at-0.001*every))
				}
			}
			sum += every
		}
	}
	// Whole times are exact however far out.
	for _, every := range []float64{3, 7, 1000, 1e9} {
		stairs := s.Step{From: 1, Gamma: 1 + 1e-12, Every: every}
		for _, k := range []float64{10, 12345, 999} {
			require.Greater(t, stairs.Value(k*every), stairs.Value(k*every-1))
			require.Equal(t, stairs.Value(k*every), stairs.Value((k+1)*every-1))
		}
	}
}
