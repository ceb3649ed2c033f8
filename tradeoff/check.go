package tradeoff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
	"github.com/espalier-ml/espalier/tensor"
)

// Severity is how serious a finding is.
type Severity uint8

// The severities.
const (
	Undecided Severity = iota // the records do not say
	Warning                   // the comparison is weaker for it
	Error                     // the claim should not be made so
)

// String is "undecided", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return "undecided"
}

// Finding is a rule that records break, or that they cannot tell about.
type Finding struct {
	ID       string // T01 to T20
	Severity Severity
	Message  string // the rule, and what is missing and where
}

// String is one line.
func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.ID, f.Severity, f.Message) }

// Rule is one line of the checklist.
type Rule struct {
	ID       string
	Name     string
	Severity Severity
	Text     string
	check    func(s *study, fail, unknown func(format string, args ...any))
}

// Rules returns the checklist: what the surveys of efficient training and of pruning (after Bartoldson et al. 2023;
// Blalock et al. 2020) and the rules of AlgoPerf and MLPerf ask of comparisons, as far as a program can tell from
// records.
func Rules() []Rule {
	rules := slices.Concat(recordRules, designRules, claimRules)
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}

// Check holds records, claims among them, against the rules of the given IDs, or all of them, and returns in their
// order what is broken and what the records do not tell, each with the places at fault. The error wraps
// [tensor.ErrRange] for an ID that does not exist and [tensor.ErrEmpty] without evaluations.
func Check(records []Record, ids ...string) ([]Finding, error) {
	rules := Rules()
	for _, id := range ids {
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == id }) {
			return nil, fmt.Errorf("tradeoff: Check: no rule %q, want T01 to T20: %w", id, tensor.ErrRange)
		}
	}
	s := newStudy(records)
	if len(s.order) == 0 {
		return nil, fmt.Errorf("tradeoff: Check: no evaluations among %d records: %w", len(records), tensor.ErrEmpty)
	}
	var findings []Finding
	for _, r := range rules {
		if len(ids) > 0 && !slices.Contains(ids, r.ID) {
			continue
		}
		var broken, unknown checklist.Faults
		r.check(s, broken.Add, unknown.Add)
		switch {
		case len(broken) > 0:
			findings = append(findings, Finding{r.ID, r.Severity, r.Text + ": " + broken.String()})
		case len(unknown) > 0:
			findings = append(findings, Finding{r.ID, Undecided, r.Text + ": " + unknown.String()})
		}
	}
	return findings, nil
}

// study is records sorted for the rules.
type study struct {
	records  []Record
	runs     map[string]*loggedRun
	order    []string
	settings []setting
	envs     map[string]*Env
	claims   []*Claim
	phases   []Record
}

// setting is a task and a model with the runs of each method.
type setting struct {
	task, model string
	methods     map[string][]*loggedRun
}

func (s setting) String() string { return cmp.Or(s.task, "?") + "/" + cmp.Or(s.model, "?") }

// names is the methods, the baseline first.
func (s setting) names() []string { return slices.Sorted(maps.Keys(s.methods)) }

func newStudy(records []Record) *study {
	s := &study{records: records, envs: map[string]*Env{}}
	s.runs, s.order = logged(records)
	for _, r := range records {
		switch {
		case r.Kind == "env" && r.Env != nil:
			s.envs[cmp.Or(r.EnvID, r.Env.ID())] = r.Env
		case r.Kind == "claim" && r.Claim != nil:
			s.claims = append(s.claims, r.Claim)
		case r.Kind == "phase":
			s.phases = append(s.phases, r)
		}
	}
	for _, id := range s.order {
		r := s.runs[id]
		at := slices.IndexFunc(s.settings, func(t setting) bool { return t.task == r.Task && t.model == r.Model })
		if at < 0 {
			s.settings = append(s.settings, setting{r.Task, r.Model, map[string][]*loggedRun{}})
			at = len(s.settings) - 1
		}
		name := methodName(r.Method)
		s.settings[at].methods[name] = append(s.settings[at].methods[name], r)
	}
	return s
}

// arms calls f for every method of every setting.
func (s *study) arms(f func(at setting, method string, runs []*loggedRun)) {
	for _, at := range s.settings {
		for _, name := range at.names() {
			f(at, name, at.methods[name])
		}
	}
}

// label names an arm.
func label(at setting, method string) string {
	return fmt.Sprintf("%v %s", at, cmp.Or(method, "baseline"))
}

// costs is the names of the costs that all evaluations of a run have.
func (r *loggedRun) costs() []string {
	counts := map[string]int{}
	for _, e := range r.evals {
		for name := range e.Cost {
			counts[name]++
		}
		if e.Step > 0 {
			counts["step"]++
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] == len(r.evals) {
			all = append(all, name)
		}
	}
	return all
}

// wallClock is the costs that count the time of a clock.
var wallClock = []string{"seconds", "train_seconds"}

func isWallClock(name string) bool { return slices.Contains(wallClock, name) }

// hardwareFree is the costs that do not depend on the machine.
var hardwareFree = []string{"step", "steps", "flops", "macs", "samples", "tokens", "params", "epochs"}
