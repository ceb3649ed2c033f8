package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

func TestWriterAndReader(t *testing.T) {
	var log bytes.Buffer
	env := CaptureEnv()
	w, err := NewWriter(&log, WithEnv(env), WithRun(Record{RunID: "a", Task: "digits", Seed: 3,
		Direction: map[string]string{"loss": "lower"}}))
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := w.Eval(i+1, map[string]float64{"seconds": float64(i + 1)},
				map[string]float64{"loss": 1 / float64(i+1)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	records, err := ReadJSONL(&log)
	require.NoError(t, err)
	require.Len(t, records, 52)
	require.Equal(t, "env", records[0].Kind)
	require.Equal(t, env, *records[0].Env)
	require.Equal(t, uint64(3), records[1].Seed)
	for _, r := range records {
		require.Equal(t, env.ID(), r.EnvID)
		require.False(t, r.Time.IsZero())
	}
	arms, err := Arms(records, "", "")
	require.NoError(t, err)
	require.Len(t, arms, 1)
	require.Equal(t, 50, arms[0].Runs.Curves[0].Len())
	require.Equal(t, tradeoff.LowerBetter, arms[0].Runs.Direction())
	require.Equal(t, tradeoff.Point{Cost: 50, Quality: 0.02}, arms[0].Runs.Curves[0].Best())
}

func TestUnknownFieldsAreKept(t *testing.T) {
	const line = `{"schema":"tradeoff.record/v1","kind":"eval","run_id":"a","step":1,"quality":{"accuracy":0.5},` +
		`"mine":{"x":[1,2]},"yours":"z"}`
	records, err := ReadJSONL(strings.NewReader(line + "\n\n"))
	require.NoError(t, err)
	b, err := json.Marshal(records[0])
	require.NoError(t, err)
	require.JSONEq(t, line, string(b))
	records[0].Extra["kind"] = json.RawMessage(`"run"`) // does not overwrite
	b, err = json.Marshal(records[0])
	require.NoError(t, err)
	require.JSONEq(t, line, string(b))
}

func TestReaderRefuses(t *testing.T) {
	const good = `{"schema":"tradeoff.record/v1","kind":"eval","run_id":"a","step":1,"quality":{"accuracy":0.5}}` + "\n"
	for name, k := range map[string]struct {
		text, says string
		is         error
	}{
		"cut off": {good + good[:40], "line 2: the last line is cut off", nil},
		"no JSON": {good + "{\n" + good, "line 2: unexpected end", nil},
		"schema": {good + strings.Replace(good, "/v1", "/v9", 1), `line 2: schema is "tradeoff.record/v9"`,
			tensor.ErrRange},
		"kind":    {strings.Replace(good, `"eval"`, `"evil"`, 1), `kind is "evil"`, tensor.ErrRange},
		"no run":  {strings.Replace(good, `"a"`, `""`, 1), "without a run_id", tensor.ErrEmpty},
		"quality": {strings.Replace(good, `{"accuracy":0.5}`, `{}`, 1), "without a quality", tensor.ErrEmpty},
		"cost":    {strings.Replace(good, `"step":1`, `"cost":{"seconds":-1}`, 1), `cost "seconds" is -1`, tensor.ErrRange},
		"direction": {strings.Replace(good, `"step":1`, `"step":1,"direction":{"accuracy":"up"}`, 1),
			`direction of "accuracy" is "up"`, tensor.ErrRange},
		"budget": {strings.Replace(good, `"step":1`, `"step":1,"budget":{"unit":"epochs","value":0}`, 1), "budget is 0",
			tensor.ErrRange},
		"claim": {`{"schema":"tradeoff.record/v1","kind":"claim"}`, "claim without one", tensor.ErrEmpty},
		"type":  {strings.Replace(good, `"step":1`, `"step":"x"`, 1), "line 1: json", nil},
		"long":  {good + strings.Repeat("x", longestLine+1), "line 2: more than", tensor.ErrRange},
	} {
		records, err := ReadJSONL(strings.NewReader(k.text))
		require.ErrorContains(t, err, k.says, name)
		if k.is != nil {
			require.ErrorIs(t, err, k.is, name)
		}
		if strings.Contains(k.says, "line 2") {
			require.Len(t, records, 1, "%s: what comes before the fault is not lost", name)
		}
	}
	_, err := ReadJSONL(failing{})
	require.ErrorIs(t, err, errFailing)
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errFailing }
func (failing) Write([]byte) (int, error) { return 0, errFailing }
func (failing) Sync() error               { return errFailing }

func TestWriterRefuses(t *testing.T) {
	_, err := NewWriter(nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = NewWriter(failing{}, WithRun(Record{RunID: "a"}))
	require.ErrorIs(t, err, errFailing)
	_, err = NewWriter(&bytes.Buffer{}, WithRun(Record{}))
	require.ErrorIs(t, err, tensor.ErrEmpty)
	var log bytes.Buffer
	w, err := NewWriter(&log)
	require.NoError(t, err)
	require.ErrorIs(t, w.Eval(1, nil, map[string]float64{"x": 1}), tensor.ErrEmpty)
	require.ErrorIs(t, w.Write(Record{Kind: "eval", RunID: "a", Cost: map[string]float64{"x": math.NaN()},
		Quality: map[string]float64{"x": 1}}),
		tensor.ErrNotFinite)
	require.Zero(t, log.Len())
	w, err = NewWriter(struct {
		bytes.Buffer
		failing
	}{}.failing, WithSync())
	require.NoError(t, err)
	require.ErrorIs(t, w.Write(Record{Kind: "run", RunID: "a", Time: time.Now()}), errFailing)
}

func TestArms(t *testing.T) {
	arms, err := Arms(soundRecords(), "", "")
	require.NoError(t, err)
	require.Len(t, arms, 6)
	require.Equal(t, []string{"digits", "", "digits", "fast", "sound", ""}, []string{arms[0].Task, arms[0].Method,
		arms[1].Task, arms[1].Method, arms[2].Task, arms[2].Method})
	for _, a := range arms {
		require.True(t, a.Tradeoff)
		require.Len(t, a.Runs.Curves, 3)
		require.Equal(t, 5, a.Runs.Curves[0].Len())
	}
	e, err := tradeoff.Speedup(arms[0].Runs, arms[1].Runs)
	require.NoError(t, err)
	require.InDelta(t, 2, e.Value, 1e-12)
	bySteps, err := Arms(soundRecords(), "step", "accuracy")
	require.NoError(t, err)
	require.Equal(t, 1600.0, bySteps[0].Runs.Curves[0].Points()[4].Cost)
	for _, k := range []struct{ cost, quality, says string }{{"flops", "", `no cost "flops"`},
		{"", "loss", `no quality "loss"`}} {
		_, err := Arms(soundRecords(), k.cost, k.quality)
		require.ErrorIs(t, err, tensor.ErrShape)
		require.ErrorContains(t, err, k.says)
	}
	_, err = Arms(nil, "", "")
	require.ErrorIs(t, err, tensor.ErrEmpty)
	for _, name := range []string{"accuracy", "top1", "val_acc", "F1", "valAcc"} {
		dir, sure := DirectionOf(name)
		require.True(t, sure, name)
		require.Equal(t, tradeoff.HigherBetter, dir, name)
	}
	for _, name := range []string{"validation/loss", "top1_error", "WER", "err", "xent", "bpb", "bits_per_byte", "cer",
		"fid",
		"kl", "brier", "logloss", "nrmse", "mape", "regret", "valLoss", "eval-loss"} {
		dir, sure := DirectionOf(name)
		require.True(t, sure, name)
		require.Equal(t, tradeoff.LowerBetter, dir, name)
	}
	for _, name := range []string{"glossary", "score", "x"} {
		_, sure := DirectionOf(name)
		require.False(t, sure, name)
	}
}

func TestEnvID(t *testing.T) {
	e := CaptureEnv()
	require.NotEmpty(t, e.Go)
	require.Positive(t, e.Cores)
	busy, other := e, e
	busy.Load = []float64{9, 9, 9}
	other.GOMAXPROCS++
	require.Equal(t, e.ID(), busy.ID())
	require.NotEqual(t, e.ID(), other.ID())
}

func FuzzReadJSONL(f *testing.F) {
	f.Add([]byte(`{"schema":"tradeoff.record/v1","kind":"eval","run_id":"a","step":1,"quality":{"accuracy":0.5},"x":1}`))
	f.Add([]byte(`{"schema":"tradeoff.record/v1","kind":"claim","claim":{"kind":"speedup","targets":[1,2]}}`))
	f.Add([]byte(`{"schema":"tradeoff.record/v1","kind":"run","run_id":"a",` +
		`"budget":{"unit":"x","value":1e308},"time":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, _ := ReadJSONL(bytes.NewReader(data))
		var log bytes.Buffer
		for _, r := range records {
			b, err := json.Marshal(r)
			require.NoError(t, err)
			log.Write(append(b, '\n'))
		}
		again, err := ReadJSONL(&log)
		require.NoError(t, err)
		require.Len(t, again, len(records))
		_, _ = Review(records)
		_, _ = Arms(records, "", "")
	})
}
