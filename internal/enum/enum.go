// Package enum gives enumerations their names, the same way in every package of the module: String for people,
// MarshalText and UnmarshalText for JSON, keys of maps and flags.
package enum

import (
	"fmt"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Names is the names of the values 0, 1, 2, ... of E. A type of three values has
//
//	var names = enum.Of[Scope]("scope", "per tensor", "global", "per row")
//
//	func (s Scope) String() string               { return names.String(s) }
//	func (s Scope) MarshalText() ([]byte, error) { return names.Marshal(s) }
//	func (s *Scope) UnmarshalText(b []byte) error { return names.Unmarshal(s, b) }
type Names[E ~uint8] struct {
	kind  string
	names []string
}

// Of names the values of an enumeration; kind is what one is called in errors. A value named "" is none.
func Of[E ~uint8](kind string, names ...string) Names[E] { return Names[E]{kind, names} }

// Valid reports whether e has a name.
func (n Names[E]) Valid(e E) bool { return int(e) < len(n.names) && n.names[e] != "" }

// All lists the names in the order of their values.
func (n Names[E]) All() []string {
	return slices.DeleteFunc(slices.Clone(n.names), func(name string) bool { return name == "" })
}

// String is the name, or "kind(9)" for a value without one.
func (n Names[E]) String(e E) string {
	if n.Valid(e) {
		return n.names[e]
	}
	return fmt.Sprintf("%s(%d)", n.kind, uint8(e))
}

// Check is an error that wraps [tensor.ErrRange] for a value without a name.
func (n Names[E]) Check(e E) error {
	if n.Valid(e) {
		return nil
	}
	return fmt.Errorf("%s(%d) is none of %s: %w", n.kind, uint8(e), n.list(), tensor.ErrRange)
}

// Option is the error of the option of that name for a value without a name; it wraps [tensor.ErrRange].
func (n Names[E]) Option(name string, e E) error {
	if n.Valid(e) {
		return nil
	}
	return fmt.Errorf("%s(%d): want %s: %w", name, uint8(e), n.list(), tensor.ErrRange)
}

// Parse is the value of a name. The error wraps [tensor.ErrRange] and lists the names there are.
func (n Names[E]) Parse(name string) (E, error) {
	if i := slices.Index(n.names, name); i >= 0 && name != "" {
		return E(i), nil
	}
	return 0, fmt.Errorf("%s %q: want %s: %w", n.kind, name, n.list(), tensor.ErrRange)
}

// Marshal is MarshalText.
func (n Names[E]) Marshal(e E) ([]byte, error) {
	if err := n.Check(e); err != nil {
		return nil, err
	}
	return []byte(n.names[e]), nil
}

// Unmarshal is UnmarshalText; e stays as it was if there is an error.
func (n Names[E]) Unmarshal(e *E, text []byte) error {
	v, err := n.Parse(string(text))
	if err == nil {
		*e = v
	}
	return err
}

// list is the names in quotes, the last after "or".
func (n Names[E]) list() string {
	all := n.All()
	for i, name := range all {
		all[i] = fmt.Sprintf("%q", name)
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " or " + all[last]
	}
	return strings.Join(all, "")
}
