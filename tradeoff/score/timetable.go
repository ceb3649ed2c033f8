package score

import (
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// TimeTable is the times to target of submissions on workloads, each measured in some studies. It is immutable.
type TimeTable struct {
	submissions []string
	workloads   []Workload
	studies     [][][]float64 // [submission][workload][study]
	variantOf   []int         // the workload's base, -1 for a base
}

// Workload is a task of a benchmark: what to reach on which model and data.
type Workload struct {
	Name      string             `json:"name"`
	Target    float64            `json:"target"`
	Direction tradeoff.Direction `json:"direction"`
	// the workload that this one guards against tuning to; "" for a base workload
	VariantOf string `json:"variant_of,omitempty"`
}

// Trial is the evaluations of one training run.
type Trial struct {
	Submission, Workload, Study, Name string
	// of each evaluation in their order; a NaN value is an evaluation that did not happen
	Time, Value []float64
	Index       []int // numbers of the evaluations where some were left out; nil: 0, 1, ...
}

// NewTimeTable makes a table of studies[s][w], the times that submission s took on workload w: +Inf for a study that
// did not reach the target, and none at all for a workload that was not run. The error wraps [tensor.ErrShape],
// [tensor.ErrEmpty], [tensor.ErrConflict] for a name that is there twice, or [tradeoff.ErrNonPositive] and
// [tensor.ErrNotFinite] for a time that is not above 0.
func NewTimeTable(submissions []string, workloads []Workload, studies [][][]float64) (TimeTable, error) {
	c := call("NewTimeTable")
	t := TimeTable{submissions: slices.Clone(submissions), workloads: slices.Clone(workloads)}
	if len(submissions) == 0 || len(workloads) == 0 {
		return TimeTable{}, c.errorf("%d submissions and %d workloads: %w", len(submissions), len(workloads), tensor.ErrEmpty)
	}
	if len(studies) != len(submissions) {
		return TimeTable{}, c.errorf("%d submissions and studies of %d: %w", len(submissions), len(studies), tensor.ErrShape)
	}
	for s, row := range studies {
		if slices.Contains(submissions[:s], submissions[s]) {
			return TimeTable{}, c.errorf("submission %q is there twice: %w", submissions[s], tensor.ErrConflict)
		}
		if len(row) != len(workloads) {
			return TimeTable{}, c.errorf("submission %q has studies of %d workloads, want %d: %w", submissions[s], len(row),
				len(workloads), tensor.ErrShape)
		}
		var times [][]float64
		for w, x := range row {
			for i, v := range x {
				switch {
				case v != v:
					return TimeTable{}, c.errorf("submission %q, workload %q, study %d: time %v; a target that was not reached is "+
						"+Inf: %w", submissions[s], workloads[w].Name, i, v, tensor.ErrNotFinite)
				case v <= 0:
					return TimeTable{}, c.errorf("submission %q, workload %q, study %d: time %v: %w", submissions[s],
						workloads[w].Name, i, v, tradeoff.ErrNonPositive)
				}
			}
			times = append(times, slices.Clone(x))
		}
		t.studies = append(t.studies, times)
	}
	names := map[string]int{}
	for w, load := range workloads {
		if _, twice := names[load.Name]; twice {
			return TimeTable{}, c.errorf("workload %q is there twice: %w", load.Name, tensor.ErrConflict)
		}
		names[load.Name] = w
	}
	bases := 0
	for _, load := range workloads {
		base := -1
		if load.VariantOf != "" {
			var ok bool
			if base, ok = names[load.VariantOf]; !ok || workloads[base].VariantOf != "" {
				return TimeTable{}, c.errorf("workload %q is a variant of %q, which is no base workload: %w", load.Name,
					load.VariantOf, tensor.ErrRange)
			}
		} else {
			bases++
		}
		t.variantOf = append(t.variantOf, base)
	}
	if bases == 0 {
		return TimeTable{}, c.errorf("all %d workloads are variants: %w", len(workloads), tensor.ErrEmpty)
	}
	return t, nil
}

// NewTrialTable makes a table of trials. The time of a study is that of one of its trials, as AlgoPerf has it: the
// trial that reaches the target at the evaluation with the smallest number, or, with [ByTime], the one that reaches it
// in the least time. Submissions are in the order in which trials name them. Trials of other workloads are an error
// that wraps [tensor.ErrRange].
func NewTrialTable(trials []Trial, workloads []Workload, opts ...TrialOption) (TimeTable, error) {
	c := trialConfig{call: "NewTrialTable"}
	if err := option.Apply("score: NewTrialTable", &c, opts); err != nil {
		return TimeTable{}, err
	}
	at := map[string]int{}
	for w, load := range workloads {
		switch {
		case load.Target-load.Target != 0:
			return TimeTable{}, c.errorf("the target of workload %q is %v: %w", load.Name, load.Target, tensor.ErrNotFinite)
		case load.Direction > tradeoff.LowerBetter:
			return TimeTable{}, c.errorf("the direction of workload %q is %v: %w", load.Name, load.Direction, tensor.ErrRange)
		}
		at[load.Name] = w
	}
	type cell struct {
		submission string
		workload   int
		study      string
	}
	type hit struct {
		index int
		time  float64
	}
	best := map[cell]hit{}
	var submissions []string
	var cells []cell
	seen := map[string]bool{}
	for i, r := range trials {
		w, ok := at[r.Workload]
		switch {
		case !ok:
			return TimeTable{}, c.errorf("trial %d is of workload %q, which is not in the table: %w", i, r.Workload,
				tensor.ErrRange)
		case len(r.Time) != len(r.Value) || r.Index != nil && len(r.Index) != len(r.Time):
			return TimeTable{}, c.errorf("trial %d (%s, %s) has %d times, %d values and %d indices: %w", i, r.Submission,
				r.Workload, len(r.Time), len(r.Value), len(r.Index), tensor.ErrShape)
		}
		if !seen[r.Submission] {
			seen[r.Submission] = true
			submissions = append(submissions, r.Submission)
		}
		key := cell{r.Submission, w, r.Study}
		old, ok := best[key]
		if !ok {
			old = hit{math.MaxInt, math.Inf(1)}
			cells = append(cells, key)
		}
		h := hit{math.MaxInt, math.Inf(1)}
		for j, v := range r.Value {
			if workloads[w].Direction.Reaches(v, workloads[w].Target) {
				h = hit{j, r.Time[j]}
				if r.Index != nil {
					h.index = r.Index[j]
				}
				break
			}
		}
		if c.byTime && h.time < old.time || !c.byTime && h.index < old.index {
			old = h
		}
		best[key] = old
	}
	studies := make([][][]float64, len(submissions))
	for s := range studies {
		studies[s] = make([][]float64, len(workloads))
	}
	for _, key := range cells {
		s := slices.Index(submissions, key.submission)
		studies[s][key.workload] = append(studies[s][key.workload], best[key].time)
	}
	return NewTimeTable(submissions, workloads, studies)
}

// TrialOption is a choice of [NewTrialTable].
type TrialOption func(*trialConfig) error

type trialConfig struct {
	call
	byTime bool
}

// ByTime has [NewTrialTable] take the trial that reaches the target in the least time. The reference compares numbers
// of evaluations, which may be further apart in one trial than in another.
func ByTime() TrialOption {
	return func(c *trialConfig) error {
		c.byTime = true
		return nil
	}
}

// Submissions returns the names of the submissions.
func (t TimeTable) Submissions() []string { return slices.Clone(t.submissions) }

// Workloads returns the workloads.
func (t TimeTable) Workloads() []Workload { return slices.Clone(t.workloads) }

// Times is the median over studies for each submission and workload: +Inf if half of them or more did not reach the
// target, NaN if there are none.
func (t TimeTable) Times() [][]float64 {
	times := make([][]float64, len(t.submissions))
	for s, row := range t.studies {
		for _, studies := range row {
			times[s] = append(times[s], median(slices.Clone(studies)))
		}
	}
	return times
}

// check refuses the zero value.
func (t TimeTable) check(c call) error {
	if len(t.submissions) == 0 {
		return c.errorf("the table has no submissions: %w", tensor.ErrEmpty)
	}
	return nil
}
