package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Schema is the version of the records that this package writes and reads.
const Schema = "tradeoff.record/v1"

// Record is one line of a log: a run begins or ends, an evaluation, the time of a phase, the environment, or what is
// claimed. Only Kind is needed for all; fields that this package does not know are kept in Extra.
type Record struct {
	Schema string `json:"schema"`
	Kind   string `json:"kind"` // "run", "eval", "phase", "env" or "claim"

	RunID string `json:"run_id,omitempty"`
	// what was changed against the baseline; nothing for the baseline itself
	Method        []string `json:"method,omitempty"`
	Task          string   `json:"task,omitempty"`
	Model         string   `json:"model,omitempty"`
	Dataset       string   `json:"dataset,omitempty"`
	DatasetSHA256 string   `json:"dataset_sha256,omitempty"`
	Seed          uint64   `json:"seed,omitempty"`
	Study         string   `json:"study,omitempty"`
	Trial         string   `json:"trial,omitempty"`
	// settings of hyper-parameters that were tried for this arm
	TuningTrials int            `json:"tuning_trials,omitempty"`
	TunedOn      string         `json:"tuned_on,omitempty"` // the data they were chosen on, such as "validation"
	Budget       *Budget        `json:"budget,omitempty"`   // the length that the run was planned for
	Schedule     string         `json:"schedule,omitempty"` // of the learning rate: "decayed", "cyclic" or "constant"
	Config       map[string]any `json:"config,omitempty"`   // everything else that was set

	Step  int    `json:"step,omitempty"`
	Phase string `json:"phase,omitempty"` // for kind phase: "warmup", "compile", "forward", ...
	// so far: seconds, train_seconds, flops, samples, usd, joules, ...
	Cost map[string]float64 `json:"cost,omitempty"`
	// on data not trained on: accuracy, loss, ...; NaN or infinite, and null in JSON, where the run has failed
	Quality   map[string]float64 `json:"quality,omitempty"`
	Direction map[string]string  `json:"direction,omitempty"` // of each quality: "higher" or "lower"
	Target    map[string]float64 `json:"target,omitempty"`    // of a quality, fixed before the runs

	EnvID string    `json:"env_id,omitempty"`
	Env   *Env      `json:"env,omitempty"`   // for kind env
	Claim *Claim    `json:"claim,omitempty"` // for kind claim
	Time  time.Time `json:"time,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Budget is a planned length.
type Budget struct {
	Unit  string  `json:"unit"` // "steps", "epochs", "tokens", "seconds"
	Value float64 `json:"value"`
}

// Claim is what a report says of a method, for [Review] to hold against the records.
type Claim struct {
	Kind        string    `json:"kind"` // "speedup", "theoretical speedup", "compression ratio", "frontier", "quality"
	Method      string    `json:"method,omitempty"`
	Cost        string    `json:"cost,omitempty"`         // the key of the costs compared
	Quality     string    `json:"quality,omitempty"`      // the key of the qualities compared
	Targets     []float64 `json:"targets,omitempty"`      // qualities compared at, fixed before the runs
	Average     bool      `json:"average,omitempty"`      // over the common range too
	Margin      *float64  `json:"margin,omitempty"`       // of the test of non-inferiority
	Interval    string    `json:"interval,omitempty"`     // what the spread given is: "t", "sd", ...
	Level       float64   `json:"level,omitempty"`        // of intervals and verdicts
	Runs        int       `json:"runs,omitempty"`         // per arm, that the claim rests on
	Comparisons int       `json:"comparisons,omitempty"`  // that were made; 0 is one for each claim
	Adjustment  string    `json:"adjustment,omitempty"`   // for several comparisons: "holm", "hochberg"
	OnTopOf     []string  `json:"on_top_of,omitempty"`    // strong recipes that the method was added to as well
	Code        string    `json:"code,omitempty"`         // where the code is published, with revision
	Data        string    `json:"data,omitempty"`         // where the records are published
	WarmupSteps int       `json:"warmup_steps,omitempty"` // left out of timings
}

// bareRecord is a record without methods; its maps of numbers have theirs.
type bareRecord Record

type wireRecord struct {
	*bareRecord
	Cost    numbers `json:"cost,omitempty"`
	Quality numbers `json:"quality,omitempty"`
}

// clone is a copy with maps of its own.
func (r *Record) clone() Record {
	c := *r
	c.Cost, c.Quality = maps.Clone(r.Cost), maps.Clone(r.Quality)
	if len(c.Cost) == 0 {
		c.Cost = nil
	}
	return c
}

// known is the names of the fields of records.
var known = func() map[string]bool {
	names := map[string]bool{}
	for f := range reflect.TypeFor[bareRecord]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}()

// MarshalJSON writes the fields and Extra.
func (r Record) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(wireRecord{(*bareRecord)(&r), r.Cost, r.Quality})
	if err != nil || len(r.Extra) == 0 {
		return b, err
	}
	extra := maps.Clone(r.Extra)
	maps.DeleteFunc(extra, func(name string, _ json.RawMessage) bool { return known[name] })
	more, err := json.Marshal(extra)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	return slices.Concat(b[:len(b)-1], []byte(","), more[1:]), nil
}

// UnmarshalJSON reads a record and keeps the fields that it does not know.
func (r *Record) UnmarshalJSON(b []byte) error {
	var bare bareRecord
	wire := wireRecord{bareRecord: &bare}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	bare.Cost, bare.Quality = wire.Cost, wire.Quality
	maps.DeleteFunc(bare.Cost, func(_ string, v float64) bool { return v != v }) // null is none, and never 0
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return known[name] })
	*r = Record(bare)
	if len(all) > 0 {
		r.Extra = all
	}
	return nil
}

var kinds = []string{"run", "eval", "phase", "env", "claim"}

// Validate reports what is wrong with a record, all of it: an unknown schema or kind, an evaluation without a run or a
// quality, a cost that is negative or not finite, a negative step, a direction other than "higher" and "lower". Errors
// wrap [tensor.ErrRange], [tensor.ErrEmpty] or [tensor.ErrNotFinite].
func (r Record) Validate() error {
	var faults []error
	fail := func(sentinel error, format string, args ...any) {
		faults = append(faults, fmt.Errorf(format+": %w", append(args, sentinel)...))
	}
	if r.Schema != Schema {
		fail(tensor.ErrRange, "schema is %q, want %q", r.Schema, Schema)
	}
	if !slices.Contains(kinds, r.Kind) {
		fail(tensor.ErrRange, "kind is %q, want one of %q", r.Kind, kinds)
	}
	if r.Kind == "eval" || r.Kind == "run" {
		if r.RunID == "" {
			fail(tensor.ErrEmpty, "%s without a run_id", r.Kind)
		}
	}
	if r.Kind == "eval" && len(r.Quality) == 0 {
		fail(tensor.ErrEmpty, "eval of %q without a quality", r.RunID)
	}
	if r.Step < 0 {
		fail(tensor.ErrRange, "step is %d", r.Step)
	}
	if r.Kind == "env" && r.Env == nil || r.Kind == "claim" && r.Claim == nil {
		fail(tensor.ErrEmpty, "%s without one", r.Kind)
	}
	for name, v := range r.Cost {
		if v-v != 0 {
			fail(tensor.ErrNotFinite, "cost %q is %v", name, v)
		} else if v < 0 {
			fail(tensor.ErrRange, "cost %q is %v", name, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Direction)) {
		if _, err := tradeoff.ParseDirection(r.Direction[name]); err != nil {
			fail(tensor.ErrRange, "direction of %q is %q, want \"higher\" or \"lower\"", name, r.Direction[name])
		}
	}
	if r.Budget != nil && !(r.Budget.Value > 0 && !math.IsInf(r.Budget.Value, 1)) {
		fail(tensor.ErrRange, "budget is %v %s", r.Budget.Value, r.Budget.Unit)
	}
	return errors.Join(faults...)
}
