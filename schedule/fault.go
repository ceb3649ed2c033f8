package schedule

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/espalier-ml/espalier/tensor"
)

// fault is one thing that is wrong with a schedule, and its place from the outermost schedule on: Sequence[1].S.Over as
// Go has it, sequence.parts[1].s.over as JSON has it. Like pathError, it grows from the inside out.
type fault struct {
	of, path, json string // the type of the outermost, and the rest in both styles
	sep            string
	err            error
}

func (f *fault) Error() string { return "schedule: " + f.of + f.path + f.sep + f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// inJSON is what Validate found wrong with a schedule that was read as JSON under the name of its type, with the places
// as JSON has them.
func inJSON(name string, err error) error {
	var all []error
	for _, err := range unjoin(err) {
		if f, ok := err.(*fault); ok {
			err = &fault{name, f.json, f.json, f.sep, f.err}
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// unjoin is the errors that err joins, or err alone.
func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok && reflect.TypeOf(err) == reflect.TypeOf(errors.Join(err)) {
		return j.Unwrap()
	}
	return []error{err}
}

// bare is an error that will be part of another one of this package, which is named but once.
func bare(err error) error {
	text, ok := strings.CutPrefix(err.Error(), "schedule: ")
	if !ok {
		return err
	}
	return &bareError{text, err}
}

type bareError struct {
	text string
	err  error
}

// Error is the text without the prefix.
func (b *bareError) Error() string { return b.text }

// Unwrap is the cause.
func (b *bareError) Unwrap() error { return b.err }

// lowerNames are the names of fields in a path as JSON has them.
func lowerNames(path string) string {
	last := '.'
	return strings.Map(func(r rune) rune {
		first := !unicode.IsLetter(last)
		last = r
		if first {
			return unicode.ToLower(r)
		}
		return r
	}, path)
}

// checks collects what is wrong with one value, up to maxFaults.
type checks struct {
	of   string
	errs []error
}

// maxFaults keeps a long list of bad numbers from making a longer message.
const maxFaults = 20

func check(of string) *checks { return &checks{of: of} }

func (c *checks) fail(field string, v any, must string, sentinel error) {
	c.add(field, &fault{sep: " = ", err: fmt.Errorf("%v: must be %s: %w", v, must, sentinel)})
}

// add puts the place of the field in front of that of the fault.
func (c *checks) add(field string, f *fault) {
	if len(c.errs) >= maxFaults {
		return
	}
	step, list := "."+field, ""
	if field[0] == '[' {
		if step, list = field, ".of"; c.of == "Sequence" {
			list = ".parts"
		}
	}
	c.errs = append(c.errs, &fault{c.of, step + f.path, list + lowerNames(step) + f.json, f.sep, f.err})
}

func (c *checks) finite(field string, v float64) *checks {
	if v-v != 0 {
		c.fail(field, v, "finite", tensor.ErrNotFinite)
	}
	return c
}

// positive, atLeast and within require a finite value as well.
func (c *checks) positive(field string, v float64) *checks {
	if c.finite(field, v); v <= 0 {
		c.fail(field, v, "> 0", tensor.ErrRange)
	}
	return c
}

func (c *checks) atLeast(field string, v, lo float64) *checks {
	if c.finite(field, v); v < lo {
		c.fail(field, v, fmt.Sprintf(">= %v", lo), tensor.ErrRange)
	}
	return c
}

func (c *checks) that(ok bool, field string, v any, must string) *checks {
	if !ok {
		c.fail(field, v, must, tensor.ErrRange)
	}
	return c
}

func (c *checks) ascending(field string, v []float64, strictly bool) *checks {
	order := "no earlier than the one before"
	if strictly {
		order = "later than the one before"
	}
	for i, x := range v {
		name := fmt.Sprintf("%s[%d]", field, i)
		c.finite(name, x)
		if i > 0 {
			c.that(!(x < v[i-1] || strictly && x == v[i-1]), name, x, order)
		}
	}
	return c
}

func (c *checks) child(field string, s Schedule) *checks {
	for _, err := range unjoin(Validate(s)) {
		f, ok := err.(*fault)
		if !ok {
			f = &fault{sep: ": ", err: bare(err)}
		}
		c.add(field, f)
	}
	return c
}

func (c *checks) err() error { return errors.Join(c.errs...) }
