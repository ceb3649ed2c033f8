package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// ErrNotSerializable reports a schedule, or a part of one, that cannot be written as JSON: a [Func], or a type that no
// [Registry] knows.
var ErrNotSerializable = errors.New("schedule cannot be written as JSON")

// Spec is a schedule as text: its JSON, checked, in which times may still stand as durations such as "0.06dur" or
// "10ep". [Spec.Compile] makes the schedule of it. It is immutable and can be a field of a configuration that is read
// and written as JSON; the zero value is null there.
//
// Every schedule is an object with its type and its fields, the outermost one with the version of the format:
//
//	{"version": 1, "type": "sequence", "parts": [
//	    {"until": "0.06dur", "s": {"type": "linear", "from": 0, "to": 5e-4, "over": "0.06dur"}},
//	    {"s": {"type": "linear", "from": 5e-4, "to": 1e-5, "over": "0.94dur"}}]}
//
// The type is the name of the Go type with a small first letter (rex and wsd are all small), the fields are those in
// the documentation of the type, and those without omitempty are required, as is until in all parts but the last.
// Lists are called parts in a [Sequence] and of in [Product], [Sum], [Min] and [Max]. A time is a plain number, which
// counts whatever the schedule is compiled for, or a duration in one of the units of [ParseDuration], with a minus
// sign if it is negative.
type Spec struct {
	text string
	reg  *Registry
}

// SpecOf writes a schedule as a specification, its times as plain numbers. Reading and compiling it gives the same
// schedule to the last bit. The error wraps [ErrNotSerializable] and names the part at fault, wraps [ErrSpec]
// if the text would be larger or deeper than [ParseJSON] reads, or is that of [Validate].
func SpecOf(s Schedule) (Spec, error) { return (*Registry)(nil).SpecOf(s) }

// ParseJSON reads a specification. Unknown types and fields, missing or repeated ones, durations where no time
// belongs, another version, data after the end, more than 1 MiB and more than 128 levels of nesting are errors
// that wrap [ErrSpec] and name the place. So are values out of range if there are no durations; otherwise it
// takes [Spec.Compile] to know them. A byte order mark at the front is skipped.
func ParseJSON(b []byte) (Spec, error) { return (*Registry)(nil).ParseJSON(b) }

// Compile makes the schedule, on one axis: every duration is converted to that unit with the rates of the plan, exactly
// as [Plan.Convert] does, and plain numbers stay as they are.
//
// It means the same on every axis. Steps are what training counts: cycles of [Cyclic] are whole numbers of them, [Noam]
// and a factor per step, as in [Triangular], count them. On another axis the schedule is therefore one in steps, run by
// a [Clock]. If the plan does not say how long a step is on the axis there is no clock, and a schedule that counts
// steps is an error; a [Cyclic] whose First and Mult are whole numbers of the axis is none.
//
// Fractions of the run follow plan.Total: compiled again with another total, on resuming, they move and the rest does
// not. [Spec.Freeze] stops that.
//
// The error names the field. It wraps [ErrMissingRate] if the plan lacks a rate, [tensor.ErrRange] or
// [tensor.ErrNotFinite] for values out of range, and [ErrSpec] if s is the zero value.
func (s Spec) Compile(plan Plan, axis Unit) (Schedule, error) {
	if err := errors.Join(plan.Validate(), Duration{0, axis}.Validate()); err != nil {
		return nil, err
	}
	step, noSteps := plan.conversion(Duration{1, Steps}, axis)
	rules := plan.timesOn(axis, noSteps)
	sch, root, err := s.rebuild(rules)
	if err != nil {
		return nil, err
	}
	if err := Validate(sch); err != nil {
		return nil, inJSON(typeOf(root), err)
	}
	if axis != Steps && noSteps == nil {
		clock := Clock{sch, step}
		return clock, clock.Validate()
	}
	return sch, nil
}

// timesOn are the times of a schedule in steps, or in the unit of the axis if noSteps says why there are no steps on
// it.
func (p Plan) timesOn(axis Unit, noSteps error) times {
	in := func(unit Unit) func(Duration) (Duration, error) {
		return func(d Duration) (Duration, error) {
			v, err := p.resolve(d, unit)
			return Duration{v, unit}, err
		}
	}
	steps := times{duration: in(Steps)}
	switch {
	case axis == Steps:
		return steps
	case noSteps != nil:
		return times{duration: in(axis), inClock: &steps, noSteps: noSteps}
	}
	plain := func(t float64) (float64, error) {
		v, err := p.conversion(Duration{math.Abs(t), axis}, Steps)
		return math.Copysign(v, t), err
	}
	onAxis := func(d Duration) (Duration, error) {
		if _, err := p.resolve(d, axis); err != nil { // it names the axis
			return Duration{}, err
		}
		return steps.duration(d)
	}
	return times{duration: onAxis, plain: plain, inClock: &steps}
}

// Freeze turns the fractions of the run into steps of this plan, so that a later change of plan.Total does not
// move them. Other units stay. The error is like that of [Spec.Compile].
func (s Spec) Freeze(plan Plan) (Spec, error) {
	if err := plan.Validate(); err != nil {
		return Spec{}, err
	}
	_, root, err := s.rebuild(times{duration: func(d Duration) (Duration, error) {
		if d.Unit != Fraction {
			return d, nil
		}
		v, err := plan.resolve(d, Steps)
		return Duration{v, Steps}, err
	}})
	if err != nil {
		return Spec{}, err
	}
	return s.reg.spec(root)
}

// rebuild reads the text again, with every duration converted, in the schedule as in the tree.
func (s Spec) rebuild(rules times) (Schedule, any, error) {
	if s.text == "" {
		return nil, nil, fmt.Errorf("schedule: Spec is empty: %w", ErrSpec)
	}
	root, err := parseTree([]byte(s.text))
	if err != nil {
		return nil, nil, err
	}
	d := decoder{reg: s.reg, times: rules}
	sch, err := d.root(root)
	if err != nil {
		return nil, nil, fmt.Errorf("schedule: %w", err)
	}
	return sch, root, nil
}

// String is the JSON.
func (s Spec) String() string { return s.text }

// MarshalJSON is the JSON, or null for the zero value.
func (s Spec) MarshalJSON() ([]byte, error) {
	if s.text == "" {
		return []byte("null"), nil
	}
	return []byte(s.text), nil
}

// UnmarshalJSON is [ParseJSON], for the built-in types; null changes nothing.
func (s *Spec) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	v, err := ParseJSON(b)
	if err == nil {
		*s = v
	}
	return err
}

// SpecOf is [SpecOf] for the built-in types and those of r.
func (r *Registry) SpecOf(s Schedule) (Spec, error) {
	if err := Validate(s); err != nil {
		return Spec{}, err
	}
	root, err := encoder{r}.schedule(s)
	if err != nil {
		return Spec{}, fmt.Errorf("schedule: %T: %w", s, err)
	}
	return r.spec(append(object{{"version", specVersion}}, root...))
}

// ParseJSON is [ParseJSON] for the built-in types and those of r, which must stay as it is as long as the
// specification is in use.
func (r *Registry) ParseJSON(b []byte) (Spec, error) {
	if len(b) > maxSpecSize {
		return Spec{}, fmt.Errorf("schedule: %d bytes, want at most %d: %w", len(b), maxSpecSize, ErrSpec)
	}
	b = bytes.TrimPrefix(b, []byte(byteOrderMark))
	root, err := parseTree(b)
	if err != nil {
		return Spec{}, fmt.Errorf("schedule: %w: %w", err, ErrSpec)
	}
	d := decoder{reg: r, times: times{duration: func(d Duration) (Duration, error) { return d, nil }}}
	sch, err := d.root(root)
	if err != nil {
		return Spec{}, fmt.Errorf("schedule: %w: %w", err, ErrSpec)
	}
	if d.durations == 0 {
		if err := Validate(sch); err != nil {
			return Spec{}, fmt.Errorf("%w: %w", inJSON(typeOf(root), err), ErrSpec)
		}
	}
	return Spec{string(appendTree(nil, root)), r}, nil
}

// spec checks a tree made here exactly as if it had been read.
func (r *Registry) spec(root any) (Spec, error) { return r.ParseJSON(appendTree(nil, root)) }

// Bounds of what is read: nothing hostile gets far with them, and no real schedule comes near.
const (
	maxSpecSize  = 1 << 20
	maxSpecDepth = 128
)

// byteOrderMark stands at the front of the files of some editors.
const byteOrderMark = "\ufeff"
