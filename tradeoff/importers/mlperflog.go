package importers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
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
	Epochs  float64 // or samples, for benchmarks that count those
	Quality float64
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

// ReadMLPerfLog reads a result file of MLPerf, gzipped or not: the events of its lines with ":::MLLOG", between which
// anything may stand. A run has converged if it stops with status "success". Of several runs in one file the last
// counts. The error names the line, and wraps [tensor.ErrEmpty] if no run starts, [tensor.ErrShape] for an event
// without what it must have, or [tensor.ErrRange] for one before the start.
func ReadMLPerfLog(r io.Reader) (MLPerfRun, error) {
	l, err := openLines("MLPerf log", r)
	if err != nil {
		return MLPerfRun{}, err
	}
	run := MLPerfRun{Epochs: math.Inf(1), Seconds: math.Inf(1)}
	start, started := 0.0, false
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
		case "run_start":
			start, started = e.Time, true
			run.Epochs, run.Seconds, run.Evaluations = math.Inf(1), math.Inf(1), nil
		case "eval_accuracy", "eval_error":
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
	default:
		return v, l.errorf("%s without epoch_num or samples_count: %w", e.Key, tensor.ErrShape)
	}
	return v, e.value(l, &v.Quality)
}
