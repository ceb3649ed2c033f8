package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

var inf = math.Inf(1)

// clock is a clock that moves when it is told to.
type clock struct{ now time.Duration }

func (c *clock) read() time.Duration  { return c.now }
func (c *clock) pass(seconds float64) { c.now += time.Duration(seconds * 1e9) }
func (c *clock) profiler(t *testing.T, opts ...Option) *Profiler {
	t.Helper()
	p, err := New(append([]Option{WithClock(c.read), WithWarmup(0)}, opts...)...)
	require.NoError(t, err)
	return p
}

func (c *clock) spend(p *Profiler, phase Phase, seconds float64) {
	s := p.Begin(phase)
	c.pass(seconds)
	s.End()
}

func share(t *testing.T, r Report, name string) float64 {
	t.Helper()
	p := r.find(name)
	require.NotNil(t, p, name)
	return p.Share
}

func TestNestedSpansCountForTheInnermost(t *testing.T) {
	var c clock
	p := c.profiler(t)
	for range 5 {
		f := p.Begin(Forward)
		c.pass(10)
		c.spend(p, Transfer, 30)
		c.pass(40)
		f.End()
		c.pass(20)
		p.EndStep(0)
	}
	r := p.Report()
	assert.InDelta(t, .5, share(t, r, "forward"), 1e-12)
	assert.InDelta(t, .3, share(t, r, "transfer"), 1e-12)
	assert.InDelta(t, .2, share(t, r, "residual"), 1e-12)
	// Three deep, and two within one.
	p.Reset()
	for range 3 {
		a := p.Begin(Forward)
		b := p.Begin(Communicate)
		c.spend(p, Transfer, 1)
		c.pass(2)
		b.End()
		c.spend(p, Log, 3)
		c.pass(4)
		a.End()
		p.EndStep(0)
	}
	r = p.Report()
	for name, want := range map[string]float64{"transfer": 1, "communicate": 2, "log": 3, "forward": 4} {
		assert.InDelta(t, want/10, share(t, r, name), 1e-12, name)
	}
}

func TestStagesThatShareWorkers(t *testing.T) {
	for consumer, waits := range map[float64]float64{.5: .8, 1.5: .4, 2.3: .08} {
		trace := Trace{Stages: []Stage{{"load", 40, 20, 1, "reader"}, {"preprocess", 10, 20, 1, "reader"}}}
		for range 20 {
			var s Step
			s.Phases[Wait], s.Phases[Forward], s.Wall = 2.5-consumer, consumer, 2.5
			trace.Steps = append(trace.Steps, s)
		}
		r, err := Judge(trace, WithWarmup(0))
		require.NoError(t, err)
		assert.InDelta(t, waits, share(t, r, "wait"), 1e-12)
		assert.InDelta(t, .4, r.StepsPerSecond, 1e-12)
		for _, s := range r.Stages {
			assert.InDelta(t, .4, s.Capacity, 1e-12, s.Name)
		}
		assert.Equal(t, "load", r.Limiting)
		// Half the work of loading leaves 1.5 s a batch, unless the loop needs longer.
		gain, err := r.Predict("load", 2)
		require.NoError(t, err)
		assert.InDelta(t, 2.5/max(1.5, consumer), gain, 1e-12)
		gain, err = r.Predict("forward", 2)
		require.NoError(t, err)
		assert.InDelta(t, 1, gain, 1e-12, "the loop is not what is slow")
	}
}

func TestStallsHaveAPeriod(t *testing.T) {
	var trace Trace
	for i := range 40 {
		var s Step
		if i%4 == 3 {
			s.Phases[Wait] = 1.2
		}
		s.Phases[Forward] = .5
		s.Wall = s.Phases[Wait] + .5
		trace.Steps = append(trace.Steps, s)
	}
	r, err := Judge(trace, WithWarmup(0))
	require.NoError(t, err)
	assert.InDelta(t, .375, share(t, r, "wait"), 1e-12)
	assert.Zero(t, r.find("wait").MedianShare)
	assert.Equal(t, taxonomy.Input, r.Verdict)
	assert.Equal(t, Intermittent, r.Pattern)
	assert.Equal(t, Critical, r.Severity)
	require.Len(t, r.Stalls, 1)
	assert.Equal(t, 4, r.Stalls[0].Period)
	assert.Contains(t, r.String(), "every 4 steps")
	// Irregular stalls have none.
	trace.Steps[8].Phases[Wait], trace.Steps[8].Wall = 1.2, 1.7
	r, err = Judge(trace, WithWarmup(0))
	require.NoError(t, err)
	assert.Zero(t, r.Stalls[0].Period)
	assert.Equal(t, 11, r.Stalls[0].Count)
}

func TestFewerStepsThanTheWarmup(t *testing.T) {
	for _, n := range []int{0, 1, 8, 10, 11} {
		r, err := Judge(Trace{Steps: make([]Step, n)})
		require.NoError(t, err)
		assert.Equal(t, taxonomy.Insufficient, r.Verdict)
		assert.Equal(t, max(0, n-10), r.Steps)
		assert.NotRegexp(t, `-\d`, r.String())
		assert.True(t, math.IsNaN(r.Score))
	}
}

func TestEvaluationsAreNoSteps(t *testing.T) {
	var c clock
	p := c.profiler(t)
	for i := range 100 {
		c.spend(p, Forward, .1)
		p.EndStep(0)
		if i%50 == 49 {
			c.spend(p, Evaluate, 5)
		}
	}
	c.pass(0)
	p.EndStep(0) // takes in the last evaluation
	r := p.Report()
	assert.InDelta(t, .5, share(t, r, "eval"), 1e-9)
	assert.Equal(t, taxonomy.Evaluation, r.Verdict)
	assert.InDelta(t, 10, r.StepsPerSecond, .11)
	assert.InDelta(t, .1, r.Times.Max, 1e-9)
}

func TestMicroBatchesAreOneStep(t *testing.T) {
	var c clock
	p := c.profiler(t)
	for range 30 {
		for range 4 {
			c.spend(p, Forward, .01)
		}
		c.spend(p, Optimizer, .008)
		p.EndStep(4 * 32)
	}
	r := p.Report()
	assert.InDelta(t, .048, r.Times.Median, 1e-9)
	assert.InDelta(t, 1./6, share(t, r, "optimizer"), 1e-9)
	assert.InDelta(t, 2667, r.SamplesPerSecond, 1)
}

func TestWhatWasNotMeasuredIsSaid(t *testing.T) {
	var c clock
	p := c.profiler(t)
	for range 25 {
		c.spend(p, Forward, 1)
		p.EndStep(1)
	}
	r := p.Report()
	assert.Contains(t, r.Unmeasured, Wait)
	assert.Nil(t, r.find("wait"))
	assert.NotContains(t, r.String(), "wait  ")
	assert.Contains(t, r.String(), "not measured: [wait")
	assert.Contains(t, strings.Join(r.Notes, "\n"), "no waiting for batches was measured")
}

func TestWatchCountsWaiting(t *testing.T) {
	var c clock
	p := c.profiler(t)
	batches := func(yield func(int) bool) {
		for i := range 30 {
			c.pass(.3)
			if !yield(i) {
				return
			}
		}
	}
	n := 0
	for b := range WatchSeq(p, batches) {
		n += b
		c.spend(p, Forward, .1)
		p.EndStep(1)
		if b == 24 {
			break
		}
	}
	assert.Equal(t, 300, n)
	assert.InDelta(t, .75, share(t, p.Report(), "wait"), 1e-12)

	ch := make(chan int, 3)
	for i := range 3 {
		ch <- i
	}
	close(ch)
	n = 0
	for range Watch(p, ch) {
		n++
	}
	assert.Equal(t, 3, n)
}

func TestProfilerIsSafeForConcurrentUse(t *testing.T) {
	p, err := New()
	require.NoError(t, err)
	w := p.Stage("load", 4, "")
	together.Run(8, func(i int) {
		for range 200 {
			switch i % 4 {
			case 0:
				p.Begin(Forward).End()
			case 1:
				p.EndStep(1)
			case 2:
				w.Do(func() {})
			default:
				p.Work(1, 1)
				_ = p.Report().String()
			}
		}
	})
	for _, phase := range p.Report().Phases {
		assert.GreaterOrEqual(t, phase.Share, 0.0)
	}
}

func TestARingOfSteps(t *testing.T) {
	var c clock
	p := c.profiler(t, WithSteps(5), WithWarmup(3))
	for i := range 12 {
		c.spend(p, Forward, float64(i))
		p.EndStep(0)
	}
	r := p.Report()
	assert.Equal(t, 5, r.Steps)
	assert.InDelta(t, 7+8+9+10+11, r.Seconds, 1e-9)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "last 5 of 12 steps")
}

func TestAdviceNeverHurts(t *testing.T) {
	for v := taxonomy.Insufficient; v <= taxonomy.GC; v++ {
		r := Report{Verdict: v, Pattern: Intermittent}
		for _, a := range r.Advice() {
			assert.NotEmpty(t, a.String())
			for _, m := range a.Methods {
				assert.NotContains(t, m.Hurts, v)
			}
		}
		if v > taxonomy.Balanced {
			assert.NotEmpty(t, r.Advice(), "%v", v)
		}
	}
	assert.Contains(t, fmt.Sprint((Report{Verdict: taxonomy.Compute}).Advice()), "prune.Channel")
}

func TestReportReadsBack(t *testing.T) {
	trace := Trace{Flops: 1e9, Bytes: 1e6, Stages: []Stage{{"load", 1, 10, 2, ""}}}
	for i := range 30 {
		var s Step
		s.Phases[Wait], s.Phases[Forward], s.Wall, s.Samples = float64(i%5)/10, 1, 1.5, 3
		trace.Steps = append(trace.Steps, s)
	}
	for _, steps := range []int{0, 30} {
		part := trace
		part.Steps = trace.Steps[:steps]
		r, err := Judge(part, WithRoofline(Peaks{1e12, 1e10}))
		require.NoError(t, err)
		b, err := json.Marshal(r)
		require.NoError(t, err)
		var back Report
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, r.String(), back.String())
		var svg bytes.Buffer
		require.NoError(t, r.WriteSVG(&svg))
		assert.NotContains(t, svg.String(), "NaN")
	}
}

func TestPredictRefuses(t *testing.T) {
	r, err := Judge(Trace{Steps: []Step{{Wall: 1}, {Wall: 1}}}, WithWarmup(0))
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		factor float64
	}{{"forward", 2}, {"residual", .5}, {"residual", math.NaN()}} {
		_, err := r.Predict(c.name, c.factor)
		assert.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = New(WithSteps(1))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = New(nil)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = Judge(Trace{}, WithRoofline(Peaks{}))
	assert.ErrorIs(t, err, tensor.ErrRange)
}

func TestReadTrace(t *testing.T) {
	text := `{"step":0,"phase":"wait","start":0,"end":2,"samples":32}
{"step":0,"phase":"forward","start":2,"end":10}
{"step":0,"phase":"transfer","start":3,"end":6}
{"stage":"load","workers":2,"start":0,"end":5}

{"step":1,"phase":"forward","start":12,"end":20}
{"step":1,"phase":"backward","start":12,"end":19,"thread":"other"}
{"step":2,"phase":"forward","start":20}
{"step":2,"phase":"log","start":20,"end":21}
{"step":3,"ph`
	trace, err := ReadTrace(strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, trace.Steps, 3)
	assert.Equal(t, Step{Phases: [9]float64{Wait: 2, Forward: 5, Transfer: 3}, Wall: 10, Samples: 32}, trace.Steps[0])
	assert.Equal(t, 10.0, trace.Steps[1].Wall, "from the end of the step before")
	assert.Equal(t, 7.0, trace.Steps[1].Phases[Backward])
	assert.Equal(t, []Stage{{"load", 5, 1, 2, ""}}, trace.Stages)
	r, err := Judge(trace, WithWarmup(0))
	require.NoError(t, err)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "1 spans never ended")
	for bad, want := range map[string]string{
		`{"step":0,"phase":"forward","start":2,"end":1}`:        "line 1: the span ends at 1, before it begins at 2",
		`{"step":0,"phase":"lunch","start":1,"end":2}`:          `phase "lunch"`,
		`{"step":0,"phase":"forward","end":2}`:                  "no start",
		`{"phase":"forward","start":1,"end":2}`:                 "neither a step nor a stage",
		`{"kind":"eval","step":3}`:                              "unknown field",
		"{}\n{":                                                 "line 1",
		`{"step":0,"phase":"log","start":0,"end":1,"flops":-1}`: "want 0 or more",
	} {
		_, err := ReadTrace(strings.NewReader(bad + "\n"))
		assert.ErrorContains(t, err, want, bad)
	}
	empty, err := ReadTrace(strings.NewReader(""))
	require.NoError(t, err)
	r, err = Judge(empty)
	require.NoError(t, err)
	assert.Equal(t, taxonomy.Insufficient, r.Verdict)
	// Spans that overlap without lying in each other are told, and nothing is negative.
	trace, err = ReadTrace(strings.NewReader(`{"step":0,"phase":"forward","start":0,"end":4}
{"step":0,"phase":"backward","start":2,"end":6}`))
	require.NoError(t, err)
	assert.Equal(t, 1, trace.overlaps)
	assert.Equal(t, 6.0, trace.Steps[0].Phases[Forward]+trace.Steps[0].Phases[Backward])
}

func FuzzReadTrace(f *testing.F) {
	f.Add([]byte(`{"step":0,"phase":"wait","start":0,"end":2}`))
	f.Add([]byte(`{"stage":"load","start":0,"end":5,"workers":3,"pool":"a"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		trace, err := ReadTrace(bytes.NewReader(b))
		if err != nil {
			return
		}
		r, err := Judge(trace, WithWarmup(0))
		require.NoError(t, err)
		for _, p := range r.Phases {
			if p.Share < 0 {
				t.Errorf("share of %s is %v", p.Name, p.Share)
			}
		}
		_ = r.String()
	})
}

// loop is an experiment on a loop whose steps take known times.
func loop(t *testing.T, times map[string]float64) Measured {
	t.Helper()
	var c clock
	rng := tensor.Stream(5)
	var arms []Arm
	for _, name := range []string{Real, CachedBatch, NoOpModel, DoubleBatch} {
		if seconds, ok := times[name]; ok {
			arms = append(arms, Arm{name, func() error {
				c.pass(seconds * (1 + .02*rng.NormFloat64()))
				return nil
			}})
		}
	}
	m, err := Experiment(context.Background(), arms, WithStepClock(c.read))
	require.NoError(t, err)
	return m
}

func TestExperimentsConfirmAndRefute(t *testing.T) {
	input := map[string]float64{Real: .1, CachedBatch: .06, NoOpModel: .099, DoubleBatch: .2}
	compute := map[string]float64{Real: .1, CachedBatch: .1, NoOpModel: .01, DoubleBatch: .195}
	overhead := map[string]float64{Real: .1, CachedBatch: .1, NoOpModel: .05, DoubleBatch: .12}
	for _, c := range []struct {
		times   map[string]float64
		verdict Bottleneck
		want    Outcome
	}{
		{input, taxonomy.InputLoad, Confirmed}, {input, taxonomy.Compute, Refuted},
		{compute, taxonomy.Compute, Confirmed}, {compute, taxonomy.Input, Refuted}, {compute, taxonomy.Overhead, Refuted},
		{overhead, taxonomy.Overhead, Confirmed}, {input, taxonomy.GC, Untested},
		{map[string]float64{Real: .1, CachedBatch: .0955}, taxonomy.Input, Undecided},
	} {
		m := loop(t, c.times)
		got := m.Confirm(c.verdict)
		assert.Equal(t, c.want, got.Outcome, "%v: %v\n%v", c.verdict, got.Reasons, m)
		b, err := json.Marshal(m)
		require.NoError(t, err)
		var back Measured
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, m.String(), back.String())
	}
	m := loop(t, input)
	assert.InDelta(t, 1/.6, m.arm(CachedBatch).Ratio.Value, .05)
	assert.Equal(t, 1.0, m.arm(Real).Ratio.Value)
}

func TestExperimentRefuses(t *testing.T) {
	step := func() error { return nil }
	ctx := context.Background()
	for _, c := range []struct {
		arms []Arm
		want error
	}{{nil, tensor.ErrEmpty}, {[]Arm{{"x", step}}, tensor.ErrEmpty}, {[]Arm{{Real, nil}}, tensor.ErrEmpty},
		{[]Arm{{Real, step}, {Real, step}}, tensor.ErrConflict}} {
		_, err := Experiment(ctx, c.arms)
		assert.ErrorIs(t, err, c.want)
	}
	boom := errors.New("boom")
	_, err := Experiment(ctx, []Arm{{Real, func() error { return boom }}})
	assert.ErrorIs(t, err, boom)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = Experiment(ended, []Arm{{Real, step}})
	assert.ErrorIs(t, err, context.Canceled)
	var done []int
	_, err = Experiment(ctx, []Arm{{Real, step}}, WithBlocks(4, 1), WithWarmupSteps(0),
		WithProgress(func(d, total int) { done = append(done, d, total) }))
	assert.NoError(t, err)
	assert.Equal(t, []int{1, 4, 2, 4, 3, 4, 4, 4}, done)
}

func TestGarbageCollectionCanBeTheVerdict(t *testing.T) {
	r, err := Judge(Trace{Steps: slices.Repeat([]Step{{Phases: [9]float64{Forward: 1}, Wall: 1}}, 30)})
	require.NoError(t, err)
	require.Equal(t, taxonomy.Compute, r.Verdict)
	r.Memory = &Memory{GCShare: .3, ObjectsPerStep: 1e6}
	reading{}.judgeMemory(&r)
	assert.Equal(t, taxonomy.GC, r.Verdict)
	assert.Equal(t, Critical, r.Severity)
	assert.Contains(t, r.String(), "GOGC")
}

func TestSpansDoNotAllocate(t *testing.T) {
	p, err := New()
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		p.Begin(Forward).End()
		p.EndStep(1)
	}))
}

func TestDenseWork(t *testing.T) {
	flops, bytes := DenseWork(64, 256, 784, 4, false)
	assert.Equal(t, int64(2*64*256*784), flops)
	assert.Equal(t, int64(4*(256*784+64*(256+784))), bytes)
	three, _ := DenseWork(64, 256, 784, 4, true)
	assert.Equal(t, 3*flops, three)
}

var sink time.Duration

func BenchmarkSince(b *testing.B) {
	start := time.Now()
	for b.Loop() {
		sink = time.Since(start)
	}
}

func BenchmarkSpan(b *testing.B) {
	p, err := New()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Begin(Forward).End()
	}
}
