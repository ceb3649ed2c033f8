package importers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// MLPerfRun is a training run as its result file tells of it.
type MLPerfRun struct {
	Benchmark string // "" if the log does not say
	BatchSize int    // 0 if the log does not say
	// Epochs and Seconds are what it took to converge, from the start of the run to the last evaluation and to its end;
	// +Inf if it did not converge or the log breaks off.
	Epochs, Seconds float64
	Evaluations     []MLPerfEvaluation
}

// MLPerfEvaluation is one evaluation of a run.
type MLPerfEvaluation struct {
	Seconds float64 // since the start of the run
	Epochs  float64 // or samples or steps, for benchmarks that count those
	Quality float64 // of several, the smallest
	// Qualities is the values by name of a benchmark that has several, such as BBOX and SEGM.
	Qualities map[string]float64
}

// Curve is the quality over the seconds of the run, better in the given direction: MLPerf logs losses under the name of
// accuracy too. The error is that of tradeoff.NewCurve.
func (r MLPerfRun) Curve(dir tradeoff.Direction) (tradeoff.Curve, error) {
	cost, quality := make([]float64, len(r.Evaluations)), make([]float64, len(r.Evaluations))
	for i, e := range r.Evaluations {
		cost[i], quality[i] = e.Seconds, e.Quality
	}
	return tradeoff.NewCurve(cost, quality, dir)
}

// FirstPass is the first evaluation at which all targets are met, by the names of [MLPerfEvaluation.Qualities], and ""
// for a benchmark that has a single quality. A quality that an evaluation is without has not passed there. It reports
// false if there is no such evaluation, or no target.
func (r MLPerfRun) FirstPass(dir tradeoff.Direction, targets map[string]float64) (MLPerfEvaluation, bool) {
	for _, e := range r.Evaluations {
		passed := len(targets) > 0
		for name, target := range targets {
			q, ok := e.Qualities[name]
			if name == "" && len(e.Qualities) == 0 {
				q, ok = e.Quality, true
			}
			passed = passed && ok && q == q && !dir.Better(target, q)
		}
		if passed {
			return e, true
		}
	}
	return MLPerfEvaluation{}, false
}

// mlperf is the evaluations of a result file, over seconds and what the benchmark counts. The quality is "eval", since
// the log calls losses accuracies too, or those by name.
func (s Source) mlperf(b io.Reader) ([]runlog.Record, error) {
	run, err := ReadMLPerfLog(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	var records []runlog.Record
	for _, e := range run.Evaluations {
		r := evaluation(s.Name)
		r.Task = run.Benchmark
		s.set(&r, "seconds", e.Seconds)
		s.set(&r, "epochs", e.Epochs)
		for name, q := range e.Qualities {
			s.set(&r, name, q)
		}
		if len(e.Qualities) == 0 {
			s.set(&r, "eval", e.Quality)
		}
		records = append(records, r)
	}
	if len(records) == 0 {
		return nil, s.errorf(": no evaluations: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// ReadMLPerfLog reads a result file of MLPerf, gzipped or not: the events of its lines with ":::MLLOG", between which
// anything may stand. A run has converged if it stops with status "success". Of several runs in one file the last
// counts. Evaluations between init_start and run_start are of the weights that the run starts from, and passed over.
// The error names the line, and wraps [tensor.ErrEmpty] if no run starts, [tensor.ErrShape] for an event without what
// it must have, or [tensor.ErrRange] for one before the start.
func ReadMLPerfLog(r io.Reader) (MLPerfRun, error) {
	l, err := openLines("MLPerf log", r)
	if err != nil {
		return MLPerfRun{}, err
	}
	run := MLPerfRun{Epochs: math.Inf(1), Seconds: math.Inf(1)}
	start, started, begun := 0.0, false, false
	for {
		line, err := l.line()
		if err == io.EOF {
			break
		}
		if err != nil {
			return MLPerfRun{}, err
		}
		_, event, ok := bytes.Cut(line, []byte(":::MLLOG"))
		if !ok {
			continue
		}
		var e mlperfEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return MLPerfRun{}, l.errorf("%w", err)
		}
		switch e.Key {
		case "submission_benchmark":
			err = e.value(l, &run.Benchmark)
		case "global_batch_size":
			err = e.value(l, &run.BatchSize)
		case "init_start":
			begun = true
		case "run_start":
			begun = false
			start, started = e.Time, true
			run.Epochs, run.Seconds, run.Evaluations = math.Inf(1), math.Inf(1), nil
		case "eval_accuracy", "eval_error":
			if begun { // of the weights that the run starts from
				continue
			}
			var evaluation MLPerfEvaluation
			if evaluation, err = e.evaluation(l, start, started); err == nil {
				run.Evaluations = append(run.Evaluations, evaluation)
			}
		case "run_stop":
			if e.Metadata.Status != "success" {
				continue
			}
			if len(run.Evaluations) == 0 || e.Time < start {
				return MLPerfRun{}, l.errorf("the run stops with success after %d evaluations and %v ms: %w", len(run.Evaluations),
					e.Time-start, tensor.ErrShape)
			}
			run.Epochs, run.Seconds = run.Evaluations[len(run.Evaluations)-1].Epochs, (e.Time-start)/1000
		}
		if err != nil {
			return MLPerfRun{}, err
		}
	}
	if !started {
		return MLPerfRun{}, fmt.Errorf("importers: MLPerf log: no run_start in %d lines: %w", l.number-1, tensor.ErrEmpty)
	}
	return run, nil
}

// mlperfEvent is what one line tells.
type mlperfEvent struct {
	Time     float64 `json:"time_ms"`
	Key      string
	Value    json.RawMessage
	Metadata struct {
		Epoch   *float64 `json:"epoch_num"`
		Samples *float64 `json:"samples_count"`
		Step    *float64 `json:"step_num"`
		Status  string
	}
}

func (e mlperfEvent) value(l *lines, dst any) error {
	if err := json.Unmarshal(e.Value, dst); err != nil || string(e.Value) == "null" {
		return l.errorf("%s is %s: %w", e.Key, e.Value, tensor.ErrShape)
	}
	return nil
}

func (e mlperfEvent) evaluation(l *lines, start float64, started bool) (MLPerfEvaluation, error) {
	v := MLPerfEvaluation{Seconds: (e.Time - start) / 1000}
	if !started || v.Seconds < 0 {
		return v, l.errorf("%s before run_start: %w", e.Key, tensor.ErrRange)
	}
	switch {
	case e.Metadata.Epoch != nil:
		v.Epochs = *e.Metadata.Epoch
	case e.Metadata.Samples != nil:
		v.Epochs = *e.Metadata.Samples
	case e.Metadata.Step != nil:
		v.Epochs = *e.Metadata.Step
	default:
		return v, l.errorf("%s without epoch_num, samples_count or step_num: %w", e.Key, tensor.ErrShape)
	}
	if bytes.HasPrefix(e.Value, []byte("{")) {
		if err := e.value(l, &v.Qualities); err != nil {
			return v, err
		}
		if len(v.Qualities) == 0 {
			return v, l.errorf("%s has no values: %w", e.Key, tensor.ErrShape)
		}
		v.Quality = math.Inf(1)
		for _, q := range v.Qualities {
			v.Quality = min(v.Quality, q)
		}
		return v, nil
	}
	return v, e.value(l, &v.Quality)
}
