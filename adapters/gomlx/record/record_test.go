package record_test

import (
	"bytes"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/record"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pipeline"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// clockwork is a loop in which a batch takes 10 s to make, a step 3 s and hooks 100 s.
type clockwork struct {
	now   time.Duration
	store *model.Store
	tr    *train.Trainer
	loop  *train.Loop
	clock *record.Clock
	ds    train.Dataset
}

func (w *clockwork) time() time.Duration { return w.now }

// slow is data that takes its time.
type slow struct {
	train.Dataset
	w *clockwork
}

func (s slow) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for b, err := range s.Dataset.Iter() {
			s.w.now += 10 * time.Second
			if !yield(b, err) {
				return
			}
		}
	}
}

func newClockwork(t *testing.T, store *model.Store, accumulate int, opts ...record.Option) *clockwork {
	t.Helper()
	w := &clockwork{store: store}
	w.tr = train.NewTrainer(gxtest.Backend(t), store, gxtest.Net, loss.MeanSquaredError,
		optimizer.Adam().LearningRate(.01).Done(), nil, nil)
	if accumulate > 1 {
		require.NoError(t, w.tr.AccumulateGradients(accumulate))
	}
	w.loop = train.NewLoop(w.tr)
	w.loop.OnStep("the step takes time", math.MinInt, func(*train.Loop, []*tensors.Tensor) error {
		w.now += 3 * time.Second
		return nil
	})
	var err error
	w.clock, err = record.NewClock(append(opts, record.WithNow(w.time))...)
	require.NoError(t, err)
	w.ds = w.clock.Attach(w.loop, slow{gxtest.Data{From: w.loop.LoopStep}, w})
	w.loop.OnStep("a hook takes time", 0, func(*train.Loop, []*tensors.Tensor) error {
		w.now += 100 * time.Second
		return nil
	})
	return w
}

func TestTheClockCountsStepsAlone(t *testing.T) {
	w := newClockwork(t, gxtest.Store(t), 1)
	_, err := w.loop.RunSteps(w.ds, 5)
	require.NoError(t, err)
	assert.Equal(t, 12., w.clock.Seconds(), "the first compiles")
	_, err = w.loop.RunSteps(w.ds, 2)
	require.NoError(t, err)
	assert.Equal(t, 18., w.clock.Seconds())
	all := newClockwork(t, gxtest.Store(t), 1, record.WithWarmup(0))
	_, err = all.loop.RunSteps(all.ds, 5)
	require.NoError(t, err)
	assert.Equal(t, 15., all.clock.Seconds())

	_, err = w.loop.RunSteps(gxtest.Data{}, 1)
	assert.ErrorIs(t, err, tensor.ErrConflict, "another data set")
}

// GoMLX's own durations contain hooks.
func TestDurationsOfGoMLX(t *testing.T) {
	tr := train.NewTrainer(gxtest.Backend(t), gxtest.Store(t), gxtest.Net, loss.MeanSquaredError, optimizer.Adam().Done(),
		nil, nil)
	loop := train.NewLoop(tr)
	loop.OnStep("sleep", 0, func(*train.Loop, []*tensors.Tensor) error { time.Sleep(5 * time.Millisecond); return nil })
	_, err := loop.RunSteps(gxtest.Data{}, 3)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, loop.MedianTrainStepDuration(), 5*time.Millisecond)
}

func TestTheClockOfARunThatIsResumed(t *testing.T) {
	dir := t.TempDir()
	var rec *tradeoff.Recorder
	lr := schedule.Cyclic{First: 4, Mult: 2, Peak: 1}
	var log bytes.Buffer
	process := func(to int) *clockwork {
		store := gxtest.Store(t)
		ck, err := checkpoint.Build(store).Dir(dir).Done()
		require.NoError(t, err)
		w := newClockwork(t, store, 1)
		rec, err = tradeoff.NewRecorder(lr, tradeoff.LowerBetter)
		require.NoError(t, err)
		records, err := runlog.ReadJSONL(bytes.NewReader(log.Bytes()))
		require.NoError(t, err)
		for _, r := range records {
			if r.Kind == "eval" {
				require.NoError(t, rec.Observe(r.Step-1, r.Cost["train_seconds"], r.Quality["loss"]))
			}
		}
		writer, err := runlog.NewWriter(&log, runlog.WithRun(runlog.Record{RunID: "one", Task: "t", Seed: 1}))
		require.NoError(t, err)
		test := dataset.Take(gxtest.Data{From: 1000}, 3)
		w.clock.Evaluate(w.loop, lr.IsCycleEnd, record.Metric(w.tr, test, "#loss"), rec.Observe,
			record.Log(writer, "loss"))
		_, err = w.loop.RunToGlobalStep(w.ds, to)
		require.NoError(t, err)
		require.NoError(t, ck.Save())
		return w
	}
	process(9)
	w := process(28)
	assert.Equal(t, 3.*26, w.clock.Seconds())
	curve, err := rec.Curve()
	require.NoError(t, err)
	var costs []float64
	for _, p := range curve.Points() {
		costs = append(costs, p.Cost)
	}
	assert.Equal(t, []float64{9, 30, 78}, costs, "cycles end with the steps 3, 11 and 27; two compile")
	records, err := runlog.ReadJSONL(&log)
	require.NoError(t, err)
	arms, err := runlog.Arms(records, "", "loss")
	require.NoError(t, err)
	require.Len(t, arms, 1)
}

func TestEvaluationsCountUpdates(t *testing.T) {
	w := newClockwork(t, gxtest.Store(t), 4)
	var at []int
	w.clock.Evaluate(w.loop, func(step int) bool { return step%2 == 1 }, func() (float64, error) { return 1, nil },
		func(step int, _, _ float64) error { at = append(at, step); return nil })
	_, err := w.loop.RunSteps(w.ds, 4*6)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 3, 5}, at)
	w.clock.Evaluate(w.loop, func(int) bool { return true }, record.Metric(w.tr, w.ds, "accuracy"))
	_, err = w.loop.RunSteps(w.ds, 4)
	require.ErrorIs(t, err, tensor.ErrRange)
	assert.ErrorContains(t, err, "#loss")
}

func TestProfile(t *testing.T) {
	var w *clockwork
	p, err := pipeline.New(pipeline.WithWarmup(0), pipeline.WithClock(func() time.Duration {
		if w == nil {
			return 0
		}
		return w.now
	}))
	require.NoError(t, err)
	w = newClockwork(t, gxtest.Store(t), 2, record.WithProfiler(p))
	w.clock.Evaluate(w.loop, func(step int) bool { return step == 3 }, func() (float64, error) {
		w.now += 1000 * time.Second
		return 1, nil
	})
	_, err = w.loop.RunSteps(w.ds, 2*6)
	require.NoError(t, err)
	r := p.Report()
	assert.Equal(t, 6, r.Steps, "updates of two micro-batches")
	assert.InDelta(t, 6*2*113+1000, r.Seconds, 1e-6)
	assert.InDelta(t, 2*113, r.Times.Median, 1e-6)
	shares := map[string]float64{}
	for _, phase := range r.Phases {
		shares[phase.Name] = phase.Share * r.Seconds
	}
	assert.InDelta(t, 6*2*10, shares["wait"], 1e-6)
	assert.InDelta(t, 6*2*3, shares["forward"], 1e-6)
	assert.InDelta(t, 1000, shares["evaluate"]+shares["eval"], 1e-6)
	assert.InDelta(t, 2*gxtest.Rows/(2*113.), r.SamplesPerSecond, 1e-6)
}

func TestDataThatEndsEarly(t *testing.T) {
	store := gxtest.Store(t)
	tr := train.NewTrainer(gxtest.Backend(t), store, gxtest.Net, loss.MeanSquaredError, optimizer.Adam().Done(), nil, nil)
	loop := train.NewLoop(tr)
	clock, err := record.NewClock()
	require.NoError(t, err)
	ended := false
	loop.OnEnd("save", 100, func(*train.Loop, []*tensors.Tensor) error { ended = true; return nil })
	_, err = loop.RunSteps(clock.Attach(loop, dataset.Take(gxtest.Data{}, 3)), 10)
	require.Error(t, err)
	assert.False(t, ended, "GoMLX calls no hook at the end")
	s, ok := store.GetParam("/espalier/seconds")
	require.True(t, ok, "what checkpoints take along is up to date all the same")
	assert.Equal(t, clock.Seconds(), s)
}

func TestWhatIsRefused(t *testing.T) {
	_, err := record.NewClock(record.WithWarmup(-1), record.WithProfiler(nil), record.WithNow(nil))
	assert.ErrorIs(t, err, tensor.ErrRange)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}
