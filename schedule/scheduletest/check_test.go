package scheduletest_test

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/scheduletest"
)

type broken struct {
	V     float64 `json:"v"`
	value func(t float64) float64
}

func (b broken) Value(t float64) float64 { return b.value(t) }

// lossy forgets a digit when it is written.
type lossy struct {
	V     float64 `json:"v"`
	Extra float64 `json:"-"`
}

func (l lossy) Value(float64) float64 { return l.V + l.Extra }

type invalid struct{}

func (invalid) Value(float64) float64 { return 0 }
func (invalid) Validate() error       { return fmt.Errorf("nothing is right") }

type unordered struct{}

func (unordered) Value(float64) float64 { return 1 }
func (unordered) Breakpoints(from, to float64) []float64 {
	return []float64{math.NaN(), to, from, 1e99}
}

var sink []float64

func TestCheckCanFail(t *testing.T) {
	var calls atomic.Int64
	var own schedule.Registry
	require.NoError(t, own.Register("lossy", lossy{}))

	half := schedule.Choice[float64]{Bounds: []float64{500}, Values: []float64{1, 0.5}}
	for name, c := range map[string]struct {
		s    schedule.Schedule
		opts []scheduletest.Option
		want string
	}{
		"nil":      {nil, nil, "schedule is nil"},
		"invalid":  {invalid{}, nil, "nothing is right"},
		"stateful": {broken{value: func(float64) float64 { return float64(calls.Add(1)) }}, nil, "depend on t alone"},
		"NaN time": {broken{value: func(t float64) float64 { return t * 0 }}, nil,
			"Every time must give a finite number"},
		"pole":  {broken{value: func(t float64) float64 { return 1 / max(0, 7*bump(t)) }}, nil, "Value(NaN) = +Inf"},
		"range": {half, []scheduletest.Option{scheduletest.WithRange(0, 0.9)}, "declared range is [0, 0.9]"},
		"range between": {broken{value: peak}, []scheduletest.Option{scheduletest.WithRange(0, 0.5),
			scheduletest.WithWindow(0, 20)}, "between the steps"},
		"jump": {broken{value: half.Value}, nil, "jump from 1 to 0.5 at time 500"},
		"hold": {schedule.Linear{From: 1, Over: 900}, []scheduletest.Option{scheduletest.WithHold(800)},
			"must stay"},
		"lossy": {lossy{1, 1e-9}, []scheduletest.Option{scheduletest.WithRegistry(&own)},
			"read back as the same schedule"},
		"unregistered": {broken{value: half.Value}, []scheduletest.Option{scheduletest.WithJumps(),
			scheduletest.WithRegistry(&own)}, "cannot be written as JSON"},
		"bad window":   {half, []scheduletest.Option{scheduletest.WithWindow(3, 3)}, "WithWindow(3, 3)"},
		"bad range":    {half, []scheduletest.Option{scheduletest.WithRange(1, 0)}, "WithRange(1, 0)"},
		"bad hold":     {half, []scheduletest.Option{scheduletest.WithHold(math.NaN())}, "WithHold(NaN)"},
		"bad registry": {half, []scheduletest.Option{scheduletest.WithRegistry(nil)}, "WithRegistry(nil)"},
	} {
		got := recorder.Failures(t, func(tb testing.TB) { scheduletest.Check(tb, c.s, c.opts...) })
		require.Contains(t, got, c.want, name)
	}
	if !race.Enabled {
		garbage := broken{value: func(t float64) float64 { sink = make([]float64, 8); return 1 }}
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { scheduletest.Check(tb, garbage) }),
			"must not make garbage")
	}
}

// peak is high only between the steps 10 and 11, away from the times of the plain scan.
func peak(t float64) float64 {
	if math.IsNaN(t) {
		return 0
	}
	return max(0, 1-8*math.Abs(t-10.5625))
}

// A schedule that goes wrong only when several goroutines use it.
func TestCheckConcurrency(t *testing.T) {
	var clash together.Clash
	s := broken{value: func(float64) float64 {
		if clash.Enter(0) {
			return 2
		}
		return 1
	}}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { scheduletest.Check(tb, s) }),
		"called from several goroutines")
}

func TestCheckPasses(t *testing.T) {
	// The order and range of the answer of a user's Breakpoints do not matter.
	scheduletest.Check(t, unordered{})
	var own schedule.Registry
	require.NoError(t, own.Register("lossy", lossy{}))
	scheduletest.Check(t, lossy{V: 0.1}, scheduletest.WithRegistry(&own), scheduletest.WithHold(0),
		scheduletest.WithRange(0.1, 0.1))
	scheduletest.Check(t, schedule.Quantize{S: schedule.Linear{To: 8, Over: 1000}, Multiple: 1}, scheduletest.WithJumps())
	scheduletest.Check(t, schedule.OneMinusSqrt{From: 1, Over: 700}, scheduletest.WithHold(700),
		scheduletest.WithWindow(-10, 100000))
	scheduletest.Check(t, schedule.Func(bump), scheduletest.WithRange(0, 1), scheduletest.WithHold(900))
}

func bump(t float64) float64 {
	if !(t > 0 && t < 900) {
		return 0
	}
	return math.Sin(math.Pi * t / 900)
}

func TestGoldenCanFail(t *testing.T) {
	s := schedule.Linear{From: 1, Over: 10}
	scheduletest.Golden(t, s, []float64{1, 0.9, 0.8}, 1e-15)
	for want, f := range map[string]func(testing.TB){
		"step 1: value 0.9, want 0.8 to within 0.01; 2 of 3": func(tb testing.TB) {
			scheduletest.Golden(tb, s,
				[]float64{1, 0.8, math.NaN()}, 0.01)
		},
		"want at least one value": func(tb testing.TB) { scheduletest.Golden(tb, s, nil, 0.01) },
		"tolerance NaN": func(tb testing.TB) {
			scheduletest.Golden(tb, s, []float64{1},
				math.NaN())
		},
		"Linear.Over": func(tb testing.TB) {
			scheduletest.Golden(tb, schedule.Linear{},
				[]float64{1}, 0.01)
		},
	} {
		require.Contains(t, recorder.Failures(t, f), want)
	}
}
