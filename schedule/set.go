package schedule

import (
	"errors"
	"fmt"
	"iter"

	"github.com/espalier-ml/espalier/tensor"
)

// Set is several hyper-parameters that follow time together, each with the function that puts it to use. Once bound it
// does not change.
type Set struct {
	bindings []binding
	errs     []error
}

type binding struct {
	name string
	s    Schedule
	use  func(float64)
}

// NewSet is a set without schedules.
func NewSet() *Set { return &Set{} }

// Bind adds a schedule under a name of its own and returns the set. use gets the value of every [Set.Apply]; with nil
// the value is only logged. What is wrong with the arguments is left for [Set.Validate] to report.
func (s *Set) Bind(name string, sch Schedule, use func(float64)) *Set {
	for _, b := range s.bindings {
		if b.name == name {
			s.errs = append(s.errs, fmt.Errorf("schedule: Set: %q is bound twice: %w", name, tensor.ErrRange))
		}
	}
	for _, err := range unjoin(Validate(sch)) {
		s.errs = append(s.errs, fmt.Errorf("schedule: Set: %q: %w", name, bare(err)))
	}
	s.bindings = append(s.bindings, binding{name, sch, use})
	return s
}

// Validate reports everything wrong with the schedules and names that were bound.
func (s *Set) Validate() error { return errors.Join(s.errs...) }

// Apply hands every value at time t to its function, in the order of Bind. It allocates nothing, and panics with the
// error of [Set.Validate] if there is one.
func (s *Set) Apply(t float64) {
	s.mustBeValid()
	for i := range s.bindings {
		if b := &s.bindings[i]; b.use != nil {
			b.use(b.s.Value(t))
		}
	}
}

// Values yields every name and its value at time t, in the order of Bind, for logging: maps.Collect makes a map of
// it. It calls none of the functions, and panics like Apply.
func (s *Set) Values(t float64) iter.Seq2[string, float64] {
	s.mustBeValid()
	return func(yield func(string, float64) bool) {
		for _, b := range s.bindings {
			if !yield(b.name, b.s.Value(t)) {
				return
			}
		}
	}
}

func (s *Set) mustBeValid() {
	if len(s.errs) > 0 {
		panic(s.Validate())
	}
}
