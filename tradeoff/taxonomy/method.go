package taxonomy

import (
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
)

// Method is a method of this module.
type Method struct {
	Name    string `json:"name"`
	Package string `json:"package"` // below the module's path
	Symbol  string `json:"symbol"`  // where to start reading
	Paper   string `json:"paper,omitempty"`
	Cells   []Cell `json:"cells"` // the first is the main one
	Phase   Phase  `json:"phase"`
	Goal    Goal   `json:"goal"`
	// Helps and Hurts are the bottlenecks that it relieves and those that it makes worse.
	Helps []Bottleneck `json:"helps,omitempty"`
	Hurts []Bottleneck `json:"hurts,omitempty"`
	Notes string       `json:"notes"` // what to expect, in a sentence
}

// Phase is when a method acts.
type Phase uint8

// The phases.
const (
	Training  Phase = iota
	Inference       // after training
	Measuring       // it makes measuring cheaper, and not training
)

var phases = enum.Of[Phase]("phase", "training", "inference", "measuring")

// String is the phase's name.
func (p Phase) String() string { return phases.String(p) }

// MarshalText writes the name.
func (p Phase) MarshalText() ([]byte, error) { return phases.Marshal(p) }

// UnmarshalText reads a name.
func (p *Phase) UnmarshalText(text []byte) error { return phases.Unmarshal(p, text) }

// Goal is what a method is for.
type Goal uint8

// The goals.
const (
	Speed Goal = iota
	Quality
)

var goals = enum.Of[Goal]("goal", "speed", "quality")

// String is the goal's name.
func (g Goal) String() string { return goals.String(g) }

// MarshalText writes the name.
func (g Goal) MarshalText() ([]byte, error) { return goals.Marshal(g) }

// UnmarshalText reads a name.
func (g *Goal) UnmarshalText(text []byte) error { return goals.Unmarshal(g, text) }

// Methods lists all methods by name.
func Methods() []Method {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Filter chooses methods, for [Find].
type Filter func(Method) bool

// Find lists the methods that every filter takes, by name; none if there are none.
func Find(filters ...Filter) []Method {
	return slices.DeleteFunc(Methods(), func(m Method) bool {
		return slices.ContainsFunc(filters, func(f Filter) bool { return !f(m) })
	})
}

// In takes methods of a cell, be it their main one or another.
func In(s Subcomponent, a Action) Filter {
	return func(m Method) bool { return slices.Contains(m.Cells, Cell{s, a}) }
}

// Of takes methods that change a subcomponent.
func Of(s Subcomponent) Filter {
	return func(m Method) bool {
		return slices.ContainsFunc(m.Cells, func(c Cell) bool { return c.Subcomponent == s })
	}
}

// By takes methods that act in one way.
func By(a Action) Filter {
	return func(m Method) bool {
		return slices.ContainsFunc(m.Cells, func(c Cell) bool { return c.Action == a })
	}
}

// Helping takes methods that relieve a bottleneck. A method for reading a kind of input is one for the input.
func Helping(b Bottleneck) Filter {
	return func(m Method) bool { return slices.Contains(m.Helps, b) }
}

// During takes methods that act in a phase.
func During(p Phase) Filter { return func(m Method) bool { return m.Phase == p } }

// For takes methods for a goal.
func For(g Goal) Filter { return func(m Method) bool { return m.Goal == g } }
