// Package option is the bookkeeping of functional options, the same in every package of the module: a later option wins
// over an earlier one of its name, a nil option is an error, and all faults are reported together.
package option

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Apply applies opts to config in order and joins their faults, each beginning with call, such as "prune: New". An
// option writes over what an earlier one wrote; whether what is there in the end contradicts itself is for the caller
// to check, with [Given.Exclusive] where names decide it.
func Apply[C any, O ~func(*C) error](call string, config *C, opts []O) error {
	var faults []error
	for i, opt := range opts {
		err := fmt.Errorf("option %d is nil: %w", i, tensor.ErrEmpty)
		if opt != nil {
			err = opt(config)
		}
		if err != nil {
			faults = append(faults, Call(call, err))
		}
	}
	return errors.Join(faults...)
}

// Given is the names of the options that were given, for a config that must tell a value from its default. Its zero
// value is ready.
type Given []string

// Mark notes that options were given.
func (g *Given) Mark(names ...string) {
	for _, name := range names {
		if !g.Has(name) {
			*g = append(*g, name)
		}
	}
}

// Has reports whether the option was given.
func (g Given) Has(name string) bool { return slices.Contains(g, name) }

// Exclusive is an error that wraps [tensor.ErrConflict] if more than one of the options was given.
func (g Given) Exclusive(names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !g.Has(name):
		case first == "":
			first = name
		default:
			return Conflict("%s beside %s", first, name)
		}
	}
	return nil
}

// Conflict is an error that wraps [tensor.ErrConflict].
func Conflict(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, tensor.ErrConflict)...)
}

// Range is nil if ok, and otherwise the error of an option whose value is not what it wants; it wraps
// [tensor.ErrRange].
func Range(ok bool, name string, value any, want string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s(%v): want %s: %w", name, value, want, tensor.ErrRange)
}

// Nil is nil if ok, and otherwise the error of an option that was given nothing; it wraps [tensor.ErrEmpty].
func Nil(ok bool, name string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s(nil): %w", name, tensor.ErrEmpty)
}

// Workers is the error of WithWorkers: 0 stands for GOMAXPROCS, and a negative number for nothing.
func Workers(n int) error { return Range(n >= 0, "WithWorkers", n, "0 or more") }

// Call prefixes each of the errors that err joins, or err itself, with call, unless it begins with it. Where an error
// begins with the package that call begins with, the package is not named twice.
func Call(call string, err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if ok && reflect.TypeOf(err) == reflect.TypeOf(errors.Join(err)) { // not a sentence that wraps several
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, Call(call, e))
		}
		return errors.Join(all...)
	}
	if strings.HasPrefix(err.Error(), call+": ") {
		return err
	}
	pkg, _, _ := strings.Cut(call, ": ")
	return called{call + ": " + strings.TrimPrefix(err.Error(), pkg+": "), err}
}

// called is an error with the call that met it.
type called struct {
	text string
	err  error
}

func (c called) Error() string { return c.text }
func (c called) Unwrap() error { return c.err }
