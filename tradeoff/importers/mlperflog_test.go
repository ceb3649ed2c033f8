package importers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// event is a line of a log.
func event(ms int, key, value, metadata string) string {
	return fmt.Sprintf(`:::MLLOG {"namespace": "", "time_ms": %d, "event_type": "POINT_IN_TIME", "key": "%s", `+
		`"value": %s, "metadata": {"file": "train.py", "lineno": 7%s}}`+"\n",
		ms, key, value, metadata)
}

var someRun = event(1000, "submission_benchmark", `"resnet"`, "") + "Loading...\n" + event(1100, "global_batch_size",
	"4096", "") +
	event(2000, "run_start", "null", "") + "0: " + event(62_000, "eval_accuracy", "0.5", `, "epoch_num": 4`) +
	event(122_000, "eval_accuracy", "0.76", `, "epoch_num": 8`)

func TestReadMLPerfLog(t *testing.T) {
	success, aborted := event(123_000, "run_stop", "null", `, "status": "success"`), event(123_000, "run_stop", "null",
		`, "status": "aborted"`)
	for name, k := range map[string]struct {
		text            string
		epochs, seconds float64
	}{
		"converged":  {someRun + success, 8, 121},
		"aborted":    {someRun + aborted, math.Inf(1), math.Inf(1)},
		"breaks off": {someRun, math.Inf(1), math.Inf(1)},
		"second run": {someRun + aborted + event(500_000, "run_start", "null", "") + event(501_000, "eval_error", "0.2",
			`, "samples_count": 1e6`) +
			event(503_000, "run_stop", "0.2", `, "status": "success"`), 1e6, 3},
	} {
		run, err := ReadMLPerfLog(strings.NewReader(k.text))
		require.NoError(t, err, name)
		require.Equal(t, "resnet", run.Benchmark)
		require.Equal(t, 4096, run.BatchSize)
		require.Equal(t, [2]float64{k.epochs, k.seconds}, [2]float64{run.Epochs, run.Seconds}, name)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(someRun + success))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	run, err := ReadMLPerfLog(&packed)
	require.NoError(t, err)
	require.Equal(t, []MLPerfEvaluation{{60, 4, 0.5, nil}, {120, 8, 0.76, nil}}, run.Evaluations)
	c, err := run.Curve(tradeoff.HigherBetter)
	require.NoError(t, err)
	cost, reached := c.TimeToQuality(0.75, tradeoff.FirstHit)
	require.True(t, reached)
	require.Equal(t, 120.0, cost)
}

// Evaluations before the run, steps instead of epochs, and several values.
func TestMLPerfLogsOfBenchmarks(t *testing.T) {
	run, err := ReadMLPerfLog(strings.NewReader(event(500, "init_start", "null", "") +
		event(900, "eval_accuracy", "0.1", `, "epoch_num": 0`) + event(1000, "run_start", "null", "") +
		event(3000, "eval_accuracy", `{"BBOX": 0.3, "SEGM": 0.2}`, `, "step_num": 5000`) +
		event(4000, "run_stop", "null", `, "status": "success"`)))
	require.NoError(t, err)
	require.Equal(t, 5000.0, run.Epochs)
	require.Equal(t, []MLPerfEvaluation{{2, 5000, 0.2, map[string]float64{"BBOX": 0.3, "SEGM": 0.2}}}, run.Evaluations)

	run.Evaluations = []MLPerfEvaluation{{1, 1, 0.2, map[string]float64{"BBOX": 0.4, "SEGM": 0.2}},
		{2, 2, 0.3, map[string]float64{"BBOX": 0.3, "SEGM": 0.35}}, {3, 3, 0.4, map[string]float64{"BBOX": 0.4}},
		{4, 4, 0.34, map[string]float64{"BBOX": 0.377, "SEGM": 0.339}},
		{5, 5, 0.4, map[string]float64{"BBOX": 0.4, "SEGM": 0.4}}}
	pass, ok := run.FirstPass(tradeoff.HigherBetter, map[string]float64{"BBOX": 0.377, "SEGM": 0.339})
	require.True(t, ok)
	require.Equal(t, 4.0, pass.Epochs, "all at once, and not each for itself")
	_, ok = run.FirstPass(tradeoff.HigherBetter, map[string]float64{"BBOX": 0.5})
	require.False(t, ok)
	_, ok = run.FirstPass(tradeoff.HigherBetter, map[string]float64{"": 0.1})
	require.False(t, ok, "the smallest of several is not a quality")
	run.Evaluations = []MLPerfEvaluation{{1, 1, 3, nil}, {2, 2, 2.69, nil}}
	pass, ok = run.FirstPass(tradeoff.LowerBetter, map[string]float64{"": 2.69})
	require.True(t, ok)
	require.Equal(t, 2.0, pass.Seconds)
}

func TestReadMLPerfLogRefuses(t *testing.T) {
	for name, k := range map[string]struct {
		text, says string
		is         error
	}{
		"nothing":   {"", "no run_start in 0 lines", tensor.ErrEmpty},
		"other log": {"a\nb\n", "no run_start in 2 lines", tensor.ErrEmpty},
		"broken":    {"\n:::MLLOG {\"key\": \n", "MLPerf log:2", nil},
		"no batch": {event(1, "global_batch_size", "null", ""), "MLPerf log:1: global_batch_size is null",
			tensor.ErrShape},
		"wrong batch": {event(1, "global_batch_size", `"8"`, ""), `global_batch_size is "8"`, tensor.ErrShape},
		"not started": {event(1, "eval_accuracy", "1", `, "epoch_num": 1`), "MLPerf log:1: eval_accuracy before run_start",
			tensor.ErrRange},
		"back in time": {event(9, "run_start", "null", "") + event(8, "eval_error", "1", `, "epoch_num": 1`),
			"MLPerf log:2: eval_error before run_start", tensor.ErrRange},
		"no epoch": {someRun + event(130_000, "eval_accuracy", "1", ""), "MLPerf log:7: eval_accuracy without epoch_num",
			tensor.ErrShape},
		"no accuracy": {someRun + event(130_000, "eval_accuracy", "null", `, "epoch_num": 1`), "eval_accuracy is null",
			tensor.ErrShape},
		"no evaluation": {event(9, "run_start", "null", "") + event(10, "run_stop", "null", `, "status": "success"`),
			"success after 0 evaluations", tensor.ErrShape},
		"long line": {strings.Repeat("x", 2*longest), "MLPerf log:1: more than", tensor.ErrRange},
		"no gzip":   {"\x1f\x8b\x00", "MLPerf log", nil},
	} {
		run, err := ReadMLPerfLog(strings.NewReader(k.text))
		require.ErrorContains(t, err, k.says, name)
		require.Zero(t, run, name)
		if k.is != nil {
			require.ErrorIs(t, err, k.is, name)
		}
	}
}

func FuzzReadMLPerfLog(f *testing.F) {
	f.Add([]byte(someRun + event(123_000, "run_stop", "null", `, "status": "success"`)))
	f.Add([]byte(`:::MLLOG {"key": "run_start", "time_ms": 1e308, "metadata": null}` + "\n" +
		`:::MLLOG {"key": "eval_error", "time_ms": -1e308, "value": 1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := ReadMLPerfLog(strings.NewReader(string(data)))
		if err != nil {
			require.Zero(t, run)
			return
		}
		for _, e := range run.Evaluations {
			require.GreaterOrEqual(t, e.Seconds, 0.0)
		}
		require.GreaterOrEqual(t, run.Seconds, 0.0)
		_, _ = run.Curve(tradeoff.LowerBetter)
	})
}
