package importers

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// costs is the names of columns that are costs; all other numbers are qualities.
var costs = []string{"seconds", "train_seconds", "flops", "macs", "samples", "tokens", "epochs", "steps", "usd",
	"joules", "params"}

// texts is where columns with names go.
var texts = map[string]func(r *runlog.Record, s string){
	"run_id":  func(r *runlog.Record, s string) { r.RunID = s },
	"method":  func(r *runlog.Record, s string) { r.Method = []string{s} },
	"task":    func(r *runlog.Record, s string) { r.Task = s },
	"model":   func(r *runlog.Record, s string) { r.Model = s },
	"dataset": func(r *runlog.Record, s string) { r.Dataset = s },
	"study":   func(r *runlog.Record, s string) { r.Study = s },
	"trial":   func(r *runlog.Record, s string) { r.Trial = s },
	"env_id":  func(r *runlog.Record, s string) { r.EnvID = s },
	"schedule": func(r *runlog.Record, s string) {
		r.Schedule = s
	},
}

// wholes is where columns with whole numbers go.
var wholes = map[string]func(r *runlog.Record, v uint64){
	"step":          func(r *runlog.Record, v uint64) { r.Step = int(v) },
	"seed":          func(r *runlog.Record, v uint64) { r.Seed = v },
	"tuning_trials": func(r *runlog.Record, v uint64) { r.TuningTrials = int(v) },
}

// ReadCSV reads evaluations from a table with a header, gzipped or not, as records, so that all that works on logs
// works on them. Columns with the names of fields of records (run_id, method, task, model, dataset, seed, step,
// study, trial, ...) are those; seconds, train_seconds, flops, macs, samples, tokens, epochs, steps, usd, joules and
// params are costs; "budget" is the length that the run was planned for; every other column is a quality. Rename maps
// the names in the file to these: {"wall": "seconds", "algo": "method", "notes": ""}; a name with the prefix "cost:"
// or "quality:" is one whatever it is called, and "" leaves a column out. Without run_id, rows with equal task,
// model, method, study, trial, seed and budget are a run. Empty qualities, and N/A and None, are
// evaluations that did not happen; nan and inf are of a run that failed. Errors
// name the line and the column.
func ReadCSV(r io.Reader, rename map[string]string) ([]runlog.Record, error) {
	l, err := newLines("CSV", r)
	if err != nil {
		return nil, err
	}
	fill, err := fillers(l, rename)
	if err != nil {
		return nil, err
	}
	var records []runlog.Record
	for l.next() {
		record := runlog.Record{Schema: runlog.Schema, Kind: "eval", Cost: map[string]float64{},
			Quality: map[string]float64{}}
		for k, f := range fill {
			if f != nil {
				f(&record, k)
			}
		}
		if l.err != nil {
			return nil, l.err
		}
		if len(record.Quality) == 0 {
			continue
		}
		record.RunID = cmp.Or(record.RunID, runName(&record))
		if err := record.Validate(); err != nil {
			return nil, l.errorf("%w", err)
		}
		records = append(records, record)
	}
	if l.err == nil && len(records) == 0 {
		return nil, l.errorf("no evaluations: %w", tensor.ErrEmpty)
	}
	return records, l.err
}

// runName tells runs apart that have no name.
func runName(r *runlog.Record) string {
	parts := []string{r.Task, r.Model, strings.Join(r.Method, "+"), r.Study, r.Trial, strconv.FormatUint(r.Seed, 10)}
	if r.Budget != nil {
		parts = append(parts, strconv.FormatFloat(r.Budget.Value, 'g', -1, 64))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

// fillers is what to do with each column.
func fillers(l *lines, rename map[string]string) ([]func(*runlog.Record, int), error) {
	for name := range rename {
		if !slices.Contains(l.header, name) {
			return nil, l.errorf("no column %q to rename among %q: %w", name, l.header, tensor.ErrShape)
		}
	}
	fill := make([]func(*runlog.Record, int), len(l.header))
	seen := map[string]string{}
	for k, column := range l.header {
		name := column
		if to, ok := rename[column]; ok {
			name = to
		}
		if name == "" {
			continue
		}
		if other, twice := seen[name]; twice {
			return nil, l.errorf("columns %q and %q are both %s: %w", other, column, name, tensor.ErrConflict)
		}
		seen[name] = column
		fill[k] = filler(l, name)
	}
	return fill, nil
}

func filler(l *lines, name string) func(*runlog.Record, int) {
	text, isText := texts[name]
	whole, isWhole := wholes[name]
	cost, isCost := strings.CutPrefix(name, "cost:")
	quality := strings.TrimPrefix(name, "quality:")
	switch {
	case isText:
		return func(r *runlog.Record, k int) { text(r, string(bytes.TrimSpace(l.fields[k]))) }
	case isWhole:
		return func(r *runlog.Record, k int) { whole(r, l.natural(k)) }
	case name == "budget":
		return func(r *runlog.Record, k int) { r.Budget = &runlog.Budget{Value: l.float(k, false)} }
	case isCost || slices.Contains(costs, name):
		return func(r *runlog.Record, k int) {
			if v, ok := l.measured(k); ok && v == v {
				r.Cost[cost] = v
			}
		}
	}
	return func(r *runlog.Record, k int) {
		if v, ok := l.measured(k); ok {
			r.Quality[quality] = v
		}
	}
}

// absent is how tables spell that there is no value.
var absent = []string{"", "n/a", "na", "none", "null", "-"}

// measured reads a number that may be absent.
func (l *lines) measured(column int) (v float64, ok bool) {
	text := strings.ToLower(string(bytes.TrimSpace(l.fields[column])))
	if slices.Contains(absent, text) {
		return 0, false
	}
	return l.any(column), true
}

// natural reads a whole number of at least 0, which may be written as 12.0.
func (l *lines) natural(column int) uint64 {
	s := string(bytes.TrimSpace(l.fields[column]))
	if v, err := strconv.ParseUint(s, 10, 63); err == nil {
		return v
	}
	v, err := strconv.ParseFloat(s, 64)
	if !(err == nil && v >= 0 && v < 1<<53 && v == float64(uint64(v))) && l.err == nil {
		l.err = l.errorf("%s is %q, want a whole number of at least 0: %w", l.header[column], s, tensor.ErrRange)
	}
	return uint64(max(0, min(v, 1<<53)))
}
