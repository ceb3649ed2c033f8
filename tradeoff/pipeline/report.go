package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// Trace is the times of a training loop, however they were measured.
type Trace struct {
	Steps  []Step
	Stages []Stage
	// Flops and Bytes are the floating-point operations of a step and what it moves, 0 if they are not known.
	Flops, Bytes float64

	overlaps int // spans that others overlapped
	open     int // spans that never ended
}

// Report is where the time of a training loop went, and what that means.
type Report struct {
	Verdict  Bottleneck `json:"verdict"`
	Severity Severity   `json:"severity"`
	Score    float64    `json:"-"`         // share of the time that the verdict is about; NaN if there is none
	Evidence string     `json:"evidence"`  // of the verdict, in a sentence
	Pattern  Pattern    `json:"pattern"`   // how the time of the verdict's phase lies in the steps
	Steps    int        `json:"steps"`     // that were looked at
	Seconds  float64    `json:"seconds"`   // of all of them, evaluations and checkpoints included
	Times    Quantiles  `json:"step_time"` // of a step, without evaluations and checkpoints
	// StepsPerSecond and SamplesPerSecond are those of training, evaluations and checkpoints left out; 0 if nothing or no
	// samples were counted.
	StepsPerSecond   float64      `json:"steps_per_second"`
	SamplesPerSecond float64      `json:"samples_per_second,omitempty"`
	Phases           []PhaseTime  `json:"phases"` // that were measured
	Residual         PhaseTime    `json:"residual"`
	Unmeasured       []Phase      `json:"unmeasured,omitempty"` // which is not the same as taking no time
	Stalls           []Stall      `json:"stalls,omitempty"`
	WhatIf           []Prediction `json:"what_if,omitempty"`
	Stages           []StageTime  `json:"stages,omitempty"`
	Limiting         string       `json:"limiting_stage,omitempty"` // of stages and consumer, the slowest
	// Consumer is the batches a second that the loop could take if it never waited; 0 without stages.
	Consumer float64   `json:"consumer,omitempty"`
	Roofline *Roofline `json:"roofline,omitempty"`
	Memory   *Memory   `json:"memory,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
}

// PhaseTime is the time of a phase.
type PhaseTime struct {
	Name        string    `json:"name"`
	Share       float64   `json:"share"`        // of all time
	MedianShare float64   `json:"median_share"` // of the time of a step, median over steps
	Times       Quantiles `json:"times"`        // in a step
}

// Quantiles are of seconds.
type Quantiles struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// StageTime is a stage with what it could deliver.
type StageTime struct {
	Stage
	Capacity float64 `json:"capacity"` // batches a second, with the other stages of its pool
}

// Severity is how much a verdict matters.
type Severity uint8

// The severities.
const (
	OK       Severity = iota // nothing stands out
	Info                     // what a loop should spend its time with
	Warning                  // a tenth of the time or more, or too few steps to be sure
	Critical                 // a fifth of the time or more
)

var severities = enum.Of[Severity]("severity", "ok", "info", "warning", "critical")

// String is the severity's name.
func (s Severity) String() string { return severities.String(s) }

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return severities.Marshal(s) }

// UnmarshalText reads a name.
func (s *Severity) UnmarshalText(text []byte) error { return severities.Unmarshal(s, text) }

// Pattern is how the time of a phase lies in the steps.
type Pattern uint8

// The patterns.
const (
	NoPattern    Pattern = iota
	Steady               // most steps have it
	Intermittent         // few steps have most of it
)

var patterns = enum.Of[Pattern]("pattern", "none", "steady", "intermittent")

// String is the pattern's name.
func (p Pattern) String() string { return patterns.String(p) }

// MarshalText writes the name.
func (p Pattern) MarshalText() ([]byte, error) { return patterns.Marshal(p) }

// UnmarshalText reads a name.
func (p *Pattern) UnmarshalText(text []byte) error { return patterns.Unmarshal(p, text) }

// plain is a Report without its methods.
type plain Report

type reportJSON struct {
	plain
	Score report.Number `json:"score"`
}

// MarshalJSON writes a score that there is none of as null.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(reportJSON{plain(r), report.Number(r.Score)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Report) UnmarshalJSON(b []byte) error {
	var j reportJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = Report(j.plain)
	r.Score = float64(j.Score)
	return nil
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Judge judges a trace. Options are [WithWarmup] and [WithRoofline].
func Judge(trace Trace, opts ...ReadingOption) (Report, error) {
	c := config{reading: reading{warmup: 10}}
	if err := option.Apply("pipeline: Judge", &c, opts); err != nil {
		return Report{}, err
	}
	return c.judge(trace), nil
}

func (c reading) judge(trace Trace) Report {
	steps := trace.Steps[min(c.warmup, len(trace.Steps)):]
	r := Report{Steps: len(steps), Score: math.NaN(), Verdict: taxonomy.Insufficient, Severity: OK,
		Evidence: "fewer than two steps"}
	if c.warmup > 0 && len(trace.Steps) > 0 && len(steps) < 2 {
		r.note("%d steps, of which %d warm up", len(trace.Steps), c.warmup)
	}
	if trace.overlaps > 0 {
		r.note("%d spans of the loop overlapped others without lying in them: are they of several goroutines? Background "+
			"work is for a stage", trace.overlaps)
	}
	if trace.open > 0 {
		r.note("%d spans never ended and do not count", trace.open)
	}
	if len(steps) < 2 {
		return r
	}
	r.measure(steps)
	r.capacity(trace.Stages, steps, c.warmup, len(trace.Steps))
	r.roofline(c.peaks, trace, steps)
	r.decide()
	r.stalls(steps)
	r.predict()
	return r
}

// measure fills in times and shares.
func (r *Report) measure(steps []Step) {
	var walls, training, residuals []float64
	busy, samples := 0.0, 0
	for i := range steps {
		s := &steps[i]
		r.Seconds += s.Wall
		walls = append(walls, s.Wall)
		training = append(training, s.training())
		busy += s.training()
		residuals = append(residuals, s.residual())
		samples += s.Samples
	}
	r.Times = quantiles(training)
	if busy > 0 {
		r.StepsPerSecond = float64(len(steps)) / busy
		r.SamplesPerSecond = float64(samples) / busy
	}
	for p := range phaseCount {
		times := make([]float64, len(steps))
		measured := false
		for i := range steps {
			times[i] = steps[i].Phases[p]
			measured = measured || times[i] > 0
		}
		if measured {
			r.Phases = append(r.Phases, r.phase(p.String(), times, walls))
		} else {
			r.Unmeasured = append(r.Unmeasured, p)
		}
	}
	r.Residual = r.phase("residual", residuals, walls)
	if r.share(Wait) == 0 {
		r.note("no waiting for batches was measured, so that nothing can be said of the input: wrap the loader with Watch")
	}
}

func (r *Report) phase(name string, times, walls []float64) PhaseTime {
	sum := 0.0
	shares := make([]float64, 0, len(times))
	for i, t := range times {
		sum += t
		if walls[i] > 0 {
			shares = append(shares, t/walls[i])
		}
	}
	p := PhaseTime{Name: name, Times: quantiles(times)}
	if r.Seconds > 0 {
		p.Share = sum / r.Seconds
	}
	if len(shares) > 0 {
		p.MedianShare = quantiles(shares).Median
	}
	return p
}

// quantiles of numbers of which there is at least one.
func quantiles(x []float64) Quantiles {
	q, err := stats.Quantiles(x, 0.5, 0.95, 0.99)
	if err != nil {
		return Quantiles{}
	}
	return Quantiles{q[0], q[1], q[2], slices.Max(x)}
}

// find is a phase that was measured, or nil.
func (r *Report) find(name string) *PhaseTime {
	if name == r.Residual.Name {
		return &r.Residual
	}
	for i := range r.Phases {
		if r.Phases[i].Name == name {
			return &r.Phases[i]
		}
	}
	return nil
}

// share is that of a phase, 0 if it was not measured.
func (r *Report) share(phases ...Phase) float64 {
	sum := 0.0
	for _, p := range phases {
		if t := r.find(p.String()); t != nil {
			sum += t.Share
		}
	}
	return sum
}

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "verdict: %v (%v)\n%s\n", r.Verdict, r.Severity, r.Evidence)
	if r.Steps > 1 {
		fmt.Fprintf(&b, "%d steps in %.4g s; a step takes %.4g ms, 95 %% of them at most %.4g ms, the longest %.4g ms",
			r.Steps, r.Seconds, 1e3*r.Times.Median, 1e3*r.Times.P95, 1e3*r.Times.Max)
		if r.SamplesPerSecond > 0 {
			fmt.Fprintf(&b, "; %.4g samples a second", r.SamplesPerSecond)
		}
		b.WriteString("\n")
	}
	for _, p := range append(slices.Clone(r.Phases), r.Residual) {
		if p.Name == "" {
			continue
		}
		fmt.Fprintf(&b, "  %-12s %5.1f %%  %-25s median %.4g ms, 95 %% %.4g ms\n", p.Name, 100*p.Share,
			strings.Repeat("#", int(math.Round(25*min(p.Share, 1)))), 1e3*p.Times.Median, 1e3*p.Times.P95)
	}
	if len(r.Unmeasured) > 0 {
		fmt.Fprintf(&b, "  not measured: %v\n", r.Unmeasured)
	}
	for _, s := range r.Stalls {
		fmt.Fprintf(&b, "stalls: %v\n", s)
	}
	for _, s := range r.Stages {
		fmt.Fprintf(&b, "stage %s: %.4g batches a second with %d workers\n", s.Name, s.Capacity, s.Workers)
	}
	if r.Limiting != "" {
		fmt.Fprintf(&b, "the loop itself could take %.4g batches a second; the slowest is %s\n", r.Consumer, r.Limiting)
	}
	for _, p := range r.WhatIf {
		fmt.Fprintf(&b, "if %s took half as long: %.3gx; nothing: %.3gx at most\n", p.Name, p.Twice, p.Free)
	}
	if r.Roofline != nil {
		fmt.Fprintf(&b, "%v\n", r.Roofline)
	}
	if r.Memory != nil {
		fmt.Fprintf(&b, "garbage collection %.1f %% of the processor time; %.4g objects and %.4g bytes allocated a step\n",
			100*r.Memory.GCShare, r.Memory.ObjectsPerStep, r.Memory.BytesPerStep)
	}
	for _, a := range r.Advice() {
		fmt.Fprintf(&b, "advice: %v\n", a)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}
