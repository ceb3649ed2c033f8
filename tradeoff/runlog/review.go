package runlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
	"github.com/espalier-ml/espalier/tensor"
)

// Rule is one line of the checklist: ID (T01 to T23), Name, Severity of a finding that it is broken, and Text, what it
// asks for.
type Rule = checklist.Rule

// Finding is a rule that records break, or that they cannot tell about: ID of the rule, Severity, and Message, the rule
// and what is missing and where. String is one line.
type Finding = checklist.Finding

// Severity is how serious a finding is: [Undecided], [Warning] or [Error].
type Severity = checklist.Severity

// The severities.
const (
	Undecided = checklist.Undecided // the records do not say
	Warning   = checklist.Warning   // the comparison is weaker for it
	Error     = checklist.Error     // the claim should not be made so
)

// rules is the checklist: what the surveys of efficient training and of pruning (after Bartoldson et al. 2023; Blalock
// et al. 2020) and the rules of AlgoPerf and MLPerf ask of comparisons, as far as a program can tell from records.
var rules = checklist.Table[*study]{
	{ID: "T01", Name: "cost metric", Severity: Warning, Body: costMetric,
		Text: "the time of a clock and a cost that does not depend on the machine, for every evaluation"},
	{ID: "T02", Name: "proxies", Severity: Error, Body: claims(proxies),
		Text: `a speedup is one of the clock; by FLOPs, steps or parameters it is a "theoretical speedup" or a ` +
			`"compression ratio"`},
	{ID: "T03", Name: "operating points", Severity: Warning, Body: operatingPoints,
		Text: "5 points or more on every curve, over a factor of 4 in cost or more"},
	{ID: "T04", Name: "seeds", Severity: Warning, Body: enoughSeeds,
		Text: "3 runs or more of every arm, 10 for bootstrap intervals of one task and 6 for an interval of a median"},
	{ID: "T05", Name: "spread", Severity: Warning, Body: claims(spread),
		Text: "every figure with an interval or a standard deviation, and which of them it is"},
	{ID: "T06", Name: "same environment", Severity: Error, Body: sameEnvironment,
		Text: "the same machine, Go, settings, modules and data for all arms of a setting"},
	{ID: "T07", Name: "baseline", Severity: Error, Body: baselines,
		Text: "the unmodified model in every task and model"},
	{ID: "T08", Name: "matched schedules", Severity: Warning, Body: matchedSchedules,
		Text: "a learning rate that decays to the end of each budget, except for cyclic runs"},
	{ID: "T09", Name: "tuning budget", Severity: Error, Body: tuningBudget,
		Text: "as many tuning trials for all arms, and not on the test data"},
	{ID: "T10", Name: "matched quality", Severity: Warning, Body: claims(matchedQuality),
		Text: "speedups at a quality fixed before, with a test that the method is not worse by more than a margin"},
	{ID: "T11", Name: "sensitivity to the target", Severity: Warning, Body: claims(targetSensitivity),
		Text: "speedups at 3 targets or more, or the average over the common range"},
	{ID: "T12", Name: "coverage", Severity: Warning, Body: coverage,
		Text: "3 pairs of data and model or more, and not MNIST alone"},
	{ID: "T13", Name: "no extrapolation", Severity: Error, Body: claims(noExtrapolation),
		Text: "nothing outside what was measured, and runs that did not reach a target counted as censored"},
	{ID: "T14", Name: "warm-up", Severity: Warning, Body: warmup,
		Text: "the first steps left out of timings, and loading and compiling reported apart"},
	{ID: "T15", Name: "confounders", Severity: Warning, Body: confounders,
		Text: "nothing but the method differs between arms"},
	{ID: "T16", Name: "order of runs", Severity: Warning, Body: orderOfRuns,
		Text: "arms interleaved in time, and the load of the machine recorded"},
	{ID: "T17", Name: "several tests", Severity: Warning, Body: claims(severalTests),
		Text: "Holm's or Hochberg's correction for several comparisons"},
	{ID: "T18", Name: "dominance", Severity: Warning, Body: claims(dominance),
		Text: "dominated, ambiguous or on the frontier at a level of error, and not by point estimates"},
	{ID: "T19", Name: "composition", Severity: Warning, Body: claims(composition),
		Text: "a new method also on top of a strong recipe"},
	{ID: "T20", Name: "artefacts", Severity: Warning, Body: artefacts,
		Text: "revision of the code and records published; of pruning, random and magnitude controls"},
	{ID: "T21", Name: "clocks", Severity: Error, Body: clocks,
		Text: "costs that count from the start of a run: none that falls, and not the same in all runs"},
	{ID: "T22", Name: "one run, one name", Severity: Error, Body: oneName,
		Text: "one value of each quality at each step of a run"},
	{ID: "T23", Name: "failed runs", Severity: Warning, Body: failedRuns,
		Text: "no run whose quality became NaN or infinite, or their number said"},
}

// Rules returns the checklist, in the order of the IDs.
func Rules() []Rule { return rules.Rules() }

// Review is [Log.Review] of records.
func Review(records []Record, ids ...string) ([]Finding, error) {
	l, err := NewLog(records...)
	if err != nil {
		return nil, err
	}
	return l.Review(ids...)
}

// Review holds the runs and claims of a log against the rules of the given IDs, or all of them, and returns in their
// order what is broken and what the records do not tell, each with the places at fault. The error wraps
// [tensor.ErrRange] for an ID that does not exist and [tensor.ErrEmpty] without evaluations.
func (l *Log) Review(ids ...string) ([]Finding, error) {
	s := newStudy(l)
	if len(s.runs) == 0 {
		return nil, fmt.Errorf("runlog: Review: no evaluations among %d records: %w", l.records, tensor.ErrEmpty)
	}
	findings, err := rules.Review(s, ids...)
	if err != nil {
		return nil, fmt.Errorf("runlog: Review: %w", err)
	}
	return findings, nil
}

// study is records sorted for the rules.
type study struct {
	log      *Log
	runs     []*loggedRun
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

func newStudy(l *Log) *study {
	s := &study{log: l, runs: l.evaluated(), envs: l.envs, claims: l.claims, phases: l.phases}
	for _, r := range s.runs {
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

// complete is the names of the costs that all evaluations of a run have.
func (r *loggedRun) complete() []string {
	var all []string
	for _, name := range append(r.costs.names(), "step") {
		if _, has := r.at(name); !slices.Contains(has, false) {
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
