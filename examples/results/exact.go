package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Exact is a statement without chance: values that are compared with those that are known, how many agree, and how
// many still do after something was changed that must part them.
type Exact struct {
	Text      string  `json:"statement"`
	Tolerance float64 `json:"tolerance"`
	Least     int     `json:"least"` // how many must agree
	Found     Match   `json:"found"`
	Control   string  `json:"control"` // what was changed
	Changed   Match   `json:"changed"`
	Verdict   Verdict `json:"verdict"`
}

// Match is how many of some values agree, and the greatest difference.
type Match struct {
	Values   int     `json:"values"`
	Agree    int     `json:"agree"`
	Greatest float64 `json:"greatest"`
}

// differ adds a difference. One that is no number is an error: JSON has none for it.
func (m *Match) differ(d, tolerance float64) error {
	if d-d != 0 {
		return fmt.Errorf("value %d differs by %v: %w", m.Values, d, tensor.ErrNotFinite)
	}
	d = math.Abs(d)
	m.Values++
	m.Greatest = max(m.Greatest, d)
	if d <= tolerance {
		m.Agree++
	}
	return nil
}

// matched compares got with want. Differences are absolute below 1 and relative above it.
func matched(got, want []float64, tolerance float64) (Match, error) {
	var m Match
	if len(got) != len(want) {
		return m, fmt.Errorf("%d values, want %d: %w", len(got), len(want), tensor.ErrShape)
	}
	for i, v := range got {
		if err := m.differ((v-want[i])/max(1, math.Abs(want[i])), tolerance); err != nil {
			return m, err
		}
	}
	return m, nil
}

// exact is a statement that all of got are what is wanted. The control, of which change says what was done, compares
// other values.
func exact(text string, tolerance float64, got, want []float64, change string, other, wantOther []float64) (Exact,
	error) {
	e := Exact{Text: text, Tolerance: tolerance, Least: len(want), Control: change}
	var err1, err2 error
	e.Found, err1 = matched(got, want, tolerance)
	e.Changed, err2 = matched(other, wantOther, tolerance)
	if err := errors.Join(err1, err2); err != nil {
		return e, fmt.Errorf("%s: %w", text, err)
	}
	return e, nil
}

// judge fills in the verdict: as many must agree as it takes, and in the control a smaller share.
func (e *Exact) judge() error {
	share := func(m Match) float64 { return float64(m.Agree) / float64(m.Values) }
	switch {
	case e.Found.Values == 0 || e.Changed.Values == 0:
		return fmt.Errorf("%s: %d values, %d in the control: %w", e.Text, e.Found.Values, e.Changed.Values, tensor.ErrEmpty)
	case e.Least < 1 || e.Least > e.Found.Values:
		return fmt.Errorf("%s: %d of %d must agree: %w", e.Text, e.Least, e.Found.Values, tensor.ErrRange)
	case e.Found.Agree < e.Least:
		e.Verdict = NotHeld
	case share(e.Changed) >= float64(e.Least)/float64(e.Found.Values):
		e.Verdict = AsControl
	default:
		e.Verdict = Held
	}
	return nil
}

// exactTable is statements without chance as Markdown, empty without any.
func exactTable(list []Exact) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| | statement | agree | must | greatest difference | tolerance | verdict | control |\n")
	b.WriteString("|--:|---|--:|--:|--:|--:|---|---|\n")
	for i, e := range list {
		fmt.Fprintf(&b, "| %d | %s | %d of %d | %d | %s | %s | **%s** | %s: %d of %d |\n", i+1, e.Text, e.Found.Agree,
			e.Found.Values, e.Least, small(e.Found.Greatest), small(e.Tolerance), e.Verdict, e.Control, e.Changed.Agree,
			e.Changed.Values)
	}
	return b.String()
}

// exactText is the same for the terminal.
func exactText(list []Exact) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%-24s%s\n", e.Verdict, e.Text)
		fmt.Fprintf(&b, "%24s%d of %d agree to %s, want %d; greatest difference %s\n", "", e.Found.Agree, e.Found.Values,
			small(e.Tolerance), e.Least, small(e.Found.Greatest))
		fmt.Fprintf(&b, "%24scontrol, %s: %d of %d\n", "", e.Control, e.Changed.Agree, e.Changed.Values)
	}
	return b.String()
}

// small is a number of any size.
func small(v float64) string {
	if v == 0 || math.Abs(v) >= 0.001 {
		return number(v)
	}
	return fmt.Sprintf("%.0e", v)
}
