package runlog

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

const line = `{"schema":"tradeoff.record/v1","kind":"eval",`

// read is the log of files of lines without their beginning.
func read(t *testing.T, files ...string) *Log {
	t.Helper()
	l := &Log{}
	for i, f := range files {
		text := ""
		for one := range strings.Lines(f) {
			text += line + one
		}
		require.NoError(t, l.ReadJSONL(fmt.Sprintf("file%d", i), strings.NewReader(text)))
	}
	return l
}

// Null, NaN and Infinity are no number of a run that failed, and never 0.
func TestNullIsNoQuality(t *testing.T) {
	for _, word := range []string{"null", "NaN", "Infinity", "-Infinity"} {
		l := read(t, `"run_id":"a","step":1,"quality":{"loss":3}}
"run_id":"a","step":2,"quality":{"loss":`+word+`}}
"run_id":"a","step":3,"quality":{"loss":`+word+`}}
"run_id":"b","method":["x"],"step":1,"quality":{"loss":2}}
`)
		arms, err := l.Arms("", "")
		require.NoError(t, err, word)
		require.Equal(t, 1, arms[0].Runs.Failed(), word)
		require.Equal(t, []tradeoff.Point{{Cost: 1, Quality: 3}}, arms[0].Runs.Curves[0].Points(), word)
		findings, err := l.Review("T23")
		require.NoError(t, err)
		require.Contains(t, findings[0].Message, "baseline has 1 of 1 runs that failed")
	}
	l := read(t, `"run_id":"a","step":1,"cost":{"seconds":null},"quality":{"loss":3}}`)
	_, err := l.Arms("seconds", "loss")
	require.ErrorContains(t, err, `step 1 has no cost "seconds"`)
	records, err := ReadJSONL(strings.NewReader(line +
		`"run_id":"NaN \\\" Infinity","step":1,"quality":{"NaN":NaN,"b":1}}`))
	require.NoError(t, err)
	require.Equal(t, `NaN \" Infinity`, records[0].RunID, "words within strings are words")
	require.True(t, math.IsNaN(records[0].Quality["NaN"]))
	text, err := records[0].MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(text), `"quality":{"NaN":null,"b":1}`)
}

// The plain way of reading evaluations and that of the standard library tell the same.
func TestPlainEvaluations(t *testing.T) {
	for _, text := range []string{
		`"run_id":"a","step":3,"cost":{"seconds":1.5e3,"flops":2E-2},"quality":{"loss":-0.25},` +
			`"time":"2026-01-01T00:00:00.5Z"}`,
		` "run_id" : "a" , "task":"t","model":"m","env_id":"e", "cost" : {"seconds":0}, "quality":{ "loss":1 } }`,
		`"run_id":"a","quality":{"loss":1}}`, `"run_id":"a","quality":{"loss":01}}`, `"run_id":"a","quality":{"loss":.5}}`,
		`"run_id":"a","quality":{"loss":1},"x":[1]}`, `"run_id":"\u0061","quality":{"loss":1}}`,
		`"run_id":"a","quality":{}}`, `"run_id":"a","quality":{"loss":1}}}`, `"run_id":"a","quality":{"loss":1e999}}`,
		`"run_id":"a","quality":{"loss":1,}}`, `"run_id":"a","step":-1,"quality":{"loss":1}}`,
	} {
		d := decoder{words: map[string]string{}}
		got, errGot := d.decode([]byte(line + text))
		var want Record
		errWant := want.UnmarshalJSON([]byte(line + text))
		if errWant == nil {
			errWant = want.Validate()
		}
		if errWant != nil {
			require.EqualError(t, errGot, errWant.Error(), text)
			continue
		}
		require.NoError(t, errGot, text)
		require.Equal(t, want, got.clone(), text)
	}
}

// One run_id of two methods is two runs; of two files, an error that names both.
func TestIdentityOfRuns(t *testing.T) {
	l := read(t, `"run_id":"0","method":["baseline"],"step":1,"quality":{"loss":3}}
"run_id":"1","method":["baseline"],"step":1,"quality":{"loss":3}}
"run_id":"0","method":["fast"],"step":1,"quality":{"loss":2}}
"run_id":"1","method":["fast"],"step":1,"quality":{"loss":2}}
"run_id":"1","method":["fast"],"seed":7,"step":1,"quality":{"loss":1}}
"run_id":"0","method":["baseline"],"step":2,"quality":{"loss":2.5}}
`)
	arms, err := l.Arms("", "")
	require.NoError(t, err)
	require.Equal(t, []string{"", "fast"}, []string{arms[0].Method, arms[1].Method})
	require.Len(t, arms[0].Runs.Curves, 2)
	require.Equal(t, 2, arms[0].Runs.Curves[0].Len())
	require.Len(t, arms[1].Runs.Curves, 3)
	require.Equal(t, 5, l.Runs())

	twice := &Log{}
	r := Record{Kind: "eval", RunID: "a", Step: 1, Quality: map[string]float64{"loss": 1}}
	require.NoError(t, twice.Add("x.jsonl", r))
	err = twice.Add("y.jsonl", r)
	require.ErrorIs(t, err, tensor.ErrConflict)
	require.ErrorContains(t, err, `run "a" of x.jsonl is in x.jsonl too`[:19])
	require.ErrorContains(t, err, "x.jsonl")

	l = read(t, `"run_id":"a","step":1,"quality":{"loss":3}}
"run_id":"a","step":1,"quality":{"loss":3}}
"run_id":"a","step":1,"quality":{"loss":2}}`)
	_, err = l.Arms("", "")
	require.ErrorIs(t, err, tensor.ErrConflict)
	require.ErrorContains(t, err, `run "a" of file0 has loss 3 and 2 at step 1`)
	findings, err := l.Review("T22")
	require.NoError(t, err)
	require.Len(t, findings, 1)
}

// A clock that starts again at half time does not make a run twice as fast.
func TestClockThatRestarts(t *testing.T) {
	run := func(method string, restart int) string {
		text := ""
		for step := 1; step <= 10; step++ {
			seconds := step
			if restart > 0 && step > restart {
				seconds -= restart
			}
			text += fmt.Sprintf(`"run_id":"%s","method":["%s"],"step":%d,"cost":{"seconds":%d},"quality":{"loss":%d}}`+"\n",
				method, method, step, 10*seconds, 20-step)
		}
		return text
	}
	l := read(t, run("baseline", 0)+run("resumed", 5))
	_, err := l.Arms("seconds", "")
	require.ErrorIs(t, err, tensor.ErrConflict)
	require.ErrorContains(t, err, "seconds falls from 50 to 10 after step 5")
	findings, err := l.Review("T21")
	require.NoError(t, err)
	require.Contains(t, findings[0].Message, "seconds falls")
	l.ResumeClock()
	arms, err := l.Arms("seconds", "")
	require.NoError(t, err)
	require.Equal(t, arms[0].Runs.Curves, arms[1].Runs.Curves)
	s, err := tradeoff.Speedup(arms[0].Runs, arms[1].Runs)
	require.NoError(t, err)
	require.Equal(t, 1.0, s.Value)

	l = read(t, run("baseline", 0)+run("other", 0))
	findings, err = l.Review("T21")
	require.NoError(t, err)
	require.Contains(t, findings[0].Message, "seconds is the same in all 2 runs")
}

// What was measured before training neither refuses a file nor hides the steps of the rest.
func TestEvaluationBeforeTraining(t *testing.T) {
	l := read(t, `"run_id":"a","quality":{"loss":9}}
"run_id":"a","step":0,"cost":{"seconds":0},"quality":{"loss":9}}
"run_id":"a","step":5,"cost":{"seconds":2},"quality":{"loss":3}}`)
	arms, err := l.Arms("seconds", "loss")
	require.NoError(t, err)
	require.Equal(t, 2, arms[0].Before)
	require.Equal(t, 1, arms[0].Runs.Curves[0].Len())
	findings, err := l.Review("T01")
	require.NoError(t, err)
	require.Empty(t, findings)
	_, err = read(t, `"run_id":"a","quality":{"loss":9}}`).Arms("", "")
	require.ErrorIs(t, err, tensor.ErrShape)
}

func TestCutOffLine(t *testing.T) {
	l := &Log{}
	good := line + `"run_id":"a","step":1,"quality":{"loss":3}}` + "\n"
	require.NoError(t, l.ReadJSONL("log", strings.NewReader(good+good[:50])))
	require.Len(t, l.Warnings(), 1)
	require.ErrorContains(t, l.Warnings()[0], "log: line 2: the last line is cut off")
	require.Equal(t, 1, l.Runs())
	require.Error(t, (&Log{}).ReadJSONL("log", strings.NewReader(good[:50]+"\n"+good)))
}

// longLog is lines of an evaluation each, in turns of runs.
func longLog(runs, evaluations int) *bytes.Buffer {
	var b bytes.Buffer
	for e := range evaluations {
		for r := range runs {
			fmt.Fprintf(&b, line+`"run_id":"method-%02d","step":%d,"cost":{"seconds":%.3f,"samples":%d},`+
				`"quality":{"loss":%.6f}}`+"\n",
				r, e+1, float64(e+1)*0.25, (e+1)*128, 3/(1+float64(e)/1000)+float64(r)/100)
		}
	}
	return &b
}

// Set to measure a log of 11 runs of 100,000 evaluations each: TRADEOFF_LONG_LOG=100000.
func TestLongLog(t *testing.T) {
	n := 100
	if text := os.Getenv("TRADEOFF_LONG_LOG"); text != "" {
		_, err := fmt.Sscan(text, &n)
		require.NoError(t, err)
	}
	b := longLog(11, n)
	size := b.Len()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	l := &Log{}
	require.NoError(t, l.ReadJSONL("long", b))
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, 11, l.Runs())
	arms, err := l.Arms("seconds", "loss")
	require.NoError(t, err)
	require.Len(t, arms[0].Runs.Curves, 11)
	require.Equal(t, n, arms[0].Runs.Curves[10].Len())
	t.Logf("%d MB in %v, %d MB kept", size>>20, took, (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
}

func BenchmarkReadJSONL(b *testing.B) {
	text := longLog(11, 1000).Bytes()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, (&Log{}).ReadJSONL("", bytes.NewReader(text)))
	}
}

// Without steps nothing tells two evaluations at one cost apart: the better counts, and that is said.
func TestTiesAreSaid(t *testing.T) {
	var l Log
	for _, q := range []struct{ seconds, acc float64 }{{1, .5}, {2, .6}, {2, .7}, {3, .7}, {3, .7}, {4, .8}, {4, .1}} {
		require.NoError(t, l.Add("a.csv", Record{Kind: "eval", RunID: "a", Cost: map[string]float64{"seconds": q.seconds},
			Quality: map[string]float64{"acc": q.acc}}))
	}
	for range 2 {
		arms, err := l.Arms("seconds", "acc")
		require.NoError(t, err)
		require.Equal(t, 0.8, arms[0].Runs.Curves[0].Best().Quality)
		require.Len(t, l.Warnings(), 1)
		require.ErrorContains(t, l.Warnings()[0], "has acc 0.6 and 0.7 at seconds 2 and no steps")
		require.ErrorContains(t, l.Warnings()[0], "1 more times")
	}
}
