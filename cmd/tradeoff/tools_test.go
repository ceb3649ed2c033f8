package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// write makes a file and its folders.
func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
}

// From a folder of Lightning and one of TensorBoard logs to a comparison and a plot.
func TestFoldersOfTools(t *testing.T) {
	dir := t.TempDir()
	for seed := range 3 {
		lightning, board := "epoch,step,train_loss,acc\n", "Wall time,Step,Value\n"
		for e := 1; e <= 6; e++ {
			lightning += fmt.Sprintf("%d,%d,0.5,\n%d,%d,,%.3f\n", e, 100*e-50, e, 100*e, 0.9-0.4/float64(e)+0.001*float64(seed))
			board += fmt.Sprintf("%d,%d,%.3f\n", 1700000000+e, 100*e, 0.9-0.2/float64(e)+0.001*float64(seed))
		}
		write(t, lightning, dir, "baseline", fmt.Sprintf("version_%d", seed), "metrics.csv")
		write(t, "lr: 0.1\n", dir, "baseline", fmt.Sprintf("version_%d", seed), "hparams.yaml")
		write(t, board, dir, "fast", fmt.Sprintf("run-s%d-tag-acc.csv", seed))
	}
	base, fast := filepath.Join(dir, "baseline"), filepath.Join(dir, "fast")
	code, out, diag := invoke([]string{"compare", "-cost", "step", "-quality", "acc", "-target", "0.8", "-replicates",
		"200", base, fast}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, "fast against baseline, 3 and 3 runs")
	require.Contains(t, out, "speedup at 0.8")
	svg := filepath.Join(dir, "curves.svg")
	code, _, diag = invoke([]string{"plot", "-cost", "step", "-quality", "acc", "-o", svg, "-arm", "baseline=" + base +
		"/version_*",
		"-arm", "quick=" + fast}, "")
	require.Zero(t, code, diag)
	text, err := os.ReadFile(svg)
	require.NoError(t, err)
	require.Contains(t, string(text), "quick")
	code, _, diag = invoke([]string{"compare", filepath.Join(dir, "none*")}, "")
	require.Equal(t, 1, code)
	require.Contains(t, diag, "no files match")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o777))
	code, _, diag = invoke([]string{"compare", filepath.Join(dir, "empty")}, "")
	require.Equal(t, 1, code)
	require.Contains(t, diag, "has no logs")
}

// Of the checkpoints of a run the last state has it all.
func TestCheckpointsAreOneRun(t *testing.T) {
	dir := t.TempDir()
	for n := 1; n <= 3; n++ {
		text := ""
		for step := 1; step <= n; step++ {
			text += fmt.Sprintf(`{"epoch":%d,"eval_accuracy":0.%d,"step":%d},`, step, 5+step, step*10)
		}
		write(t, `{"log_history":[`+text[:len(text)-1]+"]}", dir, "run", fmt.Sprintf("checkpoint-%d", 10*n),
			"trainer_state.json")
	}
	code, out, diag := invoke([]string{"summarize", "-json", dir}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, `"runs":1,"failed":0,"points":3`)
}

func TestCounterThatBeginsAtZero(t *testing.T) {
	dir := t.TempDir()
	write(t, "epoch,val_acc\n0,0.5\n1,0.6\n2,0.7\n", dir, "log.csv")
	code, out, diag := invoke([]string{"summarize", "-cost", "epochs", filepath.Join(dir, "log.csv")}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, "1 to 2")
	require.Contains(t, diag, "1 evaluations at epochs 0 are left out")
	code, out, diag = invoke([]string{"summarize", "-cost", "epochs", "-shift", "epochs=1", filepath.Join(dir,
		"log.csv")}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, "1 to 3")
	require.NotContains(t, diag, "left out")
}

// Two targets that agree in four digits have two names, and their numbers in JSON.
func TestTargetsHaveTheirDigits(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs.jsonl")
	writeLog(t, log)
	code, out, diag := invoke([]string{"compare", "-json", "-target", "0.72361,0.72364", "-replicates", "100", log}, "")
	require.Zero(t, code, diag)
	for _, want := range []string{`"name":"speedup at 0.72361","target":0.72361`,
		`"name":"speedup at 0.72364","target":0.72364`} {
		require.Contains(t, out, want)
	}
}

// Two of five runs diverge: they are named, and count.
func TestComparisonOfFailedRuns(t *testing.T) {
	dir := t.TempDir()
	for seed := range 5 {
		base, fast := "step,loss\n", "step,loss\n"
		for e := 1; e <= 6; e++ {
			base += fmt.Sprintf("%d,%.3f\n", 100*e, 1/float64(e)+0.01*float64(seed))
			if seed < 2 && e > 3 {
				fast += fmt.Sprintf("%d,nan\n", 100*e)
			} else {
				fast += fmt.Sprintf("%d,%.3f\n", 100*e, 0.7/float64(e)+0.01*float64(seed))
			}
		}
		write(t, base, dir, "baseline", fmt.Sprint("run", seed, ".csv"))
		write(t, fast, dir, "fast", fmt.Sprint("run", seed, ".csv"))
	}
	code, out, diag := invoke([]string{"compare", "-target", "0.25", "-replicates", "200", filepath.Join(dir, "baseline"),
		filepath.Join(dir, "fast")}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, "failed: 2 of 5 runs of fast, 0 of 5 of baseline")
	require.Contains(t, out, `2 of 5 runs of "fast" failed later; this holds at cost 300`)
	require.Contains(t, out, "gain at step 300")
	require.NotContains(t, out, "tradeoff: ")
}

func TestTableFormats(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs.jsonl")
	writeLog(t, log)
	for format, want := range map[string]string{
		"markdown": "| digits | mlp | baseline | 3 | 0 | 24 |", "latex": "digits & mlp & baseline & 3 & 0 & 24 &",
		"csv": "digits,mlp,baseline,3,0,24,", "json": `"method":"baseline","runs":3`, "text": "digits  mlp    baseline  3",
	} {
		code, out, diag := invoke([]string{"summarize", "-format", format, log}, "")
		require.Zero(t, code, diag)
		require.Contains(t, out, want, format)
		code, out, diag = invoke([]string{"compare", "-format", format, "-target", "0.8", "-replicates", "100", log}, "")
		require.Zero(t, code, diag)
		require.Contains(t, out, "speedup at 0.8", format)
		require.NotContains(t, out, "Usage")
	}
	code, _, diag := invoke([]string{"compare", "-format", "pdf", log}, "")
	require.Equal(t, 2, code)
	require.Contains(t, diag, "-format is")
	require.NotContains(t, diag, "usage:")
}

// Speedups by task and method, and their geometric mean over the tasks.
func TestSpeedupsAsATable(t *testing.T) {
	var text strings.Builder
	text.WriteString("task,method,seed,seconds,acc\n")
	for task, times := range map[string]map[string]float64{"a": {"baseline": 8, "x": 4, "y": 2},
		"b": {"baseline": 16, "x": 2, "y": 16}, "c": {"baseline": 5, "x": 5}} {
		for method, seconds := range times {
			for seed := range 3 {
				fmt.Fprintf(&text, "%s,%s,%d,%v,0.5\n", task, method, seed, seconds)
			}
		}
	}
	args := []string{"compare", "-quality", "acc", "-target", "0.5", "-row", "task", "-checklist", "none"}
	code, out, diag := invoke(append(args, "-format", "csv", "-"), text.String())
	require.Zero(t, code, diag)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Equal(t, "task,x,y", lines[0])
	require.Regexp(t, `^a,"?2 .*,"?4 `, lines[1])
	require.Equal(t, "c,", lines[3][:2])
	require.Equal(t, "geomean,2.52,2 of 2 in 3 rows", lines[4])

	code, out, diag = invoke(append(args, "-json", "-"), text.String())
	require.Zero(t, code, diag)
	var j struct {
		Geomeans    []geomean
		Comparisons []comparison
	}
	require.NoError(t, json.Unmarshal([]byte(out), &j))
	require.Equal(t, []int{3, 2}, []int{j.Geomeans[0].Rows, j.Geomeans[1].Rows})
	require.InDelta(t, 2, *j.Geomeans[1].Value, 1e-12)
	require.True(t, j.Comparisons[0].Guessed)
	for _, l := range j.Comparisons[0].Lines {
		if strings.HasPrefix(l.Name, "gain at") {
			require.Equal(t, &span{"seconds", 4, 4}, l.Over, "the cost that both have")
		}
	}

	code, _, diag = invoke([]string{"compare", "-row", "file", "-"}, text.String())
	require.Equal(t, 2, code)
	require.Contains(t, diag, `-row: no key "file"; there are ["task" "model" "method"]`)
}

// Nothing for two seconds, then a line that is written over on a terminal, and a few lines in a file.
func TestProgress(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out strings.Builder
		now := time.Unix(0, 0)
		p := &progress{w: &out, now: func() time.Time { return now }, terminal: terminal}
		p.begin()
		for range 300 { // tenths of a second
			now = now.Add(100 * time.Millisecond)
			p.report("replicates", int(now.Unix()), 30)
			if now.Unix() < 2 {
				require.Empty(t, out.String())
			}
		}
		p.end()
		lines, overwritten := strings.Count(out.String(), "\n"), strings.Count(out.String(), "\r")
		if terminal {
			require.Equal(t, []int{0, 29 + 2}, []int{lines, overwritten}, out.String())
		} else {
			require.Equal(t, []int{3, 0}, []int{lines, overwritten}, out.String())
		}
		require.Contains(t, out.String(), "tradeoff: replicates: 2 of 30")
	}
}

func TestBytesAreCounted(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs.jsonl")
	writeLog(t, log)
	info, err := os.Stat(log)
	require.NoError(t, err)
	read := 0
	c := &call{read: func(n int) { read += n }}
	require.NoError(t, c.open(log, func(r *bufio.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}))
	require.Equal(t, info.Size(), int64(read))
}

// Result files of MLPerf against reference points, and as any other log.
func TestMLPerf(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		var b strings.Builder
		event := func(ms int, key, value, metadata string) {
			fmt.Fprintf(&b, ":::MLLOG {\"time_ms\": %d, \"key\": \"%s\", \"value\": %s, \"metadata\": {%s}}\n", ms, key, value,
				metadata)
		}
		event(0, "submission_benchmark", `"resnet"`, "")
		event(1, "global_batch_size", "1024", "")
		event(1000, "run_start", "null", "")
		for epoch := 4; epoch <= 36+i; epoch += 4 {
			event(1000+1000*epoch, "eval_accuracy", fmt.Sprint(0.7+0.002*float64(epoch)), fmt.Sprintf(`"epoch_num": %d`, epoch))
		}
		event(42000, "run_stop", "null", `"status": "success"`)
		write(t, b.String(), dir, "logs", fmt.Sprintf("result_%d.txt", i))
	}
	var epochs []string
	for i := range 10 {
		epochs = append(epochs, fmt.Sprint(38+i%3))
	}
	write(t, `{"resnet_1024": {"Benchmark": "resnet", "BS": 1024, "Epochs to converge": [`+strings.Join(epochs, ",")+`]}}`,
		dir, "rcp.json")
	code, out, diag := invoke([]string{"score", "-references", filepath.Join(dir, "rcp.json"), filepath.Join(dir, "logs")},
		"")
	require.Zero(t, code, diag)
	require.Regexp(t, `resnet +1024 +5 +5 +41 +36 +38.88 +37.84 +fails +1.08`, out)
	code, out, diag = invoke([]string{"score", "-format", "json", "-references", filepath.Join(dir, "rcp.json"),
		filepath.Join(dir, "logs")}, "")
	require.Zero(t, code, diag)
	var one convergence
	require.NoError(t, json.Unmarshal([]byte(out), &one))
	require.Equal(t, 41.0, *one.Seconds)

	code, _, diag = invoke([]string{"summarize", filepath.Join(dir, "logs")}, "")
	require.Equal(t, 1, code)
	require.Contains(t, diag, `whether "eval" is better higher or lower`, "the log calls losses accuracies too")
	code, out, diag = invoke([]string{"summarize", "-direction", "higher", "-cost", "epochs", "-format", "csv",
		filepath.Join(dir, "logs")}, "")
	require.Zero(t, code, diag)
	require.Contains(t, out, "resnet,,baseline,5,0,46,4 to 40")

	code, _, diag = invoke([]string{"score", "-references", "rcp.json", "-o", "x.svg", "y"}, "")
	require.Equal(t, 2, code)
	require.Contains(t, diag, "-references goes with none of")
}

// Every kind of figure, of higher and of lower qualities.
func TestKindsOfPlots(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("task,method,seed,seconds,acc,loss\n")
	for task := range 2 {
		for method, speed := range map[string]float64{"baseline": 1, "fast": 2} {
			for seed := range 4 {
				for _, seconds := range []float64{1, 2, 4, 8} {
					acc := 1 - 0.5/(1+speed*seconds) - 0.01*float64(seed*(task+1))
					fmt.Fprintf(&text, "t%d,%s,%d,%v,%v,%v\n", task, method, seed, seconds, acc, 1-acc)
				}
			}
		}
	}
	for _, args := range []string{"-kind efficiency -quality acc", "-kind efficiency -quality loss -linear",
		"-kind scores -quality acc", "-kind scores -quality loss", "-kind speedup -quality loss -target 0.2",
		"-kind curves -task t0 -quality loss -logy -yrange 0.01,1", "-kind pareto -task t0 -quality acc -yrange 0.5,1"} {
		path := filepath.Join(dir, "p.svg")
		code, _, diag := invoke(append(append([]string{"plot", "-o", path, "-replicates", "50"}, strings.Fields(args)...),
			"-"), text.String())
		require.Zero(t, code, "%s: %s", args, diag)
		svg, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(svg), "fast", args)
		require.NoError(t, os.Remove(path))
	}
	for args, says := range map[string]string{"-yrange 1,0": "-yrange is 1,0",
		"-kind survival -logy": "are for -kind curves",
		"-kind x":              `want one of ["curves" "efficiency" "pareto" "scores" "speedup" "survival"]`} {
		code, _, diag := invoke(append(append([]string{"plot", "-o", "x.svg", "-quality", "acc"}, strings.Fields(args)...),
			"-"), text.String())
		require.Equal(t, 2, code, args)
		require.Contains(t, diag, says)
	}
}

// A file is read in little memory, and once more where its evaluations are out of order; both say the same.
func TestThinReading(t *testing.T) {
	dir := t.TempDir()
	for name, swap := range map[string]bool{"ordered": false, "not": true} {
		var text strings.Builder
		text.WriteString("method,seed,step,seconds,acc\n")
		for _, method := range []string{"baseline", "fast"} {
			for seed := range 3 {
				for i := range 30 {
					step := i + 1
					if swap && i < 2 {
						step = 2 - i
					}
					acc := 1 - 1/float64(step+1) - 0.01*float64((7*i+seed)%5)
					seconds := float64(step)
					if method == "fast" {
						seconds /= 2
					}
					fmt.Fprintf(&text, "%s,%d,%d,%v,%v\n", method, seed, step, seconds, acc)
				}
			}
		}
		write(t, text.String(), dir, name+".csv")
		args := []string{"compare", "-json", "-cost", "seconds", "-quality", "acc", "-replicates", "100",
			"-interpolation", "log"}
		code, file, diag := invoke(append(args, filepath.Join(dir, name+".csv")), "")
		require.Zero(t, code, diag)
		code, stdin, diag := invoke(append(args, "-"), text.String())
		require.Zero(t, code, diag)
		require.Equal(t, rounded(t, stdin), rounded(t, file), name)
	}
}
