package pipeline

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// spanLine is a line of a trace.
type spanLine struct {
	Step    *int     `json:"step"`
	Phase   string   `json:"phase"`
	Start   *float64 `json:"start"`
	End     *float64 `json:"end"`
	Thread  string   `json:"thread"`
	Samples int      `json:"samples"`
	Stage   string   `json:"stage"`
	Workers int      `json:"workers"`
	Pool    string   `json:"pool"`
	Flops   float64  `json:"flops"`
	Bytes   float64  `json:"bytes"`
}

// ReadTrace reads spans that a loop in any language wrote, a JSON object a line:
//
//	{"step": 0, "phase": "wait", "start": 0.00, "end": 0.04, "samples": 32}
//	{"step": 0, "phase": "forward", "start": 0.04, "end": 0.06}
//	{"stage": "load", "workers": 2, "start": 0.00, "end": 0.02}
//
// Times are seconds on one clock. Phases are wait, transfer, forward, backward, optimizer, communicate, eval,
// checkpoint and log; one that lies in another counts for itself. A line with a stage instead of a step is background
// work for one batch. Optional are samples, flops and bytes, which add up over a step; thread, to tell spans of
// several goroutines or processes apart; and pool, the name of the workers that stages share. A span without an end
// never ended. Lines of other keys, such as those of records, are errors.
//
// The error wraps [tensor.ErrRange] and names the line of a span that ends before it begins or of a phase that there is
// none of, [tensor.ErrNotFinite], or is one of JSON; a last line that is cut off is left out.
func ReadTrace(r io.Reader) (Trace, error) {
	var t tracer
	in := bufio.NewReaderSize(r, 1<<16)
	for line := 1; ; line++ {
		text, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return Trace{}, fmt.Errorf("pipeline: ReadTrace: line %d: %w", line, err)
		}
		last := err != nil
		if text = bytes.TrimSpace(text); len(text) > 0 {
			if err := t.add(text); err != nil {
				var syntax *json.SyntaxError
				if last && (errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF)) && line > 1 {
					break
				}
				return Trace{}, fmt.Errorf("pipeline: ReadTrace: line %d: %w", line, err)
			}
		}
		if last {
			break
		}
	}
	return t.trace()
}

// tracer collects spans.
type tracer struct {
	spans  []traced
	stages []Stage
	open   int
	flops  float64
	bytes  float64
}

// traced is a span of the loop.
type traced struct {
	step       int
	phase      Phase
	thread     string
	start, end float64
	samples    int
}

func (t *tracer) add(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var l spanLine
	if err := d.Decode(&l); err != nil {
		return err
	}
	if l.Start == nil {
		return fmt.Errorf("no start: %w", tensor.ErrEmpty)
	}
	if l.End == nil {
		t.open++
		return nil
	}
	start, end := *l.Start, *l.End
	switch {
	case math.IsInf(start, 0) || math.IsInf(end, 0):
		return fmt.Errorf("from %v to %v: %w", start, end, tensor.ErrNotFinite)
	case end < start:
		return fmt.Errorf("the span ends at %v, before it begins at %v: %w", end, start, tensor.ErrRange)
	case l.Samples < 0 || l.Flops < 0 || l.Bytes < 0 || l.Workers < 0:
		return fmt.Errorf("samples %d, flops %v, bytes %v, workers %d: want 0 or more: %w",
			l.Samples, l.Flops, l.Bytes, l.Workers,
			tensor.ErrRange)
	}
	if l.Stage != "" {
		at := slices.IndexFunc(t.stages, func(s Stage) bool { return s.Name == l.Stage })
		if at < 0 {
			t.stages = append(t.stages, Stage{Name: l.Stage, Workers: max(l.Workers, 1), Pool: l.Pool})
			at = len(t.stages) - 1
		}
		t.stages[at].Busy += end - start
		t.stages[at].Batches++
		return nil
	}
	if l.Step == nil {
		return fmt.Errorf("neither a step nor a stage: %w", tensor.ErrEmpty)
	}
	phase, err := phases.Parse(l.Phase)
	if err != nil {
		return err
	}
	t.spans = append(t.spans, traced{*l.Step, phase, l.Thread, start, end, l.Samples})
	t.flops += l.Flops
	t.bytes += l.Bytes
	return nil
}

// trace puts the spans together to steps.
func (t *tracer) trace() (Trace, error) {
	out := Trace{Stages: t.stages, open: t.open}
	if len(t.spans) == 0 {
		return out, nil
	}
	slices.SortStableFunc(t.spans, func(a, b traced) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.thread, b.thread), cmp.Compare(a.start, b.start),
			cmp.Compare(b.end, a.end))
	})
	before := math.Inf(1) // end of the step before; the first begins with its first span
	for _, s := range t.spans {
		before = min(before, s.start)
	}
	for lo := 0; lo < len(t.spans); {
		hi := lo
		var s Step
		last := before
		for ; hi < len(t.spans) && t.spans[hi].step == t.spans[lo].step; hi++ {
			last = max(last, t.spans[hi].end)
			s.Samples += t.spans[hi].samples
		}
		for at := lo; at < hi; {
			to := at
			for ; to < hi && t.spans[to].thread == t.spans[at].thread; to++ {
			}
			out.overlaps += selfTimes(t.spans[at:to], &s)
			at = to
		}
		s.Wall = last - before
		out.Steps = append(out.Steps, s)
		before, lo = last, hi
	}
	n := float64(len(out.Steps))
	out.Flops, out.Bytes = t.flops/n, t.bytes/n
	return out, nil
}

// selfTimes adds the time of each span less that of the spans in it, for spans of one thread by start, and counts those
// that overlap without lying in each other.
func selfTimes(spans []traced, s *Step) (overlaps int) {
	var open []traced
	for _, t := range spans {
		for len(open) > 0 && open[len(open)-1].end <= t.start {
			open = open[:len(open)-1]
		}
		s.Phases[t.phase] += t.end - t.start
		if n := len(open); n > 0 {
			inside := min(t.end, open[n-1].end) - t.start
			if t.end > open[n-1].end {
				overlaps++
			}
			s.Phases[open[n-1].phase] -= inside
		}
		open = append(open, t)
	}
	for p := range s.Phases {
		s.Phases[p] = max(0, s.Phases[p])
	}
	return overlaps
}
