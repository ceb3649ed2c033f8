package importers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// Source is a file and how to read it. The zero value reads what is recognised by its content.
type Source struct {
	// Name is the path of the file, with slashes. Runs without a name in the file are named after it or its folder.
	Name   string
	Rename map[string]string // columns and metrics, as for [ReadCSV]
	// Pattern has plain text read line by line: its named groups are columns, such as (?P<step>\d+).
	Pattern *regexp.Regexp
}

// Run is the name of the run that the file belongs to, if it is one of several files of a run: the folder of event
// files of TensorBoard and of metric files of MLflow. For all other files it is their own name.
func (s Source) Run() string {
	dir, base := path.Split(s.Name)
	dir = strings.TrimSuffix(dir, "/")
	switch {
	case strings.Contains(base, "tfevents"):
		return dir
	case path.Base(dir) == "metrics": // a metric may have slashes in its name, which are folders; one level is usual
		return path.Dir(dir)
	}
	return s.Name
}

// Read reads the evaluations of a file that is not one of JSON lines of package runlog, gzipped or not, and recognises
// by its content what wrote it:
//
//   - the Trainer of Hugging Face: trainer_state.json;
//   - Lightning's and Keras' CSVLogger, and any other table with a header ([ReadCSV]);
//   - TensorBoard: event files, and scalars as CSV;
//   - Weights & Biases: history as JSON lines, and charts as CSV with columns "run - metric";
//   - ShrinkBench: its table of results ([ReadShrinkBench]);
//   - MLPerf: result files ([ReadMLPerfLog]);
//   - MLflow: the metric files of mlruns, with a time, a value and a step on each line;
//   - go test -bench;
//   - plain text, by [Source.Pattern].
//
// Runs are named after the file or its folder where the file does not name them. Errors begin with the name of the
// file and tell the line.
func (s Source) Read(r io.Reader) ([]runlog.Record, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("importers: %s: %w", s.Name, err)
		}
		b = bufio.NewReaderSize(z, 1<<16)
	}
	head, _ := b.Peek(1 << 12)
	head = bytes.TrimPrefix(head, bom)
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	switch {
	case s.Pattern != nil:
		return s.matches(b)
	case isEvents(head):
		return s.events(b)
	case bytes.HasPrefix(first, []byte("[")) || bytes.HasPrefix(first, []byte("{")) && !isHistory(first):
		return s.trainerState(b)
	case bytes.HasPrefix(first, []byte("{")):
		return s.history(b)
	case bytes.Contains(head, []byte(":::MLLOG")):
		return s.mlperf(b)
	case isBenchmark(head):
		return s.benchmarks(b)
	case metricLine.Match(bytes.TrimSpace(first)):
		return s.metric(b)
	}
	if bytes.Contains(first, []byte("strategy")) && bytes.Contains(first, []byte("size_nz")) {
		return ReadShrinkBench(b)
	}
	return s.table(b)
}

var bom = []byte("\xef\xbb\xbf")

// folder is the name of the folder of a file, or of the file if it has none.
func (s Source) folder() string {
	dir := path.Dir(s.Name)
	if strings.HasPrefix(path.Base(dir), "checkpoint-") {
		dir = path.Dir(dir)
	}
	if dir != "." && dir != "/" {
		return dir
	}
	return strings.TrimSuffix(path.Base(s.Name), path.Ext(s.Name))
}

func (s Source) errorf(format string, args ...any) error {
	return fmt.Errorf("importers: %s"+format, append([]any{s.Name}, args...)...)
}

// evaluation is a record of the run, empty.
func evaluation(run string) runlog.Record {
	return runlog.Record{Schema: runlog.Schema, Kind: "eval", RunID: run, Cost: map[string]float64{},
		Quality: map[string]float64{}}
}

// set puts a number where its name says, renamed if it is to be.
func (s Source) set(r *runlog.Record, name string, v float64) {
	if to, ok := s.Rename[name]; ok {
		name = to
	}
	switch cost, isCost := strings.CutPrefix(name, "cost:"); {
	case name == "":
	case name == "step":
		r.Step = int(v)
	case name == "seed":
		r.Seed = uint64(v)
	case isCost || isCostName(name):
		if v-v == 0 {
			r.Cost[cost] = v
		}
	default:
		r.Quality[strings.TrimPrefix(name, "quality:")] = v
	}
}
