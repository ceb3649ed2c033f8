package importers

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// costs is the names of columns that are costs; all other numbers are qualities.
var costs = []string{"seconds", "train_seconds", "flops", "macs", "samples", "tokens", "epochs", "steps", "usd",
	"joules", "params"}

func isCostName(name string) bool { return slices.Contains(costs, name) }

// texts is where columns with names go.
var texts = map[string]func(r *runlog.Record, s string){
	"run_id":   func(r *runlog.Record, s string) { r.RunID = s },
	"method":   func(r *runlog.Record, s string) { r.Method = []string{s} },
	"task":     func(r *runlog.Record, s string) { r.Task = s },
	"model":    func(r *runlog.Record, s string) { r.Model = s },
	"dataset":  func(r *runlog.Record, s string) { r.Dataset = s },
	"study":    func(r *runlog.Record, s string) { r.Study = s },
	"trial":    func(r *runlog.Record, s string) { r.Trial = s },
	"env_id":   func(r *runlog.Record, s string) { r.EnvID = s },
	"schedule": func(r *runlog.Record, s string) { r.Schedule = s },
}

// wholes is where columns with whole numbers go.
var wholes = map[string]func(r *runlog.Record, v uint64){
	"step":          func(r *runlog.Record, v uint64) { r.Step = int(v) },
	"seed":          func(r *runlog.Record, v uint64) { r.Seed = v },
	"tuning_trials": func(r *runlog.Record, v uint64) { r.TuningTrials = int(v) },
}

// usual is what the names of tools stand for, where the file has no column of that name.
var usual = map[string]string{"Step": "step", "_step": "step", "global_step": "step", "_runtime": "seconds",
	"Relative Time (Process)": "seconds", "epoch": "epochs"}

// ReadCSV reads evaluations from a table with a header, gzipped or not, as records, so that all that works on logs
// works on them. Fields are separated by commas, semicolons or tabs, lines that begin with # are comments. Columns with
// the names of fields of records (run_id, method, task, model, dataset, seed, step, study, trial, ...) are those;
// seconds, train_seconds, flops, macs, samples, tokens, epochs, steps, usd, joules and params are costs; "budget" is
// the length that the run was planned for; every other column of numbers is a quality, and columns of text are labels,
// which are kept as Config. Rename maps the names in the file to these: {"wall": "seconds", "algo": "method", "notes":
// ""}; a name with the prefix "cost:" or "quality:" is one whatever it is called, and "" leaves a column out. Without
// run_id, rows with equal task, model, method, study, trial, seed and budget are a run.
//
// Empty fields, and N/A and None, are evaluations that did not happen; nan and inf are of a run that failed. Errors
// name the line and the column.
func ReadCSV(r io.Reader, rename map[string]string) ([]runlog.Record, error) {
	return Source{Name: "CSV", Rename: rename}.Read(r)
}

// table is a CSV file in memory.
type table struct {
	Source
	header []string
	rows   [][]string
	lines  []int
}

// table reads a table and what is in it: the scalars of TensorBoard, a chart of Weights & Biases, or evaluations.
func (s Source) table(r *bufio.Reader) ([]runlog.Record, error) {
	t := table{Source: s}
	if err := t.read(r); err != nil {
		return nil, err
	}
	for name := range s.Rename {
		if !slices.Contains(t.header, name) {
			return nil, s.errorf(": no column %q to rename among %q: %w", name, t.header, tensor.ErrShape)
		}
	}
	if slices.Equal(t.header, []string{"Wall time", "Step", "Value"}) {
		return t.scalars()
	}
	if slices.ContainsFunc(t.header, isRange) {
		return t.chart()
	}
	return t.evaluations()
}

func (t *table) read(r *bufio.Reader) error {
	if head, _ := r.Peek(len(bom)); bytes.Equal(head, bom) {
		_, _ = r.Discard(len(bom)) // what was seen is there
	}
	head, _ := r.Peek(r.Size())
	comma, most := ',', 0
	for line := range bytes.Lines(head) {
		if bytes.HasPrefix(line, []byte("#")) || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		for _, c := range ",;\t" {
			if n := bytes.Count(line, []byte(string(c))); n > most {
				comma, most = c, n
			}
		}
		break
	}
	c := csv.NewReader(r)
	c.Comma, c.Comment, c.FieldsPerRecord, c.ReuseRecord = comma, '#', -1, false
	for {
		row, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			if fault, ok := errors.AsType[*csv.ParseError](err); ok {
				return t.errorf(":%d:%d: %w", fault.Line, fault.Column, fault.Err)
			}
			return t.errorf(": %w", err)
		}
		line, _ := c.FieldPos(0)
		switch {
		case t.header == nil:
			for _, f := range row {
				t.header = append(t.header, strings.TrimSpace(f))
			}
			continue
		case len(row) != len(t.header):
			return t.errorf(":%d: %d fields in a table of %d columns: %w", line, len(row), len(t.header), tensor.ErrShape)
		}
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
	if t.header == nil {
		return t.errorf(": no header: %w", tensor.ErrEmpty)
	}
	return nil
}

// evaluations makes a record of each row with a quality.
func (t *table) evaluations() ([]runlog.Record, error) {
	fill, err := t.fillers()
	if err != nil {
		return nil, err
	}
	var records []runlog.Record
	for i, row := range t.rows {
		record := evaluation("")
		for k, f := range fill {
			if f == nil {
				continue
			}
			if err := f(&record, strings.TrimSpace(row[k])); err != nil {
				return nil, t.errorf(":%d: %s is %q, %w", t.lines[i], t.header[k], row[k], err)
			}
		}
		if len(record.Quality) == 0 {
			continue
		}
		record.RunID = cmp.Or(record.RunID, runName(&record), t.runOfFile())
		if err := record.Validate(); err != nil {
			return nil, t.errorf(":%d: %w", t.lines[i], err)
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, t.errorf(": no evaluations: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// runOfFile names the run of a file that holds one: of Lightning's metrics.csv it is the folder.
func (t *table) runOfFile() string {
	if path.Base(t.Name) == "metrics.csv" {
		return t.folder()
	}
	return t.Name
}

// runName tells runs apart that have no name.
func runName(r *runlog.Record) string {
	parts := []string{r.Task, r.Model, strings.Join(r.Method, "+"), r.Study, r.Trial}
	if r.Seed != 0 {
		parts = append(parts, strconv.FormatUint(r.Seed, 10))
	}
	if r.Budget != nil {
		parts = append(parts, strconv.FormatFloat(r.Budget.Value, 'g', -1, 64))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

type filler = func(r *runlog.Record, text string) error

// fillers is what to do with each column.
func (t *table) fillers() ([]filler, error) {
	fill := make([]filler, len(t.header))
	seen := map[string]string{}
	for k, column := range t.header {
		name, renamed := t.Rename[column]
		if !renamed {
			name = column
			if to, ok := usual[column]; ok && !slices.Contains(t.header, to) {
				name = to
			}
		}
		if name == "" {
			continue
		}
		if other, twice := seen[name]; twice {
			return nil, t.errorf(": columns %q and %q are both %s: %w", other, column, name, tensor.ErrConflict)
		}
		seen[name] = column
		fill[k] = t.filler(k, name)
	}
	return fill, nil
}

func (t *table) filler(k int, name string) filler {
	set, isText := texts[name]
	whole, isWhole := wholes[name]
	switch {
	case isText:
		return func(r *runlog.Record, text string) error { set(r, text); return nil }
	case isWhole:
		bits := 31
		if name == "seed" {
			bits = 63
		}
		return func(r *runlog.Record, text string) error {
			if isAbsent(text) {
				return nil
			}
			v, err := natural(text, bits)
			whole(r, v)
			return err
		}
	case name == "budget":
		return func(r *runlog.Record, text string) error {
			v, err := float(text)
			r.Budget = &runlog.Budget{Value: v}
			return err
		}
	case t.isLabel(k):
		return func(r *runlog.Record, text string) error {
			if r.Config == nil {
				r.Config = map[string]any{}
			}
			r.Config[name] = text
			return nil
		}
	}
	named := Source{}
	return func(r *runlog.Record, text string) error {
		if isAbsent(text) {
			return nil
		}
		v, err := float(text)
		if err == nil {
			named.set(r, name, v)
		}
		return err
	}
}

// isLabel reports whether a column has words and no numbers.
func (t *table) isLabel(k int) bool {
	words := false
	for _, row := range t.rows {
		text := strings.TrimSpace(row[k])
		if isAbsent(text) {
			continue
		}
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return false
		}
		words = true
	}
	return words
}

// scalars reads the table of a scalar of TensorBoard, whose name is in that of the file: run_NAME-tag-METRIC.csv.
// Seconds count from the first row.
func (t *table) scalars() ([]runlog.Record, error) {
	base := strings.TrimSuffix(path.Base(t.Name), path.Ext(t.Name))
	run, tag, ok := strings.Cut(base, "-tag-")
	if run = path.Join(path.Dir(t.Name), strings.TrimPrefix(run, "run-")); !ok {
		run, tag = t.folder(), base
	}
	var records []runlog.Record
	start := math.NaN()
	for i, row := range t.rows {
		record := evaluation(run)
		wall, err := float(row[0])
		if start != start {
			start = wall
		}
		step, stepErr := natural(strings.TrimSpace(row[1]), 31)
		value, valueErr := float(row[2])
		if err := cmp.Or(err, stepErr, valueErr); err != nil {
			return nil, t.errorf(":%d: %q, %w", t.lines[i], row, err)
		}
		record.Step = int(step)
		if seconds := wall - start; seconds >= 0 {
			record.Cost["seconds"] = seconds
		}
		t.set(&record, tag, value)
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, t.errorf(": no evaluations: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// chart reads an exported chart of Weights & Biases: a column of steps or seconds, and for each run one of the metric
// beside those of its range.
func (t *table) chart() ([]runlog.Record, error) {
	var records []runlog.Record
	for i, row := range t.rows {
		axis, err := float(row[0])
		if err != nil {
			return nil, t.errorf(":%d: %s is %q, %w", t.lines[i], t.header[0], row[0], err)
		}
		for k, column := range t.header[1:] {
			run, metric, ok := chart(column)
			text := strings.TrimSpace(row[k+1])
			if !ok || isRange(column) || isAbsent(text) || metric == "_step" {
				continue
			}
			record := evaluation(run)
			v, err := float(text)
			if err != nil {
				return nil, t.errorf(":%d: %s is %q, %w", t.lines[i], column, text, err)
			}
			switch name := cmp.Or(usual[t.header[0]], t.header[0]); {
			case name == "step" && axis >= 0 && axis < 1<<31:
				record.Step = int(axis)
			default:
				record.Cost[name] = axis
			}
			t.set(&record, metric, v)
			if err := record.Validate(); err != nil {
				return nil, t.errorf(":%d: %w", t.lines[i], err)
			}
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, t.errorf(": no evaluations: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// absent is how tables spell that there is no value.
var absent = []string{"", "n/a", "na", "none", "null", "-"}

func isAbsent(text string) bool { return slices.Contains(absent, strings.ToLower(text)) }

var (
	errNumber = wants{"want a number", tensor.ErrNotFinite}
	errWhole  = wants{"want a whole number of at least 0", tensor.ErrRange}
)

// wants is what a field should have been.
type wants struct {
	text string
	err  error
}

func (w wants) Error() string { return w.text + ": " + w.err.Error() }
func (w wants) Unwrap() error { return w.err }

// float reads a number that may be NaN or infinite.
func float(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, errNumber
	}
	return v, nil
}

// natural reads a whole number of at least 0 and so many bits, which may be written as 12.0.
func natural(text string, bits int) (uint64, error) {
	if v, err := strconv.ParseUint(text, 10, bits); err == nil {
		return v, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v < math.Ldexp(1, min(bits, 53)) && v == math.Trunc(v)) {
		return 0, errWhole
	}
	return uint64(v), nil
}
