// Package checklist holds studies against rules: the rules are a table, and what they find is a list.
package checklist

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Severity is how serious a finding is.
type Severity uint8

// The severities.
const (
	Undecided Severity = iota // what was handed in does not say
	Warning                   // the comparison is weaker for it
	Error                     // the claim should not be made so
)

var severities = enum.Of[Severity]("severity", "undecided", "warning", "error")

// String is "undecided", "warning" or "error".
func (s Severity) String() string { return severities.String(s) }

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return severities.Marshal(s) }

// UnmarshalText reads a name.
func (s *Severity) UnmarshalText(text []byte) error { return severities.Unmarshal(s, text) }

// Finding is a rule that a study breaks, or that it does not tell enough to decide.
type Finding struct {
	ID       string   `json:"id"`       // of the rule
	Severity Severity `json:"severity"` // that of the rule, or Undecided
	Message  string   `json:"message"`  // the rule, and what is missing and where
}

// String is one line.
func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.ID, f.Severity, f.Message) }

// Rule is one line of a checklist.
type Rule struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"` // of a finding that the rule is broken
	Text     string   `json:"text"`     // what it asks for
}

// Table is a checklist for studies of type S, in the order of its findings.
type Table[S any] []Line[S]

// Line is a rule with the function that holds a study against it.
type Line[S any] struct {
	ID       string
	Name     string
	Severity Severity
	Text     string
	Body     func(S, *Places)
}

// Rules lists the rules.
func (t Table[S]) Rules() []Rule {
	rules := make([]Rule, len(t))
	for i, l := range t {
		rules[i] = Rule{l.ID, l.Name, l.Severity, l.Text}
	}
	return rules
}

// Review holds a study against the rules of the given IDs, or all of them. The error wraps [tensor.ErrRange] for an ID
// that no rule has.
func (t Table[S]) Review(study S, ids ...string) ([]Finding, error) {
	for _, id := range ids {
		if !slices.ContainsFunc(t, func(l Line[S]) bool { return l.ID == id }) {
			return nil, fmt.Errorf("no rule %q, want %s to %s: %w", id, t[0].ID, t[len(t)-1].ID, tensor.ErrRange)
		}
	}
	var findings []Finding
	for _, l := range t {
		if len(ids) > 0 && !slices.Contains(ids, l.ID) {
			continue
		}
		var p Places
		l.Body(study, &p)
		switch {
		case len(p.broken) > 0:
			findings = append(findings, Finding{l.ID, l.Severity, l.Text + ": " + p.broken.String()})
		case len(p.unknown) > 0:
			findings = append(findings, Finding{l.ID, Undecided, l.Text + ": " + p.unknown.String()})
		}
	}
	return findings, nil
}

// Places collects where a rule is broken and where that cannot be told.
type Places struct {
	broken, unknown Faults
}

// Fail notes a place where the rule is broken.
func (p *Places) Fail(format string, args ...any) { p.broken.Add(format, args...) }

// Unknown notes a place where it cannot be told. It counts only where nothing is broken.
func (p *Places) Unknown(format string, args ...any) { p.unknown.Add(format, args...) }
