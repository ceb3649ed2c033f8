package importers

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// What each tool writes, as its documentation describes it.
const (
	trainer = `{"best_metric": 0.91, "global_step": 30, "log_history": [
 {"epoch": 1.0, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 0.7, "step": 10},
 {"epoch": 1.0, "eval_accuracy": 0.8, "eval_loss": 0.6, "eval_runtime": 2.5, "eval_samples_per_second": 40.1,
	"step": 10},
 {"epoch": 2.0, "eval_accuracy": 0.9, "eval_loss": NaN, "eval_runtime": 2.5, "step": 20},
 {"epoch": 3.0, "step": 30, "total_flos": 1e12, "train_loss": 0.4, "train_runtime": 60.0}]}`
	lightning = "epoch,step,train_loss,val_acc,val_loss\n0,49,0.9,,\n0,99,,0.5,0.8\n1,149,0.6,,\n1,199,,0.7,0.6\n"
	keras     = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,0.9,0.4,1.0\n1,0.7,0.6,0.6,0.8\n"
	board     = "Wall time,Step,Value\n1700000000.5,0,0.1\n1700000010.5,100,0.5\n1700000020.5,200,0.7\n"
	history   = `{"_step":0,"_runtime":1.5,"_timestamp":1.7e9,"val/acc":0.5,"epoch":1,"note":"x"}
{"_step":10,"_runtime":3.5,"_timestamp":1.7e9,"val/acc":null}
`
	chartCSV = `"Step","bold-sun-1 - val/acc","bold-sun-1 - val/acc__MIN","bold-sun-1 - val/acc__MAX","dry-sea-2 - val/acc"
"10","0.5","0.5","0.5","0.6"
"20","0.7","0.6","0.8",""
`
	metric = "1700000000000 0.5 0\n1700000001000 0.75 10\n"
	bench  = "goos: linux\npkg: x\nBenchmarkTrain/task=digits/method=fast-8   \t1\t2500000000 ns/op\t 0.9 accuracy\nPASS\n"
)

func TestFormats(t *testing.T) {
	type point struct {
		run    string
		step   int
		cost   map[string]float64
		metric string
		value  float64
	}
	for name, k := range map[string]struct {
		file, text string
		n          int
		want       point
	}{
		"Hugging Face": {"out/run-a/checkpoint-30/trainer_state.json", trainer, 4,
			point{"out/run-a", 10, map[string]float64{"epochs": 1}, "eval_accuracy", 0.8}},
		"Lightning": {"logs/version_3/metrics.csv", lightning, 4,
			point{"logs/version_3", 199, map[string]float64{"epochs": 1}, "val_acc", 0.7}},
		"Keras": {"keras.csv", keras, 2, point{"keras.csv", 0, map[string]float64{"epochs": 1}, "val_loss", 0.8}},
		"TensorBoard CSV": {"csv/run-mlp-tag-acc.csv", board, 3,
			point{"csv/mlp", 100, map[string]float64{"seconds": 10}, "acc", 0.5}},
		"W&B history": {"runs/a.jsonl", history, 2,
			point{"runs", 0, map[string]float64{"seconds": 1.5, "epochs": 1}, "val/acc", 0.5}},
		"W&B chart": {"chart.csv", chartCSV, 3, point{"bold-sun-1", 20, map[string]float64{}, "val/acc", 0.7}},
		"MLflow":    {"mlruns/0/abc/metrics/acc", metric, 2, point{"mlruns/0/abc", 10, map[string]float64{}, "acc", 0.75}},
		"go test":   {"bench.txt", bench, 1, point{"bench.txt:3", 0, map[string]float64{"seconds": 2.5}, "accuracy", 0.9}},
		"semicolons, a comment and quoted newlines": {"t.csv",
			"\xef\xbb\xbf# made by hand\nstep;acc;\"a\nnote\"\n1;0.5;\"two\nlines\"\n", 1,
			point{"t.csv", 1, map[string]float64{}, "acc", 0.5}},
		"tabs": {"t.tsv", "step\tacc\n1\t0.5\n", 1, point{"t.tsv", 1, map[string]float64{}, "acc", 0.5}},
	} {
		records, err := Source{Name: k.file}.Read(strings.NewReader(k.text))
		require.NoError(t, err, name)
		require.Len(t, records, k.n, name)
		found := false
		for _, r := range records {
			require.NoError(t, r.Validate(), name)
			v, ok := r.Quality[k.want.metric]
			if ok && v == k.want.value {
				found = true
				require.Equal(t, k.want, point{r.RunID, r.Step, r.Cost, k.want.metric, v}, name)
			}
		}
		require.True(t, found, "%s: %v", name, records)
	}
	records, err := Source{Name: "trainer_state.json"}.Read(strings.NewReader(trainer))
	require.NoError(t, err)
	require.True(t, math.IsNaN(records[2].Quality["eval_loss"]), "NaN is of a run that fails")
	require.NotContains(t, records[1].Quality, "eval_runtime")
	records, err = Source{Name: "a.jsonl"}.Read(strings.NewReader(history))
	require.NoError(t, err)
	require.True(t, math.IsNaN(records[1].Quality["val/acc"]), "null is no number")
}

// Columns that are sparse are evaluations that did not happen, words are labels, and inf is of a run that failed.
func TestTableOfMixedColumns(t *testing.T) {
	records, err := ReadCSV(strings.NewReader("seed,step,optimizer,loss,acc\n1,10,adam,3,N/A\n"+
		"1,20,adam,inf,None\n1,30,adam,nan,0.5\n"), nil)
	require.NoError(t, err)
	require.Len(t, records, 3)
	require.Equal(t, map[string]any{"optimizer": "adam"}, records[0].Config)
	require.Equal(t, map[string]float64{"loss": 3}, records[0].Quality)
	arms, err := runlog.Arms(records, "step", "loss")
	require.NoError(t, err)
	require.Equal(t, 1, arms[0].Runs.Failed())
	require.Equal(t, []tradeoff.Point{{Cost: 10, Quality: 3}}, arms[0].Runs.Curves[0].Points())
}

func TestPattern(t *testing.T) {
	s := Source{Name: "out.log", Pattern: regexp.MustCompile(`step (?P<step>\d+).* acc (?P<accuracy>\S+)`)}
	records, err := s.Read(strings.NewReader("hello\nstep 10 loss 3 acc 0.5\nstep 20 loss 2 acc nan\n"))
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.Equal(t, 0.5, records[0].Quality["accuracy"])
	_, err = s.Read(strings.NewReader("step 10 acc high\n"))
	require.ErrorContains(t, err, `out.log:1: group accuracy is "high"`)
	_, err = s.Read(strings.NewReader("nothing\n"))
	require.ErrorIs(t, err, tensor.ErrEmpty)
	s.Pattern = regexp.MustCompile("step")
	_, err = s.Read(strings.NewReader("step\n"))
	require.ErrorContains(t, err, "no named groups")
}

// frame is an event as its file has it.
func frame(event []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	b := binary.LittleEndian.AppendUint32(length, masked(length))
	return binary.LittleEndian.AppendUint32(append(b, event...), masked(event))
}

// scalarEvent is an event with a scalar, spelled as simple_value or as a tensor.
func scalarEvent(time float64, step int64, tag string, value float32, asTensor bool) []byte {
	v := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), tag)
	if asTensor {
		inner := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
		inner = protowire.AppendTag(inner, 5, protowire.BytesType)
		inner = protowire.AppendBytes(inner, binary.LittleEndian.AppendUint32(nil, math.Float32bits(value)))
		v = protowire.AppendBytes(protowire.AppendTag(v, 8, protowire.BytesType), inner)
	} else {
		v = protowire.AppendFixed32(protowire.AppendTag(v, 2, protowire.Fixed32Type), math.Float32bits(value))
	}
	summary := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), v)
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(time))
	e = protowire.AppendVarint(protowire.AppendTag(e, 2, protowire.VarintType), uint64(step))
	return protowire.AppendBytes(protowire.AppendTag(e, 5, protowire.BytesType), summary)
}

func eventFile() []byte {
	version := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(100))
	version = protowire.AppendString(protowire.AppendTag(version, 3, protowire.BytesType), "brain.Event:2")
	return bytes.Join([][]byte{frame(version), frame(scalarEvent(110, 1, "val/acc", 0.5, false)),
		frame(scalarEvent(120, 2, "val/acc", 0.75, true))}, nil)
}

func TestEventFile(t *testing.T) {
	s := Source{Name: "runs/a/events.out.tfevents.1.host"}
	require.Equal(t, "runs/a", s.Run())
	file := eventFile()
	records, err := s.Read(bytes.NewReader(file))
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.Equal(t, "runs/a", records[1].RunID)
	require.Equal(t, 2, records[1].Step)
	require.Equal(t, map[string]float64{"seconds": 20}, records[1].Cost)
	require.Equal(t, map[string]float64{"val/acc": 0.75}, records[1].Quality)
	records, err = s.Read(bytes.NewReader(file[:len(file)-3]))
	require.NoError(t, err, "the file of a run that goes on")
	require.Len(t, records, 1)
	for _, at := range []int{len(file) - 20, 30} {
		broken := bytes.Clone(file)
		broken[at] ^= 1
		_, err = s.Read(bytes.NewReader(broken))
		require.ErrorContains(t, err, "checksum")
	}
	huge := binary.LittleEndian.AppendUint64(nil, 1<<60)
	_, err = s.Read(bytes.NewReader(binary.LittleEndian.AppendUint32(huge, masked(huge))))
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestReadRefuses(t *testing.T) {
	for name, k := range map[string]struct{ file, text, says string }{
		"column":      {"x.csv", "step,acc\n1,0.5\n2,high\n", `x.csv:3: acc is "high"`},
		"quote":       {"x.csv", "step,acc\n1,\"0.5\n", "x.csv:2:"},
		"cut history": {"x.jsonl", "{\"a\":1}\n{\"a\":", "x.jsonl:2:"},
		"empty state": {"x.json", "{\n\"log_history\": []}", "no log_history"},
		"metric":      {"m/metrics/x", "1700000000000 1 1\nx\n", "m/metrics/x:2:"},
		"bench":       {"b", "BenchmarkX 1 2 ns/op\n", "no benchmark reports a quality"},
		"nothing":     {"x", "", "no header"},
	} {
		_, err := Source{Name: k.file}.Read(strings.NewReader(k.text))
		require.ErrorContains(t, err, k.says, name)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{trainer, lightning, keras, board, history, chartCSV, metric, bench,
		string(eventFile())} {
		f.Add([]byte(text))
	}
	pattern := regexp.MustCompile(`(?P<step>\d+) (?P<acc>\S+)`)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range []Source{{Name: "a/metrics/b"}, {Name: "a/b", Pattern: pattern}} {
			records, err := s.Read(bytes.NewReader(data))
			if err == nil && len(records) == 0 {
				t.Fatal("neither records nor an error")
			}
			for _, r := range records {
				if r.RunID != "" {
					require.NoError(t, r.Validate())
				}
			}
		}
	})
}

// Names that a tool has a meaning for can be renamed like any other.
func TestRenamedCounters(t *testing.T) {
	rename := map[string]string{"_runtime": "train_seconds", "epoch": "samples", "arch": "method", "iteration": "step"}
	records, err := Source{Name: "runs/a.jsonl", Rename: rename}.Read(strings.NewReader(
		`{"_step":1,"iteration":7,"_runtime":1.5,"epoch":2,"arch":"fast","val/acc":0.5}` + "\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"train_seconds": 1.5, "samples": 2}, records[0].Cost)
	require.Equal(t, []string{"fast"}, records[0].Method)
	require.Equal(t, 7, records[0].Step)
	records, err = Source{Name: "a/trainer_state.json", Rename: rename}.Read(strings.NewReader(trainer))
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"samples": 1}, records[0].Cost)
}
