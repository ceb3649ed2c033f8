package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

var update = flag.Bool("update", false, "write the golden files")

// writeLog writes runs of a baseline and of a method that is twice as fast, and of one that never gets there, three
// seeds each.
func writeLog(t *testing.T, path string) {
	t.Helper()
	var log bytes.Buffer
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	env := runlog.Env{Go: "go1.26", OS: "linux", Arch: "amd64", CPU: "a processor", Cores: 2, GOMAXPROCS: 2,
		Revision: "abc", Load: []float64{0, 0, 0}}
	encode := func(r runlog.Record) {
		r.Schema, r.EnvID, r.Time = runlog.Schema, "e", start
		start = start.Add(time.Second)
		b, err := json.Marshal(r)
		require.NoError(t, err)
		log.Write(append(b, '\n'))
	}
	encode(runlog.Record{Kind: "env", Env: &env})
	for seed := range 3 {
		for _, m := range []struct {
			name  string
			speed float64
			limit float64
		}{{"", 1, 0.95}, {"fast", 2, 0.95}, {"small", 4, 0.6}} {
			r := runlog.Record{Kind: "run", RunID: fmt.Sprint(m.name, seed), Task: "digits", Model: "mlp", Seed: uint64(seed),
				Schedule: "cyclic", TuningTrials: 1, TunedOn: "validation",
				Config: map[string]any{"batch": 30}, DatasetSHA256: "d", Target: map[string]float64{"accuracy": 0.8}}
			if m.name != "" {
				r.Method = []string{m.name}
			}
			encode(r)
			for k := range 8 {
				steps := 1 << k
				seconds := float64(steps) * (1 + 0.02*float64(seed))
				encode(runlog.Record{Kind: "eval", RunID: r.RunID, Step: steps, Cost: map[string]float64{"seconds": seconds},
					Quality: map[string]float64{"accuracy": m.limit - 0.4/(m.speed*float64(steps)) + 0.001*float64(seed)}})
			}
		}
	}
	data := log.Bytes()
	if strings.HasSuffix(path, ".gz") {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(data)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		data = packed.Bytes()
	}
	require.NoError(t, os.WriteFile(path, data, 0o666))
}

func invoke(args []string, stdin string) (code int, out, diag string) {
	var stdout, stderr bytes.Buffer
	code = run(args, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// rounded has numbers of many digits with six.
func rounded(t *testing.T, text string) string {
	t.Helper()
	return long.ReplaceAllStringFunc(text, func(s string) string {
		v, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return strconv.FormatFloat(v, 'g', 6, 64)
	})
}

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "runs.jsonl")
	writeLog(t, log)
	writeLog(t, log+".gz")
	for name, args := range map[string][]string{
		"summarize":     {"summarize", "-target", "0.8,0.9", log},
		"bench":         {"summarize", "-bench", "-cost", "seconds", "-quality", "accuracy", "-target", "0.8", log},
		"compare":       {"compare", "-margin", "0.01", "-target", "0.8,0.9", "-replicates", "500", log},
		"compare_fast":  {"compare", "-method", "fast", "-interpolation", "log", "-speedup", "1.5", log + ".gz"},
		"check":         {"check", log},
		"rules":         {"check", "-list"},
		"score":         {"score", "-quality", "accuracy", "-replicates", "200", log},
		"json":          {"compare", "-json", "-method", "small", "-replicates", "200", log},
		"score_json":    {"score", "-json", "-target", "digits=0.9", "-replicates", "200", log},
		"summarize_csv": {"summarize", "-rename", "algo=method,acc=accuracy,wall=seconds", "-"},
	} {
		code, out, diag := invoke(args, "algo,seed,wall,acc\nbaseline,1,10,0.5\nbaseline,2,11,0.6\nnew,1,5,0.6\n")
		require.Empty(t, diag, name)
		require.Zero(t, code, name)
		out = rounded(t, out) // the last digits depend on the processor
		golden := filepath.Join("testdata", name+".txt")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(out), 0o666))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), out, name)
	}
	for _, args := range [][]string{
		{"plot", "-o", filepath.Join(dir, "curves.svg"), log},
		{"plot", "-kind", "pareto", "-o", filepath.Join(dir, "pareto.png"), log},
		{"plot", "-kind", "survival", "-target", "0.9", "-o", filepath.Join(dir, "survival.pdf"), log},
		{"score", "-quality", "accuracy", "-replicates", "10", "-o", filepath.Join(dir, "profile.svg"), log},
	} {
		code, _, diag := invoke(args, "")
		require.Zero(t, code, diag)
	}
	for _, name := range []string{"curves.svg", "pareto.png", "survival.pdf", "profile.svg"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(1000))
	}
}

// A trace as another language writes it; 60 % of the time the loop waits.
func TestProfile(t *testing.T) {
	var trace strings.Builder
	for i := range 40 {
		at := float64(i)
		fmt.Fprintf(&trace, `{"step":%d,"phase":"wait","start":%g,"end":%g,"samples":32}`+"\n", i, at, at+.6)
		fmt.Fprintf(&trace, `{"step":%d,"phase":"forward","start":%g,"end":%g}`+"\n", i, at+.6, at+1)
	}
	picture := filepath.Join(t.TempDir(), "steps.svg")
	code, out, diag := invoke([]string{"profile", "-o", picture, "-warmup", "2", "-"}, trace.String())
	require.Empty(t, diag)
	require.Zero(t, code)
	require.Contains(t, out, "waiting for batches takes 60 % of the time")
	require.FileExists(t, picture)
	code, out, _ = invoke([]string{"profile", "-json", "-"}, trace.String())
	require.Zero(t, code)
	require.Contains(t, out, `"verdict": "input"`)
	for text, args := range map[string][]string{"go together": {"profile", "-flops", "1", "-"},
		"one trace": {"profile", "a", "b"}, "line 1": {"profile", "-"}} {
		code, _, diag := invoke(args, "{\"step\":0,\"phase\":\"nap\",\"start\":0,\"end\":1}\n{}\n")
		require.NotZero(t, code)
		require.Contains(t, diag, text)
	}
}

var long = regexp.MustCompile(`-?\d\.\d{9,}(e-?\d+)?`)

func TestFailures(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "runs.jsonl")
	writeLog(t, log)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	cut := filepath.Join(dir, "cut.jsonl")
	require.NoError(t, os.WriteFile(cut, text[:len(text)-30], 0o666))
	for _, k := range []struct {
		code int
		says string
		args []string
	}{
		{2, "usage: tradeoff COMMAND", nil},
		{0, "usage: tradeoff COMMAND", []string{"-h"}},
		{0, "-interpolation", []string{"compare", "-h"}},
		{2, `no command "compere"`, []string{"compere"}},
		{2, "flag provided but not defined", []string{"compare", "-x", log}},
		{2, "no files", []string{"compare"}},
		{2, `-interpolation is "cubic"`, []string{"compare", "-interpolation", "cubic", log}},
		{2, "-level must lie", []string{"compare", "-level", "2", log}},
		{2, `-direction is "up"`, []string{"summarize", "-direction", "up", log}},
		{2, `"algo" is not of the form`, []string{"summarize", "-rename", "algo", log}},
		{2, "want numbers", []string{"summarize", "-target", "high", log}},
		{2, "-bench needs", []string{"summarize", "-bench", log}},
		{2, "no file to write", []string{"plot", log}},
		{2, `-kind is "pie"`, []string{"plot", "-kind", "pie", "-o", "x.svg", log}},
		{2, "-replicates must be", []string{"score", "-replicates", "0", log}},
		{1, "no such file", []string{"summarize", filepath.Join(dir, "missing")}},
		{0, "line 82: the last line is cut off", []string{"summarize", cut}},
		{1, `has no method "other"`, []string{"compare", "-baseline", "other", log}},
		{1, `has no method "other"`, []string{"compare", "-method", "other", log}},
		{1, `no cost "flops"`, []string{"compare", "-cost", "flops", log}},
		{1, `no quality "loss"`, []string{"compare", "-quality", "loss", log}},
		{1, "no evaluations", []string{"compare", "-task", "text", log}},
		{1, `no rule "T99"`, []string{"check", "-rules", "T99", log}},
		{1, `"x.docx" ends in neither`, []string{"plot", "-o", "x.docx", log}},
		{1, "no target for digits/mlp", []string{"score", "-quality", "f1", log}},
		{1, "AlgoPerf targets", []string{"score", "-targets", log, log}},
		{1, "no header", []string{"summarize", os.DevNull}},
		{1, "tradeoff: -:2: 1 fields", []string{"summarize", "-"}},
	} {
		if k.says == "no target for digits/mlp" {
			k.args[2], k.says = "accuracy", "no target for digits/mlp"
			stripped := filepath.Join(dir, "goalless.jsonl")
			require.NoError(t, os.WriteFile(stripped, bytes.ReplaceAll(text, []byte(`,"target":{"accuracy":0.8}`), nil), 0o666))
			k.args[3] = stripped
		}
		code, _, diag := invoke(k.args, "a,b\n1\n")
		require.Equal(t, k.code, code, "%q: %s", k.args, diag)
		require.Contains(t, diag, k.says, "%q", k.args)
	}
	// Findings of severity error fail, and with -strict all.
	unfair := bytes.ReplaceAll(text, []byte(`"tuned_on":"validation"`), []byte(`"tuned_on":"test"`))
	bad := filepath.Join(dir, "unfair.jsonl")
	require.NoError(t, os.WriteFile(bad, unfair, 0o666))
	for _, k := range []struct {
		code int
		args []string
	}{{0, []string{"check", log}}, {1, []string{"check", bad}}, {1, []string{"check", "-strict", log}},
		{0, []string{"check", "-rules", "T07", "-strict", log}}} {
		code, _, diag := invoke(k.args, "")
		require.Equal(t, k.code, code, "%q", k.args)
		require.Empty(t, diag)
	}
}
