package runlog

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Log is the runs of one or several files of records, in a small part of the memory that the records would take. Its
// zero value is empty and ready. It serves one goroutine at a time.
//
// A run is its run_id together with its task, model, method and seed: two methods may use one run_id. An evaluation
// that does not tell all of these belongs to the last run of its file that they do not contradict.
type Log struct {
	runs      []*loggedRun
	byID      map[string][]*loggedRun // of each run_id
	envs      map[string]*Env
	claims    []*Claim
	phases    []Record
	records   int
	resume    bool
	direction *tradeoff.Direction
	warnings  []error
	thin      bool
}

// loggedRun is a run: what its first record says, and its evaluations.
type loggedRun struct {
	Record
	source         string
	steps          []int
	costs, quality columns
	last           time.Time // of its last evaluation
	thinned        *thinned  // nil if all evaluations are kept
}

// column is the values that some of the evaluations of a run have.
type column struct {
	name  string
	at    []int32 // the evaluations
	value []float64
}

type columns []column

func (c *columns) add(name string, at int, value float64) {
	i := c.index(name)
	if i < 0 {
		i = len(*c)
		*c = append(*c, column{name: name})
	}
	k := &(*c)[i]
	k.at, k.value = append(k.at, int32(at)), append(k.value, value)
}

// index is where a column is, -1 if there is none.
func (c columns) index(name string) int {
	return slices.IndexFunc(c, func(k column) bool { return k.name == name })
}

// of is the values by evaluation, and which evaluations have one.
func (c columns) of(name string) *column {
	for i := range c {
		if c[i].name == name {
			return &c[i]
		}
	}
	return &column{}
}

// NewLog is the log of records. The error is that of [Log.Add].
func NewLog(records ...Record) (*Log, error) {
	l := &Log{}
	return l, l.Add("", records...)
}

// Add adds the records of a file, which source names in errors; their schema may be left out. The error is that of
// [Record.Validate], or wraps [tensor.ErrConflict] if another file has the same run: it names both. The records before
// the fault are added.
func (l *Log) Add(source string, records ...Record) error {
	for i := range records {
		r := records[i]
		r.Schema = cmp.Or(r.Schema, Schema)
		err := r.Validate()
		if err == nil {
			err = l.add(source, &r)
		}
		if err != nil {
			return fmt.Errorf("runlog: record %d: %w", i, err)
		}
	}
	return nil
}

// ReadJSONL adds the records of a file, one JSON object a line. A last line that was cut off is left out with a warning
// ([Log.Warnings]). Any other error names the line, and the records before it are added.
func (l *Log) ReadJSONL(source string, r io.Reader) error {
	cut, err := scan(r, func(record *Record) error { return l.add(source, record) })
	if cut != nil {
		l.warnings = append(l.warnings, fmt.Errorf("%s: %w", source, cut))
	}
	return err
}

// Warnings is what was left out in reading, and after [Log.Arms] also evaluations that cannot be told apart.
func (l *Log) Warnings() []error { return slices.Clone(l.warnings) }

// Runs is the number of runs with evaluations.
func (l *Log) Runs() int { return len(l.evaluated()) }

// ResumeClock has costs that fall continue where they had been: each segment of a run that was resumed with its clock
// at 0 begins where the one before ended. Without it such a run is an error of [Log.Arms].
func (l *Log) ResumeClock() { l.resume = true }

// Select keeps the runs of a task and a model, "" for any.
func (l *Log) Select(task, model string) {
	l.runs = slices.DeleteFunc(l.runs, func(r *loggedRun) bool {
		return task != "" && r.Task != task || model != "" && r.Model != model
	})
}

// SetDirection has all qualities improve one way, whatever records and names say.
func (l *Log) SetDirection(d tradeoff.Direction) { l.direction = &d }

// add notes a record, of which it keeps nothing but strings.
func (l *Log) add(source string, r *Record) error {
	l.records++
	switch r.Kind {
	case "env":
		if l.envs == nil {
			l.envs = map[string]*Env{}
		}
		l.envs[cmp.Or(r.EnvID, r.Env.ID())] = r.Env
		return nil
	case "claim":
		l.claims = append(l.claims, r.Claim)
		return nil
	case "phase":
		l.phases = append(l.phases, *r)
		return nil
	}
	run, err := l.run(source, r)
	if err != nil {
		return err
	}
	for name, dir := range r.Direction {
		if run.Direction == nil {
			run.Direction = map[string]string{}
		}
		run.Direction[name] = dir
	}
	if r.Kind == "run" {
		return nil
	}
	run.last = r.Time
	if l.thin {
		return run.thinly(r)
	}
	at := len(run.steps)
	run.steps = append(run.steps, r.Step)
	for name, v := range r.Cost {
		run.costs.add(name, at, v)
	}
	for name, v := range r.Quality {
		run.quality.add(name, at, v)
	}
	return nil
}

// run is the run that a record belongs to, a new one if there is none.
func (l *Log) run(source string, r *Record) (*loggedRun, error) {
	known := l.byID[r.RunID]
	for _, exact := range []bool{true, false} {
		for _, run := range slices.Backward(known) {
			if run.source == source && (exact && run.equals(r) || !exact && r.Kind == "eval" && run.admits(r)) {
				return run, nil
			}
		}
	}
	for _, run := range known {
		if run.source != source && run.equals(r) {
			return nil, fmt.Errorf("run %s is in %s too; give each run a run_id of its own: %w", run.label(), run.source,
				tensor.ErrConflict)
		}
	}
	if l.byID == nil {
		l.byID = map[string][]*loggedRun{}
	}
	run := &loggedRun{Record: *r, source: source}
	run.Direction, run.Cost, run.Quality = nil, nil, nil
	run.Method = slices.Clone(r.Method)
	l.byID[r.RunID] = append(known, run)
	l.runs = append(l.runs, run)
	return run, nil
}

// equals reports whether a record is of the same task, model, method and seed.
func (r *loggedRun) equals(o *Record) bool {
	return r.Task == o.Task && r.Model == o.Model && r.Seed == o.Seed && sameMethod(r.Method, o.Method)
}

// admits reports whether what a record tells of its run does not contradict it.
func (r *loggedRun) admits(o *Record) bool {
	return (o.Task == "" || r.Task == o.Task) && (o.Model == "" || r.Model == o.Model) &&
		(o.Seed == 0 || r.Seed == o.Seed) && (len(o.Method) == 0 || sameMethod(r.Method, o.Method))
}

func sameMethod(a, b []string) bool {
	return slices.Equal(a, b) || methodName(a) == methodName(b)
}

// label names a run in errors.
func (r *loggedRun) label() string {
	text := strconv.Quote(r.RunID)
	if r.Task+r.Model != "" || len(r.Method) > 0 {
		text += " (" + strings.Join([]string{r.Task, r.Model, methodName(r.Method), fmt.Sprint(r.Seed)}, "/") + ")"
	}
	if r.source != "" {
		text += " of " + r.source
	}
	return text
}

// evaluated is the runs that have evaluations.
func (l *Log) evaluated() []*loggedRun {
	for _, r := range l.runs {
		r.finish()
	}
	return slices.DeleteFunc(slices.Clone(l.runs), func(r *loggedRun) bool { return len(r.steps) == 0 })
}

// hasSteps reports whether evaluations have steps; one of step 0 was made before training.
func (r *loggedRun) hasSteps() bool {
	return slices.ContainsFunc(r.steps, func(s int) bool { return s > 0 })
}

// at is the cost of each evaluation, and which have it.
func (r *loggedRun) at(cost string) (values []float64, has []bool) {
	values, has = make([]float64, len(r.steps)), make([]bool, len(r.steps))
	column := r.costs.of(cost)
	for i, at := range column.at {
		values[at], has[at] = column.value[i], true
	}
	if len(column.at) == 0 && cost == "step" && r.hasSteps() {
		for i, s := range r.steps {
			values[i], has[i] = float64(s), true
		}
	}
	for i, s := range r.steps { // before training nothing is spent
		has[i] = has[i] || s == 0 && r.hasSteps() && len(column.at) > 0
	}
	return values, has
}

// clock is the costs of a run in the order of its records, each segment after a restart continued if that is wanted.
// The error wraps [tensor.ErrConflict] if a cost falls while steps rise, or without steps.
func (l *Log) clock(r *loggedRun, cost string) (values []float64, has []bool, err error) {
	values, has = r.at(cost)
	before, offset := -1, 0.0
	steps := r.hasSteps()
	for i := range values {
		if !has[i] {
			continue
		}
		raw := values[i]
		values[i] += offset
		if before >= 0 && values[i] < values[before] && (l.resume || !steps || r.steps[i] > r.steps[before]) {
			if !l.resume {
				return nil, nil, fmt.Errorf("runlog: Arms: run %s: %s falls from %v to %v after step %d: a clock that restarts, "+
					"an absolute time or a duration; a clock that restarts can be continued (ResumeClock): %w", r.label(), cost,
					values[before], raw, r.steps[before], tensor.ErrConflict)
			}
			offset = values[before]
			values[i] = raw + offset
		}
		before = i
	}
	return values, has, nil
}

// twice is an error if a run has two values of a quality at one step.
func (r *loggedRun) twice(quality string) error {
	if !r.hasSteps() {
		return nil
	}
	seen := make(map[int]float64)
	column := r.quality.of(quality)
	for i, at := range column.at {
		step, v := r.steps[at], column.value[i]
		if old, ok := seen[step]; ok && old != v && (old == old || v == v) {
			return fmt.Errorf("runlog: Arms: run %s has %s %v and %v at step %d: two runs under one name, or evaluations "+
				"made again after a resume: %w", r.label(), quality, old, v, step, tensor.ErrConflict)
		}
		seen[step] = v
	}
	return nil
}

// tied warns of evaluations without steps that have one cost and several qualities, of which a curve has the better.
func (l *Log) tied(r *loggedRun, cost string, values []float64, quality *column) {
	seen := make(map[float64]float64)
	ties := 0
	var first error
	for i, at := range quality.at {
		c, v := values[at], quality.value[i]
		if old, ok := seen[c]; ok && old != v && old == old && v == v && c > 0 {
			if ties++; ties == 1 {
				first = fmt.Errorf("run %s has %s %v and %v at %s %v and no steps that tell them apart: the better counts",
					r.label(), quality.name, old, v, cost, c)
			}
		}
		seen[c] = v
	}
	switch {
	case ties > 1:
		l.warn(fmt.Errorf("%w; so %d more times", first, ties-1))
	case ties == 1:
		l.warn(first)
	}
}

// warn notes a warning, once.
func (l *Log) warn(err error) {
	if !slices.ContainsFunc(l.warnings, func(w error) bool { return w.Error() == err.Error() }) {
		l.warnings = append(l.warnings, err)
	}
}

// names is the names of all columns, sorted.
func (c columns) names() []string {
	all := map[string]bool{}
	for _, k := range c {
		all[k.name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// bareWords writes what Python's json does for numbers that are not finite, and JSON does not have, as strings.
func bareWords(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	var out []byte
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		if quoted && c == '\\' && i+1 < len(line) {
			out = append(out, c, line[i+1])
			i++
			continue
		}
		if c == '"' {
			quoted = !quoted
		}
		if !quoted {
			for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
				if bytes.HasPrefix(line[i:], []byte(word)) {
					out = append(append(append(out, '"'), word...), '"')
					i += len(word) - 1
					c = 0
					break
				}
			}
		}
		if c != 0 {
			out = append(out, c)
		}
	}
	return out
}
