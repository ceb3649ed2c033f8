package stats

import (
	"errors"
	"reflect"
)

func second[T any](_ T, err error) error { return err }

func errorIs(err, target error) bool { return errors.Is(err, target) }

// newLike is a new zero value of what v points at.
func newLike(v any) any { return reflect.New(reflect.TypeOf(v).Elem()).Interface() }
