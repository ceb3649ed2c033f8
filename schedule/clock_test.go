package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func parse(t *testing.T, spec string) s.Spec {
	t.Helper()
	parsed, err := s.ParseJSON([]byte(`{"version":1,` + strings.TrimPrefix(spec, "{")))
	require.NoError(t, err, spec)
	return parsed
}

// Cycles of one epoch and a half, of 20 steps each and growing twofold, restart at step 30 whatever the axis counts.
func TestRestartsOnAnyAxis(t *testing.T) {
	spec := parse(t, `{"type":"cyclic","first":"1.5ep","mult":2,"peak":1}`)
	plan := s.Plan{Total: s.Duration{Value: 10, Unit: s.Epochs}, StepsPerEpoch: 20, SamplesPerStep: 96, TokensPerStep: 7}
	for axis := s.Steps; axis <= s.Fraction; axis++ {
		sch, err := spec.Compile(plan, axis)
		require.NoError(t, err)
		for step := range 200 {
			at, err := plan.Convert(s.Duration{Value: float64(step), Unit: s.Steps}, axis)
			require.NoError(t, err)
			restart := step == 0 || step == 30 || step == 90
			require.Equal(t, restart, sch.Value(at) == 1, "step %d at %v%v", step, at, axis)
		}
		end, err := plan.Convert(plan.Total, axis)
		require.NoError(t, err)
		breaks, err := s.Breakpoints(sch, 0, end)
		require.NoError(t, err)
		require.Len(t, breaks, 3)
		_, err = s.Breakpoints(sch, breaks[1], breaks[1])
		require.NoError(t, err)
	}
}

// randomSpec is a schedule with times in all units, jumps and cycles in parts of others among them.
func randomSpec(r *rand.Rand, depth int) string {
	time := func() string {
		return []string{
			fmt.Sprintf(`"%d%%"`, 1+r.IntN(40)), fmt.Sprintf(`"%d.%dep"`, r.IntN(3), 1+r.IntN(9)),
			fmt.Sprintf(`"%dst"`, 2+r.IntN(50)), fmt.Sprintf(`"%dsp"`, 96*(1+r.IntN(40))),
			fmt.Sprintf(`"%dtok"`, 500*(1+r.IntN(99))),
		}[r.IntN(5)]
	}
	kinds := 8
	if depth > 0 {
		kinds = 12
	}
	switch r.IntN(kinds) {
	case 0:
		mult := []string{"1", "1.5", "2"}[r.IntN(3)]
		return fmt.Sprintf(`{"type":"cyclic","warmup":%s,"first":%s,"mult":%s,"peak":1,"includeFloor":%v}`, time(), time(),
			mult, r.IntN(2) == 0)
	case 1:
		return fmt.Sprintf(`{"type":"noam","scale":9,"dim":4,"warmup":%s}`, time())
	case 2:
		return fmt.Sprintf(`{"type":"triangular","floor":0,"peak":1,"up":%s,"down":%s,"cycleDecay":0.5,"stepDecay":0.99}`,
			time(), time())
	case 3:
		return fmt.Sprintf(`{"type":"step","from":1,"gamma":0.5,"every":%s}`, time())
	case 4:
		return fmt.Sprintf(`{"type":"multiStep","from":1,"gamma":0.5,"at":[%s]}`, time())
	case 5:
		return fmt.Sprintf(`{"type":"choice","bounds":[%s],"values":[1,2]}`, time())
	case 6:
		return fmt.Sprintf(`{"type":"wsd","peak":1,"warmup":%s,"stable":%s}`, time(), time())
	case 7:
		return fmt.Sprintf(`{"type":"piecewise","knots":[{"t":0,"v":1},{"t":%s,"v":3}]}`, time())
	case 8:
		return fmt.Sprintf(`{"type":"repeat","period":%s,"s":%s}`, time(), randomSpec(r, depth-1))
	case 9:
		return fmt.Sprintf(`{"type":"shift","by":%s,"s":%s}`, time(), randomSpec(r, depth-1))
	case 10:
		return fmt.Sprintf(`{"type":"warmup","over":%s,"then":%s}`, time(), randomSpec(r, depth-1))
	}
	return fmt.Sprintf(`{"type":"sequence","parts":[{"until":%s,"s":%s},{"s":%s}]}`, time(), randomSpec(r, depth-1),
		randomSpec(r, depth-1))
}

// One specification is one schedule: at every step it has the same value on all axes, to the last bit.
func TestEveryAxisIsTheSameSchedule(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	compiled := 0
	for seed := range uint64(300) {
		r := tensor.Stream(seed)
		spec := parse(t, randomSpec(r, 2))
		plan := s.Plan{StepsPerEpoch: []float64{20, 100. / 3, 37, 62.5}[r.IntN(4)], SamplesPerStep: 96, TokensPerStep: 1000}
		plan.Total = []s.Duration{{200, s.Steps}, {7, s.Epochs}, {19200, s.Samples}}[r.IntN(3)]
		bySteps, err := spec.Compile(plan, s.Steps)
		for _, axis := range []s.Unit{s.Epochs, s.Samples, s.Tokens, s.Fraction} {
			sch, other := spec.Compile(plan, axis)
			require.Equal(t, err == nil, other == nil, "%v: %v, %v", spec, err, other)
			if err != nil {
				continue
			}
			compiled++
			for step := range 300 {
				at, err := plan.Convert(s.Duration{Value: float64(step), Unit: s.Steps}, axis)
				require.NoError(t, err)
				if want, got := bySteps.Value(float64(step)), sch.Value(at); got != want {
					t.Fatalf("%v: %v at step %d, but %v at %v%v", spec, want, step, got, at, axis)
				}
			}
			again, err := s.SpecOf(sch)
			require.NoError(t, err)
			for _, p := range []s.Plan{{}, plan} { // what is written counts the axis
				back, err := again.Compile(p, axis)
				require.NoError(t, err)
				for step := range 100 {
					at := float64(step) * sch.(s.Clock).Step
					require.Equal(t, sch.Value(at), back.Value(at), "%v", again)
				}
			}
		}
	}
	require.Greater(t, compiled, 500)
}

// Without the length of a step, what counts steps is refused on other axes, and what does not means what it says.
func TestCompileWithoutSteps(t *testing.T) {
	for _, spec := range []string{
		`{"type":"cyclic","first":"1.5ep","mult":2,"peak":1}`,
		`{"type":"cyclic","first":"2ep","mult":1.5,"peak":1}`,
		`{"type":"cyclic","first":"2ep","mult":2,"peak":1,"includeFloor":true}`,
		`{"type":"noam","scale":1,"dim":512,"warmup":"2ep"}`,
		`{"type":"triangular","floor":0,"peak":1,"up":1,"down":1,"stepDecay":0.9}`,
		`{"type":"scale","by":2,"s":{"type":"noam","scale":1,"dim":512,"warmup":2}}`,
	} {
		_, err := parse(t, spec).Compile(s.Plan{}, s.Epochs)
		require.ErrorIs(t, err, s.ErrMissingRate, spec)
		require.ErrorContains(t, err, "counts steps: 1st to ep: the Plan's StepsPerEpoch is not set")
		_, err = parse(t, spec).Compile(s.Plan{StepsPerEpoch: 20}, s.Epochs)
		require.NoError(t, err)
	}
	line := s.Linear{To: 1, Over: 7}
	for text, want := range map[string]s.Schedule{
		`{"type":"cyclic","first":"3ep","mult":2,"peak":1}`:            s.Cyclic{First: 3, Mult: 2, Peak: 1},
		`{"type":"triangular","floor":0,"peak":1,"up":"1ep","down":1}`: s.Triangular{Peak: 1, Up: 1, Down: 1},
		`{"type":"linear","from":0,"to":1,"over":7}`:                   line,
		`{"type":"clock","step":0.1,"s":{"type":"constant","v":1}}`:    s.Clock{Step: 0.1, S: s.Constant{V: 1}},
	} {
		got, err := parse(t, text).Compile(s.Plan{}, s.Epochs)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	over, err := parse(t, `{"type":"clock","step":0.1,"s":{"type":"linear","from":0,"to":1,"over":"7st"}}`).
		Compile(s.Plan{}, s.Epochs)
	require.NoError(t, err)
	require.Equal(t, s.Clock{Step: 0.1, S: line}, over)
	// A plain number counts the axis.
	got, err := parse(t, `{"type":"shift","by":-3,"s":{"type":"linear","from":0,"to":1,"over":"1dur"}}`).
		Compile(s.Plan{StepsPerEpoch: 20, Total: s.Duration{Value: 9, Unit: s.Epochs}}, s.Epochs)
	require.NoError(t, err)
	require.Equal(t, s.Clock{Step: 0.05, S: s.Shift{By: -60, S: s.Linear{To: 1, Over: 180}}}, got)
}

// From step to step a clock is continuous, and its ends are those of what it runs.
func TestClockBreakpoints(t *testing.T) {
	for _, step := range []float64{0.05, 0.1, 1. / 3, 32, 1e-9} {
		c := s.Clock{S: s.MultiStep{From: 1, Gamma: 0.5, At: []float64{1, 30, 77, 300}}, Step: step}
		require.NoError(t, c.Validate())
		at, err := s.Breakpoints(c, step, 300*step)
		require.NoError(t, err)
		require.InEpsilonSlice(t, []float64{step, 30 * step, 77 * step, 300 * step}, at, 1e-12)
		for i, b := range at {
			require.Equal(t, c.S.Value(c.S.(s.MultiStep).At[i]), c.Value(b))
		}
	}
	require.ErrorIs(t, s.Clock{S: s.Constant{}}.Validate(), tensor.ErrRange)
	require.ErrorIs(t, s.Clock{Step: 1}.Validate(), tensor.ErrEmpty)
}
