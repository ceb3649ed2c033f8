package runlog

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Writer appends records to a log, one JSON object a line and one write each. It is safe for concurrent use.
type Writer struct {
	mu    sync.Mutex
	w     io.Writer
	run   Record
	envID string
	sync  bool
	clock func() time.Time
}

// NewWriter makes a writer of a log, which is appended to: open files with os.O_APPEND. It takes WithEnv, WithRun and
// WithSync. What those give is written at once.
func NewWriter(w io.Writer, opts ...WriterOption) (*Writer, error) {
	var c writerConfig
	if err := option.Apply("runlog: NewWriter", &c, opts); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("runlog: NewWriter: no io.Writer: %w", tensor.ErrEmpty)
	}
	out := &Writer{w: w, sync: c.sync, clock: time.Now}
	if c.env != nil {
		out.envID = c.env.ID()
		if err := out.Write(Record{Kind: "env", Env: c.env}); err != nil {
			return nil, err
		}
	}
	if c.run != nil {
		out.run = *c.run
		first := out.run
		first.Kind = "run"
		if err := out.Write(first); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// WriterOption is a choice of [NewWriter].
type WriterOption func(*writerConfig) error

type writerConfig struct {
	env  *Env
	run  *Record
	sync bool
}

// WithEnv has [NewWriter] begin with the environment, which [CaptureEnv] gives, and mark all records with it.
// Default: none.
func WithEnv(e Env) WriterOption {
	return func(c *writerConfig) error {
		c.env = &e
		return nil
	}
}

// WithRun has [NewWriter] begin with a record of kind run, and [Writer.Eval] write evaluations of that run. Default:
// none.
func WithRun(run Record) WriterOption {
	return func(c *writerConfig) error {
		if run.RunID == "" {
			return fmt.Errorf("WithRun: the run has no RunID: %w", tensor.ErrEmpty)
		}
		c.run = &run
		return nil
	}
}

// WithSync has [NewWriter] call Sync, which files have, after each record. Default: the system writes when it sees fit.
func WithSync() WriterOption {
	return func(c *writerConfig) error {
		c.sync = true
		return nil
	}
}

// Write appends a record. It sets the schema, and the time and the environment if they are not set. A record that
// [Record.Validate] refuses is not written.
func (w *Writer) Write(r Record) error {
	r.Schema = Schema
	if r.EnvID == "" {
		r.EnvID = w.envID
	}
	if r.Time.IsZero() {
		r.Time = w.clock()
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("runlog: Write: %w", err)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("runlog: Write: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("runlog: Write: %w", err)
	}
	if f, ok := w.w.(interface{ Sync() error }); ok && w.sync {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("runlog: Write: %w", err)
		}
	}
	return nil
}

// Eval appends an evaluation of the run that was given [WithRun] after so many steps: costs so far and qualities by
// name.
func (w *Writer) Eval(step int, cost, quality map[string]float64) error {
	if w.run.RunID == "" {
		return fmt.Errorf("runlog: Eval: the writer has no run; give it WithRun or call Write: %w", tensor.ErrEmpty)
	}
	return w.Write(Record{Kind: "eval", RunID: w.run.RunID, Step: step, Cost: maps.Clone(cost),
		Quality: maps.Clone(quality)})
}
